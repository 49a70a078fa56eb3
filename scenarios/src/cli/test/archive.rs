//! The directory of a run, under `--out`: a manifest, and for each scenario its transcript, result, events and frames,
//! with a page for a browser when it failed. `latest` points to the run that was begun last.
//!
//! ```text
//! DIR/latest -> 20260102T150405Z
//! DIR/20260102T150405Z/manifest.json
//! DIR/20260102T150405Z/scenarios/walkthroughs/aliases/{scenario.md,transcript.txt,result.jsonl,events.jsonl,frames.pcapng,report.html}
//! ```

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::below;
use super::job::Kept;
use crate::report::{Outcome, Summary, html, json, transcript};
use crate::runner::verdict::Verdict;
use crate::scenario::fault::Fault;

/// How many runs may begin in one second before the next is refused.
const RUNS_A_SECOND: u32 = 1000;

/// The directory of a run that is under way.
pub(super) struct Archive {
    directory: PathBuf,
    started: OffsetDateTime,
    files: Vec<Value>,
}

impl Archive {
    /// Makes the directory of a run that begins now, and points `latest` to it.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn create(root: &Path) -> io::Result<Self> {
        let started = OffsetDateTime::UNIX_EPOCH + SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let stamp = started.format(format_description!("[year][month][day]T[hour][minute][second]Z"));
        let stamp = stamp.map_err(io::Error::other)?;
        fs::create_dir_all(root)?;
        let name = make(root, &stamp)?;
        point(&root.join("latest"), &name)?;
        Ok(Self { directory: root.join(name), started, files: Vec::new() })
    }

    /// Keeps what came of a scenario.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn add(&mut self, outcome: &Outcome<'_>, kept: &Kept) -> io::Result<()> {
        let directory = below(&self.directory, outcome.scenario);
        fs::create_dir_all(&directory)?;
        let mut result = Vec::new();
        json::outcome(&mut result, outcome)?;
        fs::write(directory.join("result.jsonl"), result)?;
        fs::write(directory.join("scenario.md"), &outcome.scenario.text)?;
        fs::write(directory.join("transcript.txt"), transcript::text(outcome.scenario, outcome.playback))?;
        fs::write(directory.join("events.jsonl"), &kept.events)?;
        fs::write(directory.join("frames.pcapng"), &kept.pcapng)?;
        if outcome.verdict != Verdict::Passed {
            fs::write(directory.join("report.html"), html::page(outcome))?;
        }
        self.files.push(json!({
            "file": outcome.scenario.file,
            "result": json::result(&outcome.verdict),
            "seed": outcome.seed,
            "fingerprint": kept.fingerprint,
            "repeat": outcome.again,
            "directory": directory.strip_prefix(&self.directory).unwrap_or(&directory),
        }));
        Ok(())
    }

    /// Notes a file that is wrong.
    pub(super) fn add_fault(&mut self, fault: &Fault) {
        self.files.push(json!({ "file": fault.file, "result": "fault", "message": fault.kind.to_string() }));
    }

    /// Writes the manifest.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn finish(self, summary: &Summary) -> io::Result<()> {
        let started = self.started.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z"));
        let manifest = json!({
            "netyard": env!("CARGO_PKG_VERSION"),
            "command": env::args().collect::<Vec<_>>(),
            "started": started.map_err(io::Error::other)?,
            "passed": summary.passed,
            "failed": summary.failed,
            "skipped": summary.skipped,
            "faulty": summary.faulty,
            "steps": summary.steps,
            "files": self.files,
        });
        fs::write(self.directory.join("manifest.json"), format!("{manifest:#}\n"))
    }
}

/// Makes a directory that was not there: `STAMP`, `STAMP-2`, and so on; its name.
fn make(root: &Path, stamp: &str) -> io::Result<String> {
    for number in 1..=RUNS_A_SECOND {
        let name = if number == 1 { stamp.to_owned() } else { format!("{stamp}-{number}") };
        match fs::create_dir(root.join(&name)) {
            Ok(()) => return Ok(name),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Makes `link` point to `target` in one step, so that it is never missing.
fn point(link: &Path, target: &str) -> io::Result<()> {
    let new = link.with_file_name(format!(".latest-{target}"));
    symlink(target, &new)?;
    fs::rename(new, link)
}
