//! Rewriting a scenario's text so that it expects what came: `--update`. Only the lines after failed commands change;
//! expected lines that stand for what came stay as they are written, with their masks and names.

use super::Scenario;
use super::comparison::{Compared, ELISION};
use super::pattern::Pattern;
use super::step::{Prompt, Step, exit_digits};

/// What came of a step that shall become what is expected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Correction<'a> {
    /// The step, by number.
    pub step: usize,
    /// The exit code that came.
    pub status: i32,
    /// The lines that came.
    pub actual: Vec<&'a str>,
    /// Them beside the expected ones.
    pub comparison: &'a [Compared],
}

/// The text of `scenario` with the corrections made, which are in the order of the steps.
#[must_use]
pub fn corrected(scenario: &Scenario, corrections: &[Correction<'_>]) -> String {
    let text = &scenario.text;
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut result = String::with_capacity(text.len());
    let mut copied = 0;
    for correction in corrections {
        let step = &scenario.steps[correction.step];
        let before = &text[..step.prompt.start];
        let indent = &before[before.rfind('\n').map_or(0, |end| end + 1)..];
        result.push_str(&text[copied..step.body.start]);
        for line in body(step, correction) {
            let indent = if line.is_empty() { "" } else { indent };
            result.extend([indent, &line, end]);
        }
        copied = step.body.end;
    }
    result.push_str(&text[copied..]);
    result
}

/// The lines that shall stand after the command.
fn body(step: &Step, correction: &Correction<'_>) -> Vec<String> {
    let mut body = Vec::new();
    if correction.status != 0 {
        body.push(format!("? {}", correction.status));
    }
    for compared in correction.comparison {
        match compared {
            Compared::Elided(expected, _) | Compared::Same(expected, _) => body.push(step.written[*expected].clone()),
            Compared::Missing(_) => {}
            Compared::Unexpected(actual) => body.push(expectation(correction.actual[*actual], body.is_empty())),
        }
    }
    body
}

/// The expected line that stands for `line`. Where the format would read something else into it, its first character
/// is left open.
fn expectation(line: &str, is_first: bool) -> String {
    let written = Pattern::literal(line);
    let fence = line.trim_start();
    let is_taken = Prompt::parse(line).is_some()
        || line == ELISION
        || fence.starts_with("```")
        || fence.starts_with("~~~")
        || (is_first && exit_digits(line).is_some());
    match written.char_indices().nth(1) {
        Some((second, _)) if is_taken => format!("[..]{}", &written[second..]),
        _ if is_taken => "[..]".to_owned(),
        _ => written,
    }
}

#[cfg(test)]
mod tests {
    use super::super::captures::Captures;
    use super::super::comparison::compare;
    use super::*;

    /// The text after its first step was corrected by what came.
    fn updated(text: &str, status: i32, actual: &[&str]) -> String {
        let scenario = Scenario::parse("a.md", text.to_owned()).expect("the file is right");
        let comparison = compare(&scenario.steps[0].expected, actual, &mut Captures::default());
        let correction = Correction { step: 0, status, actual: actual.to_vec(), comparison: &comparison };
        corrected(&scenario, &[correction])
    }

    #[test]
    fn only_what_differs_is_rewritten() {
        let text = "A\n```console\n$ docker network ls\n[SHORTID:b]   bridge\n...\nold\n$ true\n```\nZ\n";
        let updated = updated(text, 0, &["7917c78e322d   bridge", "x", "new"]);
        assert_eq!(updated, "A\n```console\n$ docker network ls\n[SHORTID:b]   bridge\n...\nx\nnew\n$ true\n```\nZ\n");
    }

    #[test]
    fn exit_codes_come_and_go() {
        assert_eq!(updated("```console\n$ a\nx\n```\n", 3, &["x"]), "```console\n$ a\n? 3\nx\n```\n");
        assert_eq!(updated("```console\n$ a\n? 3\nx\n```\n", 0, &["x"]), "```console\n$ a\nx\n```\n");
    }

    #[test]
    fn indentation_and_line_ends_are_kept() {
        let text = "- a\r\n  ```console\r\n  $ a\r\n  ```\r\n";
        assert_eq!(updated(text, 0, &["x", "", " y"]), "- a\r\n  ```console\r\n  $ a\r\n  x\r\n\r\n   y\r\n  ```\r\n");
    }

    #[test]
    fn output_that_the_format_would_misread_is_left_open() {
        let actual = ["? 7", "c1$ ls", "...", "```", "$", "[ID] [x]"];
        let expected = "```console\n$ a\n[..] 7\n[..]1$ ls\n[..]..\n[..]``\n[..]\n[..]ID] [x]\n```\n";
        let text = updated("```console\n$ a\n```\n", 0, &actual);
        assert_eq!(text, expected);
        let again = Scenario::parse("a.md", text).expect("the file is still right");
        let comparison = compare(&again.steps[0].expected, &actual, &mut Captures::default());
        assert!(super::super::comparison::agrees(&comparison));
    }
}
