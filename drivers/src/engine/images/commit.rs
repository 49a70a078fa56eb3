//! `POST /commit`: an image of a container as it is now, changed by lines as a Dockerfile has them.

use std::rc::Rc;

use netyard_sim::world::World;
use serde_json::{Value, json};

use super::super::request::Query;
use super::super::{Call, Engine, Reply};
use crate::container::State;
use crate::error::Error;
use crate::id::Id;
use crate::image::{Content, Image, ImageConfig, Layer, Reference};
use crate::ports::Port;

/// Files that a container gets anew at each start.
const GIVEN: [&str; 3] = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];
/// The instructions of a Dockerfile that change how an image is used.
const INSTRUCTIONS: [&str; 11] = [
    "cmd",
    "entrypoint",
    "env",
    "expose",
    "healthcheck",
    "label",
    "onbuild",
    "stopsignal",
    "user",
    "volume",
    "workdir",
];

impl Engine {
    /// `POST /commit`.
    pub(in crate::engine) fn container_commit(&mut self, world: &mut World, call: &Call<'_>) -> Result<Reply, Error> {
        let query = &call.target.query;
        let container = self.find_container(query.text("container").unwrap_or_default())?;
        let (id, name) = (container.id, container.name.clone());
        let pauses = query.text("pause").is_none_or(|_| query.flag("pause"));
        let pauses = pauses && matches!(container.state, State::Running(_));
        let mut config = image_config(&self.runs[&id].echo.config());
        let command = config.command.join(" ");
        changes(&mut config, query)?;
        let reference = name_of(query.text("repo"), query.text("tag"))?;
        if pauses {
            self.container_pause(world, &name)?;
        }
        let texts = ["author", "comment"].map(|key| query.text(key).unwrap_or_default().to_owned());
        let image = Rc::new(self.image_of(world, id, config, command, texts));
        self.images.add(Rc::clone(&image));
        if let Some(reference) = &reference {
            self.name_image(world, &image, reference);
        }
        let named = reference.map(|name| name.familiar()).unwrap_or_default();
        let comment = image.latest().comment.clone();
        let more = [("comment", comment), ("imageID", image.digest()), ("imageRef", named)];
        self.tell_container(world, id, "commit", &more);
        if pauses {
            self.container_unpause(world, &name)?;
        }
        Ok(Reply::created(&json!({ "Id": image.digest() })))
    }

    /// An image of a container's files.
    fn image_of(
        &mut self,
        world: &mut World,
        id: Id,
        config: ImageConfig,
        created_by: String,
        [author, comment]: [String; 2],
    ) -> Image {
        let context = self.files_of(world, id);
        let mut files = world.processes.context(context).files.unmounted();
        let (added, _) = files.usage();
        GIVEN.iter().for_each(|path| _ = files.remove(path));
        files.freeze();
        let base = &self.containers[&id].config.image;
        let image = Id::random(&mut self.ids);
        let layer = Layer { image, created: world.now(), created_by, comment, size: added, is_empty: false };
        let layers = core::iter::once(layer).chain(base.layers.iter().cloned()).collect();
        Image {
            id: image,
            config,
            content: Content::Snapshot(Box::new(files)),
            size: base.size + added,
            author,
            layers,
        }
    }
}

/// Applies the lines of a request that change how an image is used.
pub(super) fn changes(config: &mut ImageConfig, query: &Query) -> Result<(), Error> {
    query.all("changes").flat_map(str::lines).try_for_each(|line| change(config, line.trim()))
}

/// The name that was asked for.
pub(super) fn name_of(repository: Option<&str>, tag: Option<&str>) -> Result<Option<Reference>, Error> {
    let text = |repository: &str| tag.map_or_else(|| repository.to_owned(), |tag| format!("{repository}:{tag}"));
    Ok(repository.map(|repository| Reference::parse(&text(repository))).transpose()?)
}

/// How a container is used, as its image shall be.
pub(super) fn image_config(config: &Value) -> ImageConfig {
    let words = |key: &str| -> Vec<String> {
        let items = config[key].as_array().into_iter().flatten();
        items.filter_map(|word| Some(word.as_str()?.to_owned())).collect()
    };
    let text = |key: &str| config[key].as_str().unwrap_or_default().to_owned();
    let labels = config["Labels"].as_object().into_iter().flatten();
    ImageConfig {
        entrypoint: words("Entrypoint"),
        command: words("Cmd"),
        env: words("Env"),
        exposed: config["ExposedPorts"].as_object().into_iter().flat_map(|ports| ports.keys().cloned()).collect(),
        labels: labels.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect(),
        user: text("User"),
        working_dir: text("WorkingDir"),
    }
}

