//! The tree of commands and the way from what was typed to the first step of a command. Only commands that this client
//! has are in it, and in its help texts.

use super::{Command, misused, plain};
use crate::cli::flags::{self, Arguments, Flag, Help, Order};
use crate::cli::script::{Cx, Failure, Next, Outcome};
use crate::cli::{
    attach, commit, cp, create, diff, events, exec, export, history, image, images, info, inspect, lifecycle, logs,
    network, node, port, prune, ps, pull, rename, rm, run, service, start, stats, swarm, system, tag, top, update,
    version, volume, wait,
};

/// The socket of the engine unless something else was said.
const HOST: &str = "unix:///var/run/docker.sock";

/// The version line.
const VERSION: &str = "Docker version 28.2.2, build e6534b4";

const GLOBAL: &[Flag] = &[
    Flag::text("config", "Location of client config files").default("/root/.docker"),
    Flag::text(
        "context",
        "Name of the context to use to connect to the daemon (overrides DOCKER_HOST env var and default context set \
         with \"docker context use\")",
    )
    .short('c'),
    Flag::switch("debug", "Enable debug mode").short('D'),
    Flag::list("host", "Daemon socket to connect to").short('H'),
    Flag::text("log-level", "Set the logging level (\"debug\", \"info\", \"warn\", \"error\", \"fatal\")")
        .short('l')
        .default("info"),
    Flag::switch("tls", "Use TLS; implied by --tlsverify"),
    Flag::text("tlscacert", "Trust certs signed only by this CA").default("/root/.docker/ca.pem"),
    Flag::text("tlscert", "Path to TLS certificate file").default("/root/.docker/cert.pem"),
    Flag::text("tlskey", "Path to TLS key file").default("/root/.docker/key.pem"),
    Flag::switch("tlsverify", "Use TLS and verify the remote"),
    Flag::switch("version", "Print version information and quit").short('v'),
];

/// A command under a name.
struct Entry {
    name: &'static str,
    also: &'static [&'static str],
    command: &'static Command,
}

/// Commands of one kind of thing.
struct Group {
    name: &'static str,
    about: &'static str,
    entries: &'static [Entry],
}

const fn entry(name: &'static str, command: &'static Command) -> Entry {
    Entry { name, also: &[], command }
}

const COMMON: &[Entry] = &[
    entry("run", &run::RUN),
    entry("exec", &exec::EXEC),
    entry("ps", &ps::PS),
    entry("pull", &pull::PULL),
    entry("images", &images::IMAGES),
    entry("version", &version::VERSION),
    entry("info", &info::INFO),
];

const OTHERS: &[Entry] = &[
    entry("attach", &attach::ATTACH),
    entry("commit", &commit::COMMIT),
    entry("cp", &cp::CP),
    entry("create", &create::CREATE),
    entry("diff", &diff::DIFF),
    entry("events", &events::EVENTS),
    entry("export", &export::EXPORT),
    entry("history", &history::HISTORY),
    entry("inspect", &inspect::INSPECT),
    entry("kill", &lifecycle::KILL),
    entry("logs", &logs::LOGS),
    entry("pause", &lifecycle::PAUSE),
    entry("port", &port::PORT),
    entry("rename", &rename::RENAME),
    entry("restart", &lifecycle::RESTART),
    entry("rm", &rm::RM),
    entry("rmi", &image::RM),
    entry("start", &start::START),
    entry("stats", &stats::STATS),
    entry("stop", &lifecycle::STOP),
    entry("tag", &tag::TAG),
    entry("top", &top::TOP),
    entry("unpause", &lifecycle::UNPAUSE),
    entry("update", &update::UPDATE),
    entry("wait", &wait::WAIT),
];

