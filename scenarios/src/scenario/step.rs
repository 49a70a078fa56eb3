//! A step: a command at a place, the exit code and the lines that are expected of it. It is read here from the lines
//! of a console block, and played by the runner.

use std::ops::Range;

use super::comparison::Expected;
use super::fault::FaultKind;
use super::markdown::{Block, Line, Wrong};

/// The place of steps that are played by real programs of this machine, in the world of the scenario.
pub const REAL: &str = "real";

/// A command and what is expected of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// The line of the file that it begins at, from 1.
    pub line: usize,
    /// The place as it is written; none for the default host.
    pub place: Option<String>,
    /// The bytes of the prompt, `$` included.
    pub prompt: Range<usize>,
    /// The command, continued lines joined.
    pub command: String,
    /// The exit code that is expected.
    pub status: i32,
    /// The lines that are expected, as they are written; without blank ones at the end, which do not count.
    pub written: Vec<String>,
    /// The same lines, read.
    pub expected: Vec<Expected>,
    /// The bytes of all lines after the command: what `--update` replaces.
    pub body: Range<usize>,
}

impl Step {
    /// Whether it is played by a real shell of this machine.
    #[must_use]
    pub fn is_real(&self) -> bool {
        self.place.as_deref() == Some(REAL)
    }
}

/// The steps of a block.
///
/// # Errors
/// `OutputFirst`, `NoCommand`, `DanglingContinuation` and `ExitCode`, at the line that is wrong.
pub fn steps(block: &Block<'_>) -> Result<Vec<Step>, Wrong> {
    let mut steps = Vec::new();
    let mut rest = &block.lines[..];
    while let Some(first) = rest.first() {
        let Some(prompt) = Prompt::parse(first.text) else {
            return Err((FaultKind::OutputFirst, first.span()));
        };
        let (command, after) = command(prompt.command, rest)?;
        if command.trim().is_empty() {
            return Err((FaultKind::NoCommand, first.span()));
        }
        let (typed, _) = rest.split_at(rest.len() - after.len());
        let end = after.iter().position(|line| Prompt::parse(line.text).is_some()).unwrap_or(after.len());
        let (body, next) = after.split_at(end);
        // Blank lines before the next prompt set commands apart, as people write them.
        let said = body.iter().rposition(|line| !line.text.is_empty()).map_or(0, |last| last + 1);
        steps.push(step(&prompt, command, typed, &body[..said])?);
        rest = next;
    }
    Ok(steps)
}

/// The step of the lines that are `typed` and the `body` after them.
fn step(prompt: &Prompt<'_>, command: String, typed: &[Line<'_>], body: &[Line<'_>]) -> Result<Step, Wrong> {
    let (first, last) = (typed.first().expect("a prompt is a line"), typed.last().expect("a prompt is a line"));
    let status = body.first().map_or(Ok(None), exit_code)?;
    let lines = &body[usize::from(status.is_some())..];
    Ok(Step {
        line: first.number,
        place: (!prompt.place.is_empty()).then(|| prompt.place.to_owned()),
        prompt: first.start..first.start + prompt.place.len() + "$".len(),
        command,
        status: status.unwrap_or(0),
        written: lines.iter().map(|line| line.text.to_owned()).collect(),
        expected: lines.iter().map(|line| Expected::parse(line.text)).collect(),
        body: last.next..body.last().unwrap_or(last).next,
    })
}

/// A line that begins a command.
pub struct Prompt<'t> {
    /// The place; empty for the default host.
    pub place: &'t str,
    /// The rest of the line.
    pub command: &'t str,
}

impl<'t> Prompt<'t> {
    /// `$ command`, or `PLACE$ command` where the place is a name or two names with a slash between.
    #[must_use]
    pub fn parse(line: &'t str) -> Option<Self> {
        let (place, command) = line.split_once('$')?;
        let is_place = place.is_empty() || place.splitn(2, '/').all(is_name);
        let is_prompt = command.is_empty() || command.starts_with(' ');
        (is_place && is_prompt).then(|| Self { place, command: command.trim_start() })
    }
}

/// Whether Docker takes `text` as a container's name.
fn is_name(text: &str) -> bool {
    let rest = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(rest)
}

