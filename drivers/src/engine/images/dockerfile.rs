//! Lines as a Dockerfile has them, which change how an image is used (`--change` of `docker commit` and `docker import`):
//! reading them and applying them, as a real engine was seen to do it. All are read before the first is applied. How a
//! word is expanded is in `word`.

mod word;

use serde_json::Value;

use crate::error::Error;
use crate::image::ImageConfig;
use crate::ports::Port;

/// A line.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Instruction {
    Command(Vec<String>),
    Entrypoint(Vec<String>),
    Env(Vec<(String, String)>),
    Expose(Vec<String>),
    Label(Vec<(String, String)>),
    User(String),
    WorkingDir(String),
    /// One that an engine takes and images here have no place for.
    Elsewhere,
    /// One that changes nothing of how an image is used, or is none.
    Other(String),
}

/// Applies the lines.
///
/// # Errors
/// What is wrong with them.
pub(super) fn apply<'a>(config: &mut ImageConfig, texts: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    let text = texts.collect::<Vec<_>>().join("\n").replace("\\\n", "");
    if text.is_empty() {
        return Ok(());
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let lines = lines.map(Instruction::parse).collect::<Result<Vec<_>, _>>()?;
    if lines.is_empty() {
        return Err(bad("file with no instructions"));
    }
    for line in &lines {
        match line {
            Instruction::Elsewhere => return Err(Error::Unsupported("keep this instruction in an image")),
            Instruction::Other(word) => return Err(bad(format!("{word} is not a valid change command"))),
            _ => {}
        }
    }
    // Another entry point has nothing to do with the command that was for the old one.
    let is_set = |line: &Instruction| matches!(line, Instruction::Command(words) if !words.is_empty());
    if lines.iter().any(|line| matches!(line, Instruction::Entrypoint(words) if !words.is_empty()))
        && !lines.iter().any(is_set)
    {
        config.command.clear();
    }
    lines.into_iter().try_for_each(|line| line.apply(config))
}

fn bad(why: impl Into<String>) -> Error {
    Error::BadParameter(why.into())
}

impl Instruction {
    fn parse(line: &str) -> Result<Self, Error> {
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let (name, rest) = (name.to_lowercase(), rest.trim());
        let one = || match rest {
            "" => Err(bad(format!("{} requires exactly one argument", name.to_uppercase()))),
            one => Ok(one.to_owned()),
        };
        Ok(match name.as_str() {
            "cmd" => Self::Command(command(rest)?),
            "entrypoint" if rest.is_empty() => Self::Entrypoint(Vec::new()),
            "entrypoint" => Self::Entrypoint(command(rest)?),
            "env" => Self::Env(pairs("ENV", rest)?),
            "expose" if rest.is_empty() => return Err(bad("EXPOSE requires at least one argument")),
            "expose" => Self::Expose(rest.split_whitespace().map(str::to_owned).collect()),
            "label" => Self::Label(pairs("LABEL", rest)?),
            "user" => Self::User(one()?),
            "workdir" => Self::WorkingDir(one()?),
            "healthcheck" | "onbuild" | "volume" => Self::Elsewhere,
            _ => Self::Other(name),
        })
    }

    fn apply(self, config: &mut ImageConfig) -> Result<(), Error> {
        let env = config.env.clone();
        let expand =
            |word: &str| word::expand(word, &env).map_err(|fault| bad(format!("failed to process {word:?}: {fault}")));
        match self {
            Self::Command(words) | Self::Entrypoint(words) if words.is_empty() => {}
            Self::Command(words) => config.command = words,
            Self::Entrypoint(words) => config.entrypoint = words,
            Self::Env(pairs) => {
                for (name, value) in pairs {
                    let (name, value) = (expand(&name)?, expand(&value)?);
                    if name.is_empty() {
                        return Err(bad("ENV names can not be blank"));
                    }
                    let line = format!("{name}={value}");
                    match config.env.iter_mut().find(|line| line.split('=').next() == Some(name.as_str())) {
                        Some(known) => *known = line,
                        None => config.env.push(line),
                    }
                }
            }
            Self::Expose(ports) => {
                for port in ports {
                    let port = expand(&port)?;
                    let port: Port = port.parse().map_err(|_| bad(format!("Invalid containerPort: {port}")))?;
                    let port = port.to_string();
                    config.exposed.retain(|known| *known != port);
                    config.exposed.push(port);
                }
            }
            Self::Label(pairs) => {
                for (name, value) in pairs {
                    config.labels.insert(expand(&name)?, expand(&value)?);
                }
            }
            Self::User(user) => config.user = expand(&user)?,
            Self::WorkingDir(path) => {
                config.working_dir = netyard_sim::userland::files::normalise(&config.working_dir, &expand(&path)?);
            }
            Self::Elsewhere | Self::Other(_) => {}
        }
        Ok(())
    }
}

/// A command as a JSON list, whatever follows it, or for the shell.
fn command(text: &str) -> Result<Vec<String>, Error> {
    let mut lists = serde_json::Deserializer::from_str(text).into_iter::<Vec<Value>>();
    match lists.next() {
        Some(Ok(words)) => {
            let words: Option<Vec<_>> = words.into_iter().map(|word| word.as_str().map(str::to_owned)).collect();
            words.ok_or_else(|| bad("when using JSON array syntax, arrays must be comprised of strings only"))
        }
        _ => Ok(["/bin/sh", "-c", text].into_iter().filter(|word| !word.is_empty()).map(str::to_owned).collect()),
    }
}