const GROUPS: &[Group] = &[
    Group {
        name: "container",
        about: "Manage containers",
        entries: &[
            entry("attach", &attach::ATTACH),
            entry("commit", &commit::COMMIT),
            entry("cp", &cp::CP),
            entry("create", &create::CREATE),
            entry("diff", &diff::DIFF),
            entry("exec", &exec::EXEC),
            entry("export", &export::EXPORT),
            entry("inspect", &inspect::CONTAINER),
            entry("kill", &lifecycle::KILL),
            entry("logs", &logs::LOGS),
            Entry { name: "ls", also: &["list", "ps"], command: &ps::PS },
            entry("pause", &lifecycle::PAUSE),
            entry("port", &port::PORT),
            entry("prune", &prune::CONTAINERS),
            entry("rename", &rename::RENAME),
            entry("restart", &lifecycle::RESTART),
            Entry { name: "rm", also: &["remove"], command: &rm::RM },
            entry("run", &run::RUN),
            entry("start", &start::START),
            entry("stats", &stats::STATS),
            entry("stop", &lifecycle::STOP),
            entry("top", &top::TOP),
            entry("unpause", &lifecycle::UNPAUSE),
            entry("update", &update::UPDATE),
            entry("wait", &wait::WAIT),
        ],
    },
    Group {
        name: "image",
        about: "Manage images",
        entries: &[
            entry("history", &history::HISTORY),
            entry("inspect", &inspect::IMAGE),
            Entry { name: "ls", also: &["list"], command: &images::IMAGES },
            entry("prune", &prune::IMAGES),
            entry("pull", &pull::PULL),
            Entry { name: "rm", also: &["remove"], command: &image::RM },
            entry("tag", &tag::TAG),
        ],
    },
    Group {
        name: "network",
        about: "Manage networks",
        entries: &[
            entry("connect", &network::connect::CONNECT),
            entry("create", &network::create::CREATE),
            entry("disconnect", &network::disconnect::DISCONNECT),
            entry("inspect", &inspect::NETWORK),
            Entry { name: "ls", also: &["list"], command: &network::ls::LS },
            entry("prune", &prune::NETWORKS),
            Entry { name: "rm", also: &["remove"], command: &network::rm::RM },
        ],
    },
    Group {
        name: "node",
        about: "Manage Swarm nodes",
        entries: &[
            entry("demote", &node::DEMOTE),
            entry("inspect", &node::INSPECT),
            Entry { name: "ls", also: &["list"], command: &node::LS },
            entry("promote", &node::PROMOTE),
            entry("ps", &node::PS),
            Entry { name: "rm", also: &["remove"], command: &node::RM },
            entry("update", &node::UPDATE),
        ],
    },
    Group {
        name: "service",
        about: "Manage Swarm services",
        entries: &[
            entry("create", &service::create::CREATE),
            entry("inspect", &service::INSPECT),
            entry("logs", &service::logs::LOGS),
            Entry { name: "ls", also: &["list"], command: &service::LS },
            entry("ps", &service::tasks::PS),
            Entry { name: "rm", also: &["remove"], command: &service::RM },
            entry("rollback", &service::update::ROLLBACK),
            entry("scale", &service::scale::SCALE),
            entry("update", &service::update::UPDATE),
        ],
    },
    Group {
        name: "swarm",
        about: "Manage Swarm",
        entries: &[
            entry("ca", &swarm::CA),
            entry("init", &swarm::INIT),
            entry("join", &swarm::JOIN),
            entry("join-token", &swarm::JOIN_TOKEN),
            entry("leave", &swarm::LEAVE),
            entry("unlock", &swarm::UNLOCK),
            entry("unlock-key", &swarm::UNLOCK_KEY),
            entry("update", &swarm::UPDATE),
        ],
    },
    Group {
        name: "system",
        about: "Manage Docker",
        entries: &[
            entry("df", &system::DF),
            entry("events", &events::EVENTS),
            entry("info", &info::INFO),
            entry("prune", &system::PRUNE),
        ],
    },
    Group {
        name: "volume",
        about: "Manage volumes",
        entries: &[
            entry("create", &volume::CREATE),
            entry("inspect", &inspect::VOLUME),
            Entry { name: "ls", also: &["list"], command: &volume::LS },
            entry("prune", &prune::VOLUMES),
            Entry { name: "rm", also: &["remove"], command: &volume::RM },
        ],
    },
];

