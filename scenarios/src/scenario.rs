//! Scenarios: Markdown files whose `console` blocks are played and compared. Here they are read, matched and
//! rewritten as text; nothing here runs a command or opens a file.
//!
//! ````text
//! ---
//! hosts: [docker01, docker02]        # the head is optional
//! ---
//! Prose.
//!
//! ```console
//! $ docker run -itd --name c1 busybox
//! [ID:c1]
//! c1$ ping -c 1 nowhere
//! ? 1
//! ping: bad address 'nowhere'
//! ```
//! ````
//!
//! `$` is the first host, `PLACE$` a host, container or `HOST/NAMESPACE`; `real$` is a real shell of this machine, whose
//! programs find the scenario's engine. The lines after a command are exactly what it
//! prints, with [`[..]`, `[ID]` and the like](pattern) within and [`...`](comparison) between lines; `? N` says the exit code.

pub mod captures;
pub mod comparison;
pub mod engine;
pub mod excerpt;
pub mod fault;
pub mod head;
pub mod markdown;
pub mod mask;
pub mod moment;
pub mod pattern;
pub mod period;
pub mod shape;
pub mod step;
pub mod update;

use fault::Fault;
use head::Head;
use step::Step;

/// A scenario file, read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scenario {
    /// The file, as it was named.
    pub file: String,
    /// Its text.
    pub text: String,
    /// What its head says.
    pub head: Head,
    /// Its headings, for `--filter`.
    pub headings: Vec<String>,
    /// Its steps, in order.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// Reads the text of `file`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(file: &str, text: String) -> Result<Self, Fault> {
        match Self::parts(&text) {
            Ok((head, headings, steps)) => Ok(Self { file: file.to_owned(), text, head, headings, steps }),
            Err((kind, span)) => Err(Fault::new(file, &text, kind, span)),
        }
    }

    fn parts(text: &str) -> Result<(Head, Vec<String>, Vec<Step>), markdown::Wrong> {
        let outline = markdown::outline(text)?;
        let head = Head::parse(&text[outline.head.clone()], outline.head.start)?;
        let mut steps = Vec::new();
        for block in &outline.blocks {
            steps.extend(step::steps(block)?);
        }
        Ok((head, outline.headings.into_iter().map(str::to_owned).collect(), steps))
    }

    /// The first step that real programs of this machine play.
    #[must_use]
    pub fn first_real(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.is_real())
    }

    /// The place that a step is played at.
    #[must_use]
    pub fn place<'a>(&'a self, step: &'a Step) -> &'a str {
        step.place.as_deref().unwrap_or_else(|| self.head.default_host())
    }
}

#[cfg(test)]
mod tests {
    use super::fault::FaultKind;
    use super::*;

    #[test]
    fn a_file_is_read_whole() {
        let text = "---\nhosts: [node1, node2]\n---\n# Two\n```console\n$ true\nnode2$ true\n```\n";
        let scenario = Scenario::parse("two.md", text.to_owned()).expect("the file is right");
        let places: Vec<_> = scenario.steps.iter().map(|step| scenario.place(step)).collect();
        assert_eq!((places, &scenario.headings[..]), (vec!["node1", "node2"], &["Two".to_owned()][..]));
    }

    #[test]
    fn a_fault_names_the_line_of_the_file_not_of_the_head() {
        let text = "---\nseed: 1\nseed: many\n---\n";
        let fault = Scenario::parse("bad.md", text.to_owned()).expect_err("the head is wrong");
        assert_eq!(fault.line(), Some(3));
        assert!(matches!(fault.kind, FaultKind::Head(_)));
    }
}
