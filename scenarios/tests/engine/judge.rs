//! A real Docker engine, started in namespaces of its own, that answers command lines.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::masked;

/// What the machine is called.
const NAME: &str = "nyjudge";
/// What ends an answer.
const MARK: &str = "-----8<-----";
/// How long a command may take there, in seconds.
const PATIENCE: u32 = 60;
/// What brings the engine back to its beginning.
const CLEAN: &str = "docker rm -f $(docker ps -aq) >/dev/null 2>&1; docker network prune -f >/dev/null 2>&1";

/// A running engine. It is gone when this goes.
pub(super) struct Engine {
    host: PathBuf,
    run: PathBuf,
}

impl Engine {
    /// Starts one.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn start() -> Result<Self, String> {
        let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/oracle/host");
        if !host.exists() {
            return Err(format!("{} is not here", host.display()));
        }
        let run = std::env::temp_dir().join("netyard-engine");
        let engine = Self { host, run };
        // What a run that was killed left behind.
        let _ = engine.host(&["down", NAME]).output();
        let install = engine.host(&["install"]).output().map_err(|error| error.to_string())?;
        let up = engine.host(&["up", NAME, "--hostname", "docker01"]).output().map_err(|error| error.to_string())?;
        if up.status.success() {
            Ok(engine)
        } else {
            let said = [install.stderr, up.stderr].concat();
            Err(format!("no engine can be started here: {}", String::from_utf8_lossy(&said).trim_end()))
        }
    }

    fn host(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.host);
        command.args(words).env("ORACLE_DIR", &self.run).stdin(Stdio::null());
        command
    }

    /// What the engine, brought back to its beginning, says to each line.
    ///
    /// # Panics
    /// When it does not answer any more.
    pub(super) fn ask(&self, lines: &[String]) -> Vec<String> {
        let mut script = format!("{CLEAN}\n");
        for line in lines {
            let quoted = shlex::try_quote(line).expect("no line has a NUL");
            script += &format!("timeout {PATIENCE} bash -c {quoted} 2>&1; printf '\\n{MARK}%d\\n' $?\n");
        }
        let mut shell = self
            .host(&["exec", NAME, "bash", "-s"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("host runs");
        let mut input = shell.stdin.take().expect("it is piped");
        let writer = std::thread::spawn(move || input.write_all(script.as_bytes()));
        let output = shell.wait_with_output().expect("it ends with its script");
        writer.join().expect("it only writes").expect("the shell reads all of it");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut answers = Vec::new();
        let mut rest = text.as_str();
        while let Some((said, after)) = rest.split_once(MARK) {
            let (status, after) = after.split_once('\n').unwrap_or((after, ""));
            answers.push(masked(said, status.trim().parse().unwrap_or(-1)));
            rest = after;
        }
        assert_eq!(answers.len(), lines.len(), "the engine answers every line: {text}");
        answers
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.host(&["down", NAME]).output();
        let _ = std::fs::remove_dir_all(&self.run);
    }
}