/// What was typed, as far as it is clear before the engine is asked.
pub(in super::super) struct Invocation {
    /// Where the engine is: `unix://` and a path.
    pub(in super::super) host: String,
    /// What to do.
    pub(in super::super) action: Action,
    /// The form that failures get.
    pub(in super::super) decorate: fn(Failure) -> Failure,
}

/// What to do.
pub(in super::super) enum Action {
    /// Print this and end.
    Print(String),
    /// Print this on standard error and end well: a group without a command.
    Hint(String),
    /// The same with a failure.
    Refuse(Failure),
    /// Run this command.
    Run(&'static Command, Arguments),
}

impl Invocation {
    /// What `words`, without the program's name, ask for; `default_host` is the environment's DOCKER_HOST.
    pub(in super::super) fn parse(words: &[String], default_host: Option<&str>) -> Self {
        let mut host = default_host.filter(|host| !host.is_empty()).unwrap_or(HOST).to_owned();
        let (action, decorate) = match flags::parse(GLOBAL, Order::FlagsFirst, words) {
            Ok(global) => {
                if let Some(typed) = global.text("host").filter(|host| !host.is_empty()) {
                    typed.clone_into(&mut host);
                }
                match check_global(&global) {
                    Ok(()) => find(&global),
                    Err(failure) => (Action::Refuse(failure), plain as fn(Failure) -> Failure),
                }
            }
            Err(why) => {
                let line = "docker [OPTIONS] COMMAND [ARG...]";
                (Action::Refuse(misused("docker", line, &why)), plain as fn(Failure) -> Failure)
            }
        };
        Self { host, action, decorate }
    }

