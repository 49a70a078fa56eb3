//! How a shell begins: its arguments say what it runs and how it is called.

use super::dialect::{Dialect, Origin, Voice};
use super::machine::Machine;
use super::source::Source;
use super::state::{Options, State};
use super::variables::Variables;
use crate::userland::{Errno, Sys};

/// What the arguments say.
#[derive(Debug, Default, Eq, PartialEq)]
struct Arguments {
    options: Options,
    command: bool,
    session: bool,
    rest: Vec<String>,
}

impl Arguments {
    /// Reads the arguments behind the program's name; the letter that is no option otherwise.
    fn parse(argv: &[String]) -> Result<Self, char> {
        let mut arguments = Self::default();
        let mut words = argv.iter();
        for word in words.by_ref() {
            match word.as_str() {
                "-" | "--" => break,
                "--norc" | "--noprofile" | "--login" | "--posix" => {}
                "-o" | "+o" => {}
                _ => match word.strip_prefix('-').or_else(|| word.strip_prefix('+')) {
                    Some(letters) => arguments.letters(letters, word.starts_with('-'))?,
                    None => {
                        arguments.rest.push(word.clone());
                        break;
                    }
                },
            }
        }
        arguments.rest.extend(words.cloned());
        Ok(arguments)
    }

    fn letters(&mut self, letters: &str, on: bool) -> Result<(), char> {
        for letter in letters.chars() {
            match letter {
                'c' => self.command = true,
                's' | 'i' => self.session = true,
                'l' | 'm' => {}
                _ if self.options.set(letter, on) => {}
                _ => return Err(letter),
            }
        }
        Ok(())
    }

    const fn origin(&self) -> Origin {
        match self {
            Self { command: true, .. } => Origin::Argument,
            Self { session: true, .. } => Origin::Session,
            Self { rest, .. } if rest.is_empty() => Origin::Stdin,
            Self { .. } => Origin::Script,
        }
    }
}

/// The machine of a shell that was just started; the code it exits with when it cannot begin.
pub(super) fn machine(sys: &mut Sys<'_>) -> Result<Machine, i32> {
    let argv = sys.argv().to_vec();
    let program = argv.first().map_or("sh", String::as_str).to_owned();
    let arguments = Arguments::parse(argv.get(1..).unwrap_or_default()).map_err(|letter| {
        let voice = Voice::new(&program, sys.flavour(), Origin::Argument);
        sys.eprint(voice.message(0, &format!("-{letter}: invalid option")));
        2
    })?;
    let origin = match arguments.origin() {
        // Who sits at a terminal types line by line.
        Origin::Stdin if sys.is_terminal(0) => Origin::Session,
        origin => origin,
    };
    let mut voice = Voice::new(&program, sys.flavour(), origin);
    let (source, name, positional) = match origin {
        Origin::Argument => command(sys, &voice, &program, &arguments.rest)?,
        Origin::Script => script(sys, &voice, &arguments.rest)?,
        Origin::Session | Origin::Stdin => (Source::default(), program, arguments.rest.clone()),
    };
    if origin == Origin::Script || (origin == Origin::Argument && arguments.rest.len() > 1) {
        voice.name.clone_from(&name);
    }
    let mut variables = Variables::from_environment(sys.env());
    let cwd = sys.cwd().to_owned();
    variables.begin(&cwd);
    let state = State::new(voice, variables, name, positional, arguments.options, sys.pid());
    Ok(Machine::new(state, source))
}

type Beginning = (Source, String, Vec<String>);

/// `sh -c text [name [argument…]]`
fn command(sys: &mut Sys<'_>, voice: &Voice, program: &str, rest: &[String]) -> Result<Beginning, i32> {
    let Some((text, rest)) = rest.split_first() else {
        let text = match voice.dialect {
            Dialect::Bash => format!("{program}: -c: option requires an argument\n"),
            Dialect::Ash => format!("{program}: -c requires an argument\n"),
            Dialect::Dash => format!("{program}: 0: -c requires an argument\n"),
        };
        sys.eprint(text);
        return Err(2);
    };
    let name = rest.first().map_or(program, String::as_str).to_owned();
    Ok((Source::whole(text), name, rest.get(1..).unwrap_or_default().to_vec()))
}

/// `sh file [argument…]`
fn script(sys: &mut Sys<'_>, voice: &Voice, rest: &[String]) -> Result<Beginning, i32> {
    let (path, arguments) = rest.split_first().expect("a script's shell has the script's path");
    let name = &voice.name;
    match sys.files().read(&sys.absolute(path)) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Ok((Source::whole(text), path.clone(), arguments.to_vec()))
        }
        Err(errno) => {
            let (text, code) = match voice.dialect {
                Dialect::Ash => (format!("{name}: can't open '{path}': {errno}\n"), 2),
                Dialect::Dash => {
                    let why = if errno == Errno::NoEntry { "No such file".to_owned() } else { errno.to_string() };
                    (format!("{name}: 0: cannot open {path}: {why}\n"), 2)
                }
                Dialect::Bash => (format!("{name}: {path}: {errno}\n"), 127),
            };
            sys.eprint(text);
            Err(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Arguments {
        let argv: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        Arguments::parse(&argv).unwrap()
    }

    #[test]
    fn arguments_say_where_the_text_comes_from() {
        assert_eq!(parse("-ec text name").origin(), Origin::Argument);
        assert!(parse("-ec text name").options.errexit);
        assert_eq!(parse("-s a b").origin(), Origin::Session);
        assert_eq!(parse("-x script -y").rest, ["script", "-y"]);
        assert_eq!(parse("").origin(), Origin::Stdin);
        assert_eq!(Arguments::parse(&["-q".to_owned()]), Err('q'));
    }
}