/// `name=value` as often as it comes, or one `name value`.
fn pairs(instruction: &str, text: &str) -> Result<Vec<(String, String)>, Error> {
    let words = word::part(text);
    let Some(first) = words.first() else {
        return Err(bad(format!("{instruction} requires at least one argument")));
    };
    if !first.contains('=') {
        let Some((name, value)) = text.split_once(char::is_whitespace) else {
            return Err(bad(format!("{instruction} must have two arguments")));
        };
        return Ok(vec![(name.to_owned(), value.trim_start().to_owned())]);
    }
    let pair = |word: &String| {
        let wrong = || bad(format!("Syntax error - can't find = in {word:?}. Must be of the form: name=value"));
        let (name, value) = word.split_once('=').ok_or_else(wrong)?;
        Ok((name.to_owned(), value.to_owned()))
    };
    words.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(config: &mut ImageConfig, lines: &[&str]) -> Result<(), String> {
        apply(config, lines.iter().copied()).map_err(|error| error.to_string())
    }

    #[test]
    fn lines_change_how_an_image_is_used() {
        let mut config = ImageConfig { command: vec!["sh".to_owned()], ..ImageConfig::default() };
        let lines = [
            "CMD [\"httpd\", \"-f\"]",
            "ENV A=1 B=\"2 3\"",
            "ENV A one",
            "EXPOSE 80 53/udp\n# and more",
            "LABEL x=y \"a b\"=c",
            "WORKDIR \\\nwww",
        ];
        changed(&mut config, &lines).expect("they are good");
        assert_eq!(config.command, ["httpd", "-f"]);
        assert_eq!(config.env, ["A=one", "B=2 3"]);
        assert_eq!(config.labels.get("a b").map(String::as_str), Some("c"));
        assert_eq!((config.exposed, config.working_dir.as_str()), (vec!["80/tcp".into(), "53/udp".into()], "/www"));
    }

    /// As a real engine was asked.
    #[test]
    fn words_of_the_environment_are_those_before_the_line() {
        let of = |lines: &[&str]| {
            let mut config = ImageConfig { env: vec!["A=0".to_owned(), "B=0".to_owned()], ..ImageConfig::default() };
            changed(&mut config, lines).expect("they are good");
            config.env.join(" ")
        };
        assert_eq!(of(&["ENV A=1 Q=$A$B"]), "A=1 B=0 Q=00");
        assert_eq!(of(&["ENV A=1", "ENV Q=$A$B"]), "A=1 B=0 Q=10");
        assert_eq!(of(&["ENV Q \t x\\ y \"z\" $A"]), "A=0 B=0 Q=x y z 0");
    }

    #[test]
    fn an_entry_point_does_without_the_command_of_the_one_before() {
        let of = |lines: &[&str]| {
            let (entrypoint, command) = (vec!["/bin/sleep".to_owned()], vec!["100".to_owned()]);
            let mut config = ImageConfig { entrypoint, command, ..ImageConfig::default() };
            changed(&mut config, lines).expect("they are good");
            [config.entrypoint.join(" "), config.command.join(" ")]
        };
        assert_eq!(of(&["ENTRYPOINT [\"b\"]"]), ["b", ""]);
        assert_eq!(of(&["ENTRYPOINT [\"b\"]", "CMD [\"c\"] x"]), ["b", "c"]);
        assert_eq!(of(&["ENTRYPOINT []", "CMD []"]), ["/bin/sleep", "100"]);
        assert_eq!(of(&["CMD"]), ["/bin/sleep", "/bin/sh -c"]);
        assert_eq!(of(&["CMD [\"a\", \"b\""]), ["/bin/sleep", "/bin/sh -c [\"a\", \"b\""]);
    }

    #[test]
    fn what_is_wrong_is_said_before_anything_is_changed() {
        let refused = |lines: &[&str]| changed(&mut ImageConfig::default(), lines).expect_err("it is wrong");
        assert_eq!(refused(&["ENV A=\"x", "RUN x"]), "run is not a valid change command");
        assert_eq!(refused(&["EXPOSE banana", "ENV A=\"x"]), "Invalid containerPort: banana");
        let open = "unexpected end of statement while looking for matching double-quote";
        assert_eq!(refused(&["ENV A=\"x"]), format!("failed to process \"\\\"x\": {open}"));
        assert_eq!(refused(&["ENV A=1 B"]), "Syntax error - can't find = in \"B\". Must be of the form: name=value");
        assert_eq!(refused(&["ENV A"]), "ENV must have two arguments");
        assert_eq!(refused(&["ENV"]), "ENV requires at least one argument");
        assert_eq!(refused(&["ENV =1"]), "ENV names can not be blank");
        assert_eq!(refused(&["USER"]), "USER requires exactly one argument");
        assert_eq!(refused(&["# x"]), "file with no instructions");
        let list = "when using JSON array syntax, arrays must be comprised of strings only";
        assert_eq!(refused(&["CMD [\"a\", 1]"]), list);
    }
}