    /// The first step.
    pub(in super::super) fn begin(self, cx: &mut Cx<'_>) -> Outcome {
        match self.action {
            Action::Print(text) => {
                cx.print(text);
                Ok(Next::Exit(0))
            }
            Action::Hint(text) => {
                cx.error_line(text.trim_end_matches('\n'));
                Ok(Next::Exit(0))
            }
            Action::Refuse(failure) => Err(failure),
            Action::Run(command, arguments) => (command.run)(&arguments, cx),
        }
    }
}

/// What is wrong with the options before the command.
fn check_global(global: &Arguments) -> Result<(), Failure> {
    let level = global.text("log-level").unwrap_or("info");
    if !matches!(
        level.to_lowercase().as_str(),
        "panic" | "fatal" | "error" | "warn" | "warning" | "info" | "debug" | "trace"
    ) {
        return Err(Failure::new(format!("Unable to parse logging level: {level}")));
    }
    if global.list("host").len() > 1 {
        let text = "Failed to initialize: unable to resolve docker endpoint: Specify only one -H";
        return Err(Failure::new(text));
    }
    Ok(())
}

type Found = (Action, fn(Failure) -> Failure);

fn find(global: &Arguments) -> Found {
    if global.is_on("version") {
        return (Action::Print(format!("{VERSION}\n")), plain);
    }
    if global.help.is_some() {
        return (Action::Print(help()), plain);
    }
    let action = match global.rest.split_first() {
        None => Action::Hint(help()),
        // Help for a command that is not there is the help of all.
        Some((word, [next])) if next == "--help" && top(word).is_none() => Action::Print(help()),
        Some((word, words)) if word == "help" => help_for(words),
        Some((word, words)) => match top(word) {
            Some(Node::Command(command)) => return begin(command, &format!("docker {word}"), words),
            Some(Node::Group(group)) => return find_in(group, words),
            None => Action::Refuse(unknown(word)),
        },
    };
    (action, plain)
}

enum Node {
    Command(&'static Command),
    Group(&'static Group),
}

fn top(word: &str) -> Option<Node> {
    let command = COMMON.iter().chain(OTHERS).find(|entry| entry.name == word);
    let group = || GROUPS.iter().find(|group| group.name == word).map(Node::Group);
    command.map(|entry| Node::Command(entry.command)).or_else(group)
}

/// What a real client can do for swarms and this one cannot.
const NOT_BUILT: [(&str, &str); 3] = [
    ("config", "keep configurations"),
    ("secret", "keep secrets"),
    ("stack", "deploy stacks (docker-compose brings a file up on one engine)"),
];

fn unknown(word: &str) -> Failure {
    if let Some((_, what)) = NOT_BUILT.iter().find(|(name, _)| *name == word) {
        return Failure::new(format!("netyard simulates networks: it does not {what}"));
    }
    Failure::new(format!("docker: unknown command: docker {word}\n\nRun 'docker --help' for more information"))
}

fn find_in(group: &'static Group, words: &[String]) -> Found {
    let path = format!("docker {}", group.name);
    let action = match flags::parse(&[], Order::FlagsFirst, words) {
        Err(why) => Action::Refuse(misused(&path, &path, &why)),
        Ok(typed) if typed.help.is_some() => Action::Print(helped(&typed, &group.help())),
        Ok(typed) => match typed.rest.split_first() {
            None => Action::Hint(group.help()),
            Some((word, words)) => match group.entry(word) {
                Some(entry) => return begin(entry.command, &format!("{path} {}", entry.name), words),
                None => Action::Refuse(group.unknown(word)),
            },
        },
    };
    (action, plain)
}

impl Group {
    fn entry(&self, word: &str) -> Option<&'static Entry> {
        self.entries.iter().find(|entry| entry.name == word || entry.also.contains(&word))
    }

    fn unknown(&self, word: &str) -> Failure {
        let path = format!("docker {}", self.name);
        Failure::new(format!(
            "docker: unknown command: {path} {word}\n\nUsage:  {path}\n\nRun '{path} --help' for more information"
        ))
    }

    fn help(&self) -> String {
        let path = format!("docker {}", self.name);
        let commands = listed(self.entries.iter().map(|entry| (entry.name, entry.command.summary())));
        format!(
            "Usage:  {path} COMMAND\n\n{}\n\nCommands:\n{commands}\nRun '{path} COMMAND --help' for more information \
             on a command.\n",
            self.about
        )
    }
}

fn listed(lines: impl Iterator<Item = (&'static str, &'static str)>) -> String {
    lines.map(|(name, about)| format!("  {name:11} {about}\n")).collect()
}

/// The command with its flags read, or what is to be said instead.
fn begin(command: &'static Command, path: &str, words: &[String]) -> Found {
    let action = match flags::parse(command.flags, command.order, words) {
        Err(why) => Action::Refuse(command.misused(path, &why)),
        Ok(typed) if typed.help.is_some() => Action::Print(helped(&typed, &command.help(path))),
        Ok(typed) => match command.check_count(path, typed.rest.len()) {
            Err(failure) => Action::Refuse(failure),
            Ok(()) => match typed.unmet(command.flags) {
                unmet if unmet.is_empty() => return (Action::Run(command, typed), command.decorate),
                unmet => Action::Refuse(Failure::new(unmet.join("\n"))),
            },
        },
    };
    (action, plain)
}

/// A help text as it was asked for.
fn helped(typed: &Arguments, text: &str) -> String {
    match typed.help {
        Some(Help::Short) => format!("Flag shorthand -h has been deprecated, use --help\n{text}"),
        _ => text.to_owned(),
    }
}

fn help_for(words: &[String]) -> Action {
    let Some((word, rest)) = words.split_first() else { return Action::Print(help()) };
    let topic = |words: &[String]| Action::Refuse(Failure::new(format!("unknown help topic: {}", words.join(" "))));
    match top(word) {
        Some(Node::Command(command)) if rest.is_empty() => Action::Print(command.help(&format!("docker {word}"))),
        Some(Node::Command(_)) => topic(rest),
        Some(Node::Group(group)) => match rest.split_first().map(|(word, rest)| (group.entry(word), rest)) {
            None => Action::Print(group.help()),
            Some((Some(entry), [])) => {
                Action::Print(entry.command.help(&format!("docker {} {}", group.name, entry.name)))
            }
            Some((Some(_), rest)) => topic(rest),
            Some((None, _)) => topic(rest),
        },
        None => topic(words),
    }
}

fn help() -> String {
    let about = |entry: &Entry| (entry.name, entry.command.summary());
    format!(
        "Usage:  docker [OPTIONS] COMMAND\n\nA self-sufficient runtime for containers\n\nCommon Commands:\n{}\n\
         Management Commands:\n{}\nCommands:\n{}\nGlobal Options:\n{}\n\
         Run 'docker COMMAND --help' for more information on a command.\n\nFor more help on how to use Docker, head to \
         https://docs.docker.com/go/guides/\n",
        listed(COMMON.iter().map(about)),
        listed(GROUPS.iter().map(|group| (group.name, group.about))),
        listed(OTHERS.iter().map(about)),
        flags::usage::list(GLOBAL),
    )
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    /// Commands that client 28.2.2 was seen to refuse by itself: exit code, command, standard error with `\n` for a
    /// line end.
    const WRONG: &str = include_str!("wrong.tsv");

    #[test]
    fn wrong_commands_are_refused_in_the_words_of_docker() {
        for row in WRONG.lines().skip(1) {
            let [exit, line, stderr] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("three columns: {row}") };
            let play = Play::new(line);
            assert_eq!(play.stderr().trim_end_matches('\n'), stderr.replace("\\n", "\n"), "{line}");
            assert_eq!(play.exit().map(|code| code.to_string()).as_deref(), Some(exit), "{line}");
            assert!(play.requests().is_empty(), "{line}");
        }
    }

