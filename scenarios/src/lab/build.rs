//! Networks and containers, described step by step and made by the commands that people type for them.

use super::{Lab, LabError};

/// A network to be made.
#[must_use = "it is made by create()"]
pub struct Network<'l> {
    lab: &'l Lab,
    name: String,
    words: Vec<String>,
}

/// A container to be made.
#[must_use = "it is made by run()"]
pub struct Container<'l> {
    lab: &'l Lab,
    name: String,
    image: String,
    words: Vec<String>,
    /// Networks beside the first, each with what is said of it.
    others: Vec<(String, Vec<String>)>,
    is_connected: bool,
    command: Vec<String>,
}

impl Lab {
    /// A network of the default host.
    pub fn network(&self, name: &str) -> Network<'_> {
        Network { lab: self, name: name.to_owned(), words: Vec::new() }
    }

    /// A container of the default host: a busybox that waits, unless another image or command is asked for.
    pub fn container(&self, name: &str) -> Container<'_> {
        Container {
            lab: self,
            name: name.to_owned(),
            image: "busybox".to_owned(),
            words: Vec::new(),
            others: Vec::new(),
            is_connected: false,
            command: Vec::new(),
        }
    }
}

fn line(words: &[String]) -> String {
    let quoted =
        words.iter().map(|word| shlex::try_quote(word).map_or_else(|_| String::new(), |word| word.into_owned()));
    quoted.collect::<Vec<_>>().join(" ")
}

impl Network<'_> {
    /// Adds words to its command, as `docker network create` takes them.
    pub fn option(mut self, words: &[&str]) -> Self {
        self.words.extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// Its subnet; Docker chooses one when nothing is said.
    pub fn subnet(self, subnet: &str) -> Self {
        self.option(&["--subnet", subnet])
    }

    /// The address of its bridge.
    pub fn gateway(self, address: &str) -> Self {
        self.option(&["--gateway", address])
    }

    /// Its driver.
    pub fn driver(self, name: &str) -> Self {
        self.option(&["--driver", name])
    }

    /// It has no way out.
    pub fn internal(self) -> Self {
        self.option(&["--internal"])
    }

    /// Makes it: its id.
    ///
    /// # Errors
    /// `Failed` with what Docker says.
    pub fn create(self) -> Result<String, LabError> {
        let mut words: Vec<String> = ["docker", "network", "create"].map(str::to_owned).to_vec();
        words.extend(self.words);
        words.push(self.name);
        Ok(self.lab.sh(&line(&words))?.trim().to_owned())
    }
}

impl Container<'_> {
    /// Adds words to its command, as `docker run` takes them; after a second [`network`](Self::network) they are for
    /// `docker network connect`.
    pub fn option(mut self, words: &[&str]) -> Self {
        let all = self.others.last_mut().map_or(&mut self.words, |(_, words)| words);
        all.extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// Its image.
    pub fn image(mut self, name: &str) -> Self {
        name.clone_into(&mut self.image);
        self
    }

    /// A network that it joins, the first at its start, others in this order before it starts.
    pub fn network(mut self, name: &str) -> Self {
        if self.is_connected {
            self.others.push((name.to_owned(), Vec::new()));
            return self;
        }
        self.is_connected = true;
        self.option(&["--network", name])
    }

    /// Another name of it on the network that was said last.
    pub fn alias(self, name: &str) -> Self {
        let flag = if self.others.is_empty() { "--network-alias" } else { "--alias" };
        self.option(&[flag, name])
    }

    /// Its address on the network that was said last.
    pub fn address(self, address: &str) -> Self {
        self.option(&["--ip", address])
    }

    /// Another container under a name of its own, on the network that was said last.
    pub fn link(self, container: &str, alias: &str) -> Self {
        self.option(&["--link", &format!("{container}:{alias}")])
    }

    /// A port of it on the host: `8080:80`.
    pub fn publish(mut self, port: &str) -> Self {
        self.words.extend(["--publish".to_owned(), port.to_owned()]);
        self
    }

    /// Its command.
    pub fn command(mut self, words: &[&str]) -> Self {
        self.command = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Makes and starts it: its id.
    ///
    /// # Errors
    /// `Failed` with what Docker says; a container that could not be started stays, as Docker leaves it.
    pub fn run(self) -> Result<String, LabError> {
        let mut words: Vec<String> = ["docker", "create", "-it", "--name"].map(str::to_owned).to_vec();
        words.push(self.name.clone());
        words.extend(self.words);
        words.push(self.image);
        words.extend(self.command);
        let id = self.lab.sh(&line(&words))?.trim().to_owned();
        for (network, more) in self.others {
            let mut words: Vec<String> = ["docker", "network", "connect"].map(str::to_owned).to_vec();
            words.extend(more);
            words.extend([network, self.name.clone()]);
            self.lab.sh(&line(&words))?;
        }
        self.lab.sh(&line(&["docker".to_owned(), "start".to_owned(), self.name]))?;
        Ok(id)
    }
}
