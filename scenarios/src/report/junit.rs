//! The report as JUnit XML: a suite a file, a case a step. An expectation that is not met is a failure; a file that is
//! wrong, or a step whose time was up, is an error.

use std::io::{self, Write};

use quick_xml::events::BytesText;
use quick_xml::writer::Writer;

use super::{Outcome, difference, transcript};
use crate::exit::Exit;
use crate::runner::End;
use crate::runner::verdict::Verdict;
use crate::scenario::fault::Fault;
use crate::scenario::step::Step;

/// A document in the making.
#[derive(Debug, Default)]
pub struct Document {
    suites: Vec<Suite>,
}

/// What is told of one file.
#[derive(Debug)]
struct Suite {
    file: String,
    seconds: f64,
    properties: Vec<(&'static str, String)>,
    cases: Vec<Case>,
    transcript: String,
}

#[derive(Debug)]
struct Case {
    name: String,
    status: Status,
}

#[derive(Debug)]
enum Status {
    Passed,
    /// `<failure>` or `<error>`.
    Bad {
        element: &'static str,
        message: String,
        text: String,
    },
    /// With the reason, where there is one but that something before was not met.
    Skipped(Option<String>),
}

impl Document {
    /// Adds a scenario that was played.
    pub fn add(&mut self, outcome: &Outcome<'_>) {
        let scenario = outcome.scenario;
        let steps = scenario.steps.iter().enumerate().map(|(number, step)| Case {
            name: format!("{}:{}$ {}", step.line, scenario.place(step), step.command),
            status: status(outcome, number, step),
        });
        let whole = outcome.verdict.reason().map(|message| Case {
            name: "verdict".to_owned(),
            status: Status::Bad { element: "failure", message, text: String::new() },
        });
        self.suites.push(Suite {
            file: scenario.file.clone(),
            seconds: outcome.took.as_secs_f64(),
            properties: vec![("seed", outcome.seed.to_string()), ("repeat", outcome.again.clone())],
            cases: steps.chain(whole).collect(),
            transcript: transcript::text(scenario, outcome.playback),
        });
    }

    /// Adds a file that is wrong.
    pub fn add_fault(&mut self, fault: &Fault) {
        let (message, text) = (fault.kind.to_string(), fault.render(false));
        self.suites.push(Suite {
            file: fault.file.clone(),
            seconds: 0.0,
            properties: Vec::new(),
            cases: vec![Case { name: "file".to_owned(), status: Status::Bad { element: "error", message, text } }],
            transcript: String::new(),
        });
    }

    /// Writes the document.
    ///
    /// # Errors
    /// What the stream says.
    pub fn write(&self, out: impl Write) -> io::Result<()> {
        let mut xml = Writer::new_with_indent(out, b' ', 2);
        xml.get_mut().write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
        let element = xml.create_element("testsuites").with_attribute(("name", "netyard test"));
        element.write_inner_content(|xml| self.suites.iter().try_for_each(|suite| suite.write(xml)))?;
        xml.get_mut().write_all(b"\n")
    }
}

impl Suite {
    fn write(&self, xml: &mut Writer<impl Write>) -> io::Result<()> {
        let count = |fits: fn(&Status) -> bool| self.cases.iter().filter(|case| fits(&case.status)).count().to_string();
        let bad = |status: &Status, wanted: &str| matches!(status, Status::Bad { element, .. } if *element == wanted);
        let failures = self.cases.iter().filter(|case| bad(&case.status, "failure")).count().to_string();
        let errors = self.cases.iter().filter(|case| bad(&case.status, "error")).count().to_string();
        let element = xml.create_element("testsuite").with_attributes([
            ("name", self.file.as_str()),
            ("tests", &self.cases.len().to_string()),
            ("failures", &failures),
            ("errors", &errors),
            ("skipped", &count(|status| matches!(status, Status::Skipped(_)))),
            ("time", &format!("{:.3}", self.seconds)),
        ]);
        element.write_inner_content(|xml| {
            if !self.properties.is_empty() {
                xml.create_element("properties").write_inner_content(|xml| {
                    self.properties.iter().try_for_each(|(name, value)| {
                        let property = xml.create_element("property");
                        property.with_attributes([("name", *name), ("value", value)]).write_empty().map(drop)
                    })
                })?;
            }
            self.cases.iter().try_for_each(|case| case.write(xml, &self.file))?;
            if !self.transcript.is_empty() {
                xml.create_element("system-out").write_text_content(BytesText::new(&printable(&self.transcript)))?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

impl Case {
    fn write(&self, xml: &mut Writer<impl Write>, file: &str) -> io::Result<()> {
        let element = xml.create_element("testcase");
        let element = element.with_attributes([("name", self.name.as_str()), ("classname", file)]);
        match &self.status {
            Status::Passed => element.write_empty()?,
            Status::Skipped(reason) => element.write_inner_content(|xml| {
                let skipped = xml.create_element("skipped");
                skipped
                    .with_attributes(reason.iter().map(|reason| ("message", reason.as_str())))
                    .write_empty()
                    .map(drop)
            })?,
            Status::Bad { element: kind, message, text } => element.write_inner_content(|xml| {
                let bad = xml.create_element(*kind).with_attribute(("message", message.as_str()));
                bad.write_text_content(BytesText::new(&printable(text))).map(drop)
            })?,
        };
        Ok(())
    }
}

/// What became of a step; a file that is meant to fail is judged as a whole, so its steps have all done well.
fn status(outcome: &Outcome<'_>, number: usize, step: &Step) -> Status {
    let is_judged = outcome.verdict.exit() != Exit::Pass;
    match (outcome.playback.steps.get(number), &outcome.playback.end) {
        (Some(played), _) if is_judged && !played.meets(step) => {
            let message = "the expectation is not met".to_owned();
            Status::Bad { element: "failure", message, text: difference::text(step, played) }
        }
        (Some(_), _) => Status::Passed,
        (None, End::TimeLimit(overrun)) if overrun.step == number => {
            Status::Bad { element: "error", message: "its time was up".to_owned(), text: overrun.to_string() }
        }
        (None, End::Skipped(skip)) => Status::Skipped(Some(skip.reason.clone())),
        (None, End::Finished | End::TimeLimit(_)) => match &outcome.verdict {
            Verdict::Unsupported(obstacle) => Status::Skipped(Some(obstacle.clone())),
            _ => Status::Skipped(None),
        },
    }
}

/// A text without the control characters that XML has no way to write.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t' | '\r') { '\u{fffd}' } else { c }).collect()
}