/// Applies one line.
fn change(config: &mut ImageConfig, line: &str) -> Result<(), Error> {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let (word, rest) = (word.to_lowercase(), rest.trim());
    if word.is_empty() || word.starts_with('#') {
        return Ok(());
    }
    if !INSTRUCTIONS.contains(&word.as_str()) {
        return Err(Error::BadParameter(format!("{word} is not a valid change command")));
    }
    match word.as_str() {
        "cmd" => config.command = command(rest),
        "entrypoint" => config.entrypoint = command(rest),
        "env" => {
            for (name, value) in pairs("ENV", rest)? {
                config.env.retain(|line| line.split('=').next() != Some(name.as_str()));
                config.env.push(format!("{name}={value}"));
            }
        }
        "expose" => {
            for port in rest.split_whitespace() {
                let parsed: Port =
                    port.parse().map_err(|_| Error::BadParameter(format!("Invalid containerPort: {port}")))?;
                let port = parsed.to_string();
                config.exposed.retain(|known| *known != port);
                config.exposed.push(port);
            }
        }
        "label" => config.labels.extend(pairs("LABEL", rest)?),
        "user" => rest.clone_into(&mut config.user),
        "workdir" => config.working_dir = netyard_sim::userland::files::normalise(&config.working_dir, rest),
        _ => return Err(Error::Unsupported("keep this instruction in an image")),
    }
    Ok(())
}

/// A command as a JSON list, or for the shell.
fn command(text: &str) -> Vec<String> {
    match serde_json::from_str(text) {
        Ok(words) => words,
        Err(_) if text.is_empty() => Vec::new(),
        Err(_) => ["/bin/sh", "-c", text].map(str::to_owned).to_vec(),
    }
}

/// `name=value` as often as it comes, or one `name value`.
fn pairs(word: &str, text: &str) -> Result<Vec<(String, String)>, Error> {
    let first = text.split_whitespace().next().unwrap_or_default();
    if first.is_empty() {
        return Err(Error::BadParameter(format!("{word} requires at least one argument")));
    }
    if !first.contains('=') {
        let Some((name, value)) = text.split_once(char::is_whitespace) else {
            return Err(Error::BadParameter(format!("{word} must have two arguments")));
        };
        return Ok(vec![(name.to_owned(), value.trim().to_owned())]);
    }
    let mut pairs = Vec::new();
    for piece in quoted_words(text) {
        let Some((name, value)) = piece.split_once('=') else {
            return Err(Error::BadParameter(format!(
                "Syntax error - can't find = in {piece:?}. Must be of the form: name=value"
            )));
        };
        pairs.push((name.to_owned(), value.to_owned()));
    }
    Ok(pairs)
}

/// Words with blanks in quotes, which are taken away.
fn quoted_words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in text.chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, c) if c.is_whitespace() => words.push(core::mem::take(&mut word)),
            (_, c) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_change_how_an_image_is_used() {
        let mut config = ImageConfig { command: vec!["sh".to_owned()], ..ImageConfig::default() };
        for line in [
            "CMD [\"httpd\", \"-f\"]",
            "ENV A=1 B=\"2 3\"",
            "ENV A one",
            "EXPOSE 80 53/udp",
            "LABEL x=y",
            "WORKDIR www",
        ] {
            change(&mut config, line).expect(line);
        }
        assert_eq!(config.command, ["httpd", "-f"]);
        assert_eq!(config.env, ["B=2 3", "A=one"]);
        assert_eq!((config.exposed, config.working_dir.as_str()), (vec!["80/tcp".into(), "53/udp".into()], "/www"));
        change(&mut ImageConfig::default(), "CMD echo hi").expect("for the shell");
        assert_eq!(command("echo hi"), ["/bin/sh", "-c", "echo hi"]);
        let refused = |line| change(&mut ImageConfig::default(), line).expect_err(line).to_string();
        assert_eq!(refused("RUN x"), "run is not a valid change command");
        assert_eq!(refused("EXPOSE banana"), "Invalid containerPort: banana");
    }
}