/// The whole command that begins at the first of `lines`, and the lines after it. Lines are joined as a shell does:
/// the backslash and the end of the line vanish.
fn command<'l, 't>(first: &str, lines: &'l [Line<'t>]) -> Result<(String, &'l [Line<'t>]), Wrong> {
    let mut command = first.to_owned();
    let mut after = &lines[1..];
    while goes_on(&command) {
        let Some((next, rest)) = after.split_first() else {
            return Err((FaultKind::DanglingContinuation, lines[lines.len() - 1].span()));
        };
        command.pop();
        command.push_str(next.text);
        after = rest;
    }
    Ok((command, after))
}

/// Whether a line ends with a backslash that is not itself escaped.
fn goes_on(line: &str) -> bool {
    (line.len() - line.trim_end_matches('\\').len()) % 2 == 1
}

/// The exit code that a line says; none when it says something else.
fn exit_code(line: &Line<'_>) -> Result<Option<i32>, Wrong> {
    let Some(digits) = exit_digits(line.text) else { return Ok(None) };
    let code = digits.parse::<u8>().map_err(|_| (FaultKind::ExitCode, line.span()))?;
    Ok(Some(i32::from(code)))
}

/// The digits of a line `? N`.
#[must_use]
pub fn exit_digits(line: &str) -> Option<&str> {
    let digits = line.strip_prefix("? ")?;
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::super::markdown::outline;
    use super::*;

    fn parsed(block: &str) -> Result<Vec<Step>, Wrong> {
        let text = format!("```console\n{block}\n```\n");
        let outline = outline(&text).expect("the block is closed");
        steps(&outline.blocks[0])
    }

    #[test]
    fn a_command_its_exit_code_and_its_lines() {
        let steps = parsed("$ ls nope\n? 2\nls: nope: No such file\n\n$ true").expect("the block is right");
        assert_eq!((steps[0].line, steps[0].status, &*steps[0].command), (2, 2, "ls nope"));
        assert_eq!(steps[0].written, ["ls: nope: No such file"], "the blank line sets the commands apart");
        assert_eq!((steps[1].status, steps[1].written.len()), (0, 0));
    }

    #[test]
    fn places_are_names_before_the_dollar() {
        let block = "docker02$ a\nc_4.x$ b\ndocker01/test1$ c\n$ d\nUS dollars$ e\n-x$ f\n$PATH\na/b/c$ g";
        let steps = parsed(block).expect("the block is right");
        let places: Vec<_> = steps.iter().map(|step| step.place.as_deref()).collect();
        assert_eq!(places, [Some("docker02"), Some("c_4.x"), Some("docker01/test1"), None]);
        assert_eq!(steps[3].written, ["US dollars$ e", "-x$ f", "$PATH", "a/b/c$ g"]);
    }

    #[test]
    fn a_command_goes_on_after_a_backslash() {
        let steps = parsed("$ docker run \\\n    -d busybox\nout\n$ echo \\\\\n\\").expect("the block is right");
        assert_eq!(steps[0].command, "docker run     -d busybox");
        assert_eq!(steps[0].written, ["out"]);
        assert_eq!((&*steps[1].command, &steps[1].written[..]), ("echo \\\\", &["\\".to_owned()][..]));
    }

    #[test]
    fn the_body_is_all_that_may_be_replaced() {
        let text = "```console\n$ a \\\nb\n? 1\nx\n$ c\n```\n";
        let outline = outline(text).expect("the block is closed");
        let steps = steps(&outline.blocks[0]).expect("the block is right");
        assert_eq!(&text[steps[0].body.clone()], "? 1\nx\n");
        assert_eq!(&text[steps[1].body.clone()], "");
        assert_eq!(steps[1].body.start, text.len() - "```\n".len());
    }

    #[test]
    fn wrong_lines_are_pointed_at() {
        let kind = |block| parsed(block).map_err(|(kind, span)| (kind, span.start)).err();
        assert_eq!(kind("out\n$ a"), Some((FaultKind::OutputFirst, 11)));
        assert_eq!(kind("$ a\n$"), Some((FaultKind::NoCommand, 15)));
        assert_eq!(kind("$ a \\"), Some((FaultKind::DanglingContinuation, 11)));
        assert_eq!(kind("$ a\n? 256"), Some((FaultKind::ExitCode, 15)));
        assert_eq!(kind("$ arp -a\n? (172.17.0.2) at 02:42:ac:11:00:02"), None);
    }
}