    fn printed(line: &str) -> String {
        let play = Play::new(line);
        assert_eq!((play.stderr(), play.exit()), ("", Some(0)), "{line}");
        play.stdout().to_owned()
    }

    #[test]
    fn help_can_be_had_in_three_ways() {
        let help = printed("docker network ls --help");
        assert!(help.starts_with("Usage:  docker network ls [OPTIONS]\n\nList networks\n\nAliases:\n"), "{help}");
        assert_eq!(printed("docker help network ls"), help);
        let short = printed("docker network ls -h");
        assert_eq!(short, format!("Flag shorthand -h has been deprecated, use --help\n{help}"));
        assert!(printed("docker run --help").contains("\n      --help                           Print usage\n"));
    }

    #[test]
    fn one_command_has_several_names() {
        for line in ["docker ps", "docker container ls", "docker container ps", "docker container list"] {
            assert_eq!(Play::new(line).requests(), ["GET /v1.41/containers/json"], "{line}");
        }
    }

    #[test]
    fn a_group_lists_its_commands() {
        let expected = "Usage:  docker network COMMAND

Manage networks

Commands:
  connect     Connect a container to a network
  create      Create a network
  disconnect  Disconnect a container from a network
  inspect     Display detailed information on one or more networks
  ls          List networks
  prune       Remove all unused networks
  rm          Remove one or more networks

Run 'docker network COMMAND --help' for more information on a command.
";
        assert_eq!(printed("docker network --help"), expected);
        let play = Play::new("docker network");
        assert_eq!((play.stdout(), play.stderr(), play.exit()), ("", expected, Some(0)));
    }

    #[test]
    fn unknown_words() {
        let expected = "docker: unknown command: docker network foo\n\nUsage:  docker network\n\n\
                        Run 'docker network --help' for more information\n";
        assert_eq!(Play::new("docker network foo").stderr(), expected);
        assert_eq!(Play::new("docker help foo").stderr(), "unknown help topic: foo\n");
        let expected = "unknown flag: --foo\n\nUsage:  docker [OPTIONS] COMMAND [ARG...]\n\n\
                        Run 'docker --help' for more information\n";
        let play = Play::new("docker --foo ps");
        assert_eq!((play.stderr(), play.exit()), (expected, Some(125)));
    }

    #[test]
    fn the_version_and_another_engine() {
        assert_eq!(printed("docker --version"), "Docker version 28.2.2, build e6534b4\n");
        let mut play = Play::new("docker -H unix:///x.sock ps");
        play.vanish(0);
        let expected = "Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?\n";
        assert_eq!(play.stderr(), expected);
    }
}
