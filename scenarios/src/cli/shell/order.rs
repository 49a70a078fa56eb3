//! What a line means: a word that only a simulated world understands, another place, or a command.

use std::time::Duration;

use netyard_drivers::site::why::Manner;

use crate::runner::session::Condition;
use crate::scenario::period::Period;
use crate::scenario::step::Prompt;

/// The words with a meaning of their own.
pub(super) const WORDS: [&str; 11] =
    ["back", "drops", "exit", "graph", "help", "jump", "places", "step", "steps", "until", "why"];

/// How many steps are played or taken back at once at most.
const COUNT_MAX: usize = 100_000;

/// What somebody wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Order {
    /// To ask the simulator.
    Ask(Vec<String>),
    Back(usize),
    /// A command: here, or at another place, which is none for the default host.
    Command(Option<Option<String>>, String),
    Exit(Option<u8>),
    /// Another place, which is none for the default host.
    Go(Option<String>),
    Help,
    Jump(Duration),
    List,
    Nothing,
    Places,
    Step(usize),
    Until(Condition),
}

impl Order {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let line = line.trim();
        if let Some((place, command)) = prompt(line) {
            let place = (!place.is_empty()).then(|| place.to_owned());
            return Ok(match command {
                "" => Self::Go(place),
                command => Self::Command(Some(place), command.to_owned()),
            });
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [] => Ok(Self::Nothing),
            ["help"] => Ok(Self::Help),
            ["places"] => Ok(Self::Places),
            ["steps"] => Ok(Self::List),
            ["step", ref rest @ ..] => count("step", rest).map(Self::Step),
            ["back", ref rest @ ..] => count("back", rest).map(Self::Back),
            ["exit" | "quit"] => Ok(Self::Exit(None)),
            ["exit", status] => {
                status.parse().map(|status| Self::Exit(Some(status))).map_err(|_| "exit [0-255]".to_owned())
            }
            ["jump", time] => {
                time.parse().map(|Period(time)| Self::Jump(time)).map_err(|error| format!("jump: {error}"))
            }
            ["jump", ..] => Err("usage: jump TIME".to_owned()),
            // A loop of the shell is the shell's.
            ["until", ..] if words.contains(&"do") || line.ends_with(';') => Ok(Self::Command(None, line.to_owned())),
            ["until", ref rest @ ..] => condition(rest, line).map(Self::Until),
            ["why", ref rest @ ..] if !(1..=5).contains(&rest.len()) => {
                Err(format!("usage: why [FROM] TO [{MANNERS}]"))
            }
            ["why" | "drops" | "graph", ..] => Ok(Self::Ask(words.iter().map(|word| (*word).to_owned()).collect())),
            _ => Ok(Self::Command(None, line.to_owned())),
        }
    }
}

const MANNERS: &str = "tcp/PORT|udp/PORT|icmp|name";

/// Whether a word says how somebody is to be reached.
pub(super) fn is_manner(word: &str) -> bool {
    Manner::parse(word).is_ok()
}

/// The place and the rest of a line that begins with a prompt: of a scenario, or as this shell shows it.
fn prompt(line: &str) -> Option<(&str, &str)> {
    if let Some(Prompt { place, command }) = Prompt::parse(line) {
        return Some((place, command));
    }
    let (place, command) = line.split_once('#').filter(|(place, _)| !place.is_empty())?;
    let as_written = format!("{place}$ ");
    let is_prompt = Prompt::parse(&as_written).is_some() && (command.is_empty() || command.starts_with(' '));
    is_prompt.then(|| (place, command.trim_start()))
}

fn count(word: &str, rest: &[&str]) -> Result<usize, String> {
    match rest {
        [] => Some(1),
        [number] => number.parse().ok().filter(|count| (1..=COUNT_MAX).contains(count)),
        _ => None,
    }
    .ok_or_else(|| format!("usage: {word} [N]"))
}

fn condition(words: &[&str], line: &str) -> Result<Condition, String> {
    let manner = |word: &str| Manner::parse(word).map_err(|error| error.to_string());
    match words {
        [] => Err("usage: until dns NAME | until reach NAME [tcp/PORT|udp/PORT|icmp] | until COMMAND".to_owned()),
        ["dns", name] => Ok(Condition::Reached { to: (*name).to_owned(), manner: Manner::Name }),
        ["reach", to] => Ok(Condition::Reached { to: (*to).to_owned(), manner: Manner::Ping }),
        ["reach", to, how] => Ok(Condition::Reached { to: (*to).to_owned(), manner: manner(how)? }),
        ["dns", ..] => Err("usage: until dns NAME".to_owned()),
        ["reach", ..] => Err("usage: until reach NAME [tcp/PORT|udp/PORT|icmp]".to_owned()),
        _ => Ok(Condition::Command(line["until".len()..].trim().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_gone_to_and_commands_typed_there() {
        let (c1, command) = (Some("c1".to_owned()), "ping -c 1 c2".to_owned());
        assert_eq!(Order::parse("c1$"), Ok(Order::Go(c1.clone())));
        assert_eq!(Order::parse("c1#"), Ok(Order::Go(c1.clone())));
        assert_eq!(Order::parse("$"), Ok(Order::Go(None)));
        for line in ["c1$ ping -c 1 c2", "c1# ping -c 1 c2"] {
            assert_eq!(Order::parse(line), Ok(Order::Command(Some(c1.clone()), command.clone())));
        }
        assert_eq!(Order::parse("$ step"), Ok(Order::Command(Some(None), "step".to_owned())));
        assert_eq!(Order::parse("# a remark"), Ok(Order::Command(None, "# a remark".to_owned())));
        assert_eq!(Order::parse("echo $x # y"), Ok(Order::Command(None, "echo $x # y".to_owned())));
    }

    #[test]
    fn a_loop_is_the_shells_own_and_a_condition_is_ours() {
        let looped = "until false; do break; done";
        assert_eq!(Order::parse(looped), Ok(Order::Command(None, looped.to_owned())));
        let named = Condition::Reached { to: "app".to_owned(), manner: Manner::Name };
        assert_eq!(Order::parse("until dns app"), Ok(Order::Until(named)));
        let command = Condition::Command("ping -c 1 app".to_owned());
        assert_eq!(Order::parse("until  ping -c 1 app"), Ok(Order::Until(command)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for line in
            ["step x", "step 0", "back 1 2", "jump", "jump far", "until", "until dns", "until reach a b c", "exit 300"]
        {
            assert!(Order::parse(line).is_err(), "{line}");
        }
        assert!(Order::parse("why").is_err() && Order::parse("why a b c --size 1 d").is_err());
    }
}
