//! A live engine for a test, and the `docker` command that talks to it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// An engine of its own, in a directory of its own.
pub(super) struct Engine {
    process: Child,
    directory: PathBuf,
}

/// A directory that no other test uses.
pub(super) fn directory() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let directory = std::env::temp_dir().join(format!("netyard-live-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("the directory for temporary files can be written to");
    directory
}

/// Starts `netyard up` with the words of `arguments` and reads its first line.
pub(super) fn up(directory: &Path, arguments: &str) -> (Child, String) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_netyard"))
        .arg("up")
        .arg("--socket")
        .arg(directory.join("docker.sock"))
        .args(arguments.split_whitespace())
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command was built");
    let mut line = String::new();
    let stdout = process.stdout.as_mut().expect("it is a pipe");
    BufReader::new(stdout).read_line(&mut line).expect("it says one line of text");
    (process, line)
}

impl Engine {
    /// An engine that ticks as fast as it can, unless there is no `docker` command on this machine.
    pub(super) fn fast() -> Option<Self> {
        Self::start("--pace fast")
    }

    /// An engine with these arguments, unless there is no `docker` command on this machine.
    pub(super) fn start(arguments: &str) -> Option<Self> {
        if Command::new("docker").arg("--version").stdout(Stdio::null()).status().is_err() {
            eprintln!("SKIPPED: there is no docker command on this machine");
            return None;
        }
        let directory = directory();
        let (process, _) = up(&directory, arguments);
        Some(Self { process, directory })
    }

    /// A program of this machine whose `docker` talks to this engine.
    fn program(&self, name: &str) -> Command {
        self.with(Command::new(name))
    }

    /// A command that knows where this engine is.
    pub(super) fn with(&self, mut command: Command) -> Command {
        let host = format!("unix://{}", self.socket().display());
        command.env("DOCKER_HOST", host).env("DOCKER_CONFIG", &self.directory).stdin(Stdio::null());
        command
    }

    /// The `docker` command with these words.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.program("docker");
        command.args(words);
        command
    }

    /// The `netyard` command with these words, for this engine.
    pub(super) fn netyard(&self, words: &[&str]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_netyard"));
        command.args(words);
        command
    }

    /// Runs a line of a shell.
    pub(super) fn shell(&self, line: &str) -> Said {
        Said::from(self.program("sh").args(["-c", line]).output().expect("every machine has a shell"))
    }

    /// Stops the engine's process where it is, or lets it go on.
    pub(super) fn pause(&self, paused: bool) {
        let signal = if paused { "-STOP" } else { "-CONT" };
        let status = Command::new("kill").args([signal, &self.process.id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "it is ours");
    }

    /// Asks the engine's process to end, and waits until it has.
    pub(super) fn terminate(mut self) {
        let status = Command::new("kill").arg(self.process.id().to_string()).status();
        assert!(status.is_ok_and(|status| status.success()), "it is ours");
        self.process.wait().expect("it ends");
    }

    /// Runs a line of words and returns standard output.
    ///
    /// # Panics
    /// When it fails.
    pub(super) fn docker(&self, line: &str) -> String {
        let Said { stdout, stderr, code } = self.try_docker(&line.split_whitespace().collect::<Vec<_>>());
        assert_eq!((code, stderr.as_str()), (0, ""), "docker {line}");
        stdout
    }

    /// Runs some words and returns what came of them.
    pub(super) fn try_docker(&self, words: &[&str]) -> Said {
        Said::from(self.command(words).output().expect("docker is there"))
    }

    /// Runs some words with this input.
    pub(super) fn docker_with_input(&self, words: &[&str], input: &[u8]) -> Said {
        let mut process = self
            .command(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker is there");
        let mut stdin = process.stdin.take().expect("it is a pipe");
        let input = input.to_vec();
        // Who does not read all of it is right.
        let typing = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let said = Said::from(process.wait_with_output().expect("it ends"));
        typing.join().expect("typing does not panic");
        said
    }

    /// Runs some words in the background.
    pub(super) fn begin(&self, words: &[&str]) -> Job {
        let mut process =
            self.command(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("docker is there");
        let stdout = BufReader::new(process.stdout.take().expect("it is a pipe"));
        Job { process, stdout }
    }

    /// The number of its process.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Where its socket is.
    pub(super) fn socket(&self) -> PathBuf {
        self.directory.join("docker.sock")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

/// What came of a command.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Said {
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) code: i32,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { stdout: text(output.stdout), stderr: text(output.stderr), code: output.status.code().unwrap_or(-1) }
    }
}

/// What was said, in short.
pub(super) fn said(stdout: &str, stderr: &str, code: i32) -> Said {
    Said { stdout: stdout.to_owned(), stderr: stderr.to_owned(), code }
}

/// A command in the background.
pub(super) struct Job {
    process: Child,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Job {
    /// The next line that it says.
    pub(super) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("it says text");
        line
    }

    /// Types on its standard input.
    pub(super) fn enter(&mut self, text: &str) {
        let stdin = self.process.stdin.as_mut().expect("it is a pipe");
        stdin.write_all(text.as_bytes()).expect("it reads");
    }

    /// A command that talks to an engine, in the background.
    pub(super) fn of(mut command: Command) -> Self {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it can be run");
        let stdout = BufReader::new(process.stdout.take().expect("it is a pipe"));
        Self { process, stdout }
    }

    /// Its number on this machine.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends its input and waits for its end; the exit code.
    pub(super) fn end(mut self) -> i32 {
        drop(self.process.stdin.take());
        self.process.wait().expect("it is ours").code().unwrap_or(-1)
    }

    /// Kills it.
    pub(super) fn kill(mut self) {
        self.process.kill().expect("it is ours");
        self.process.wait().expect("it was killed");
    }
}
