//! Steps for real programs (`real$ …`): they are typed at a real shell of this machine while the world of the scenario is an
//! open house ([`House`]). `docker` finds its engine there, `netyard run` and `exec` let programs in, and ports that its
//! first host publishes are on this machine's loopback. It compares nothing.
//!
//! How it works: while the shell is at work, or something that it has started, time passes as on this machine; else it leaps
//! when a simulated terminal is at work. With the last step everything that the shell has started is told to end.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant as WallInstant;

use netyard_drivers::site::{Site, TerminalEvent};
use netyard_sim::time::Epoch;

use super::janitor::Janitor;
use super::shell::{Ended, Shell, Stopped};
use crate::live::doctor;
use crate::live::house::House;
use crate::live::pace::Demand;
use crate::scenario::Scenario;
use crate::scenario::step::Step;

/// What a guest's command is called, and the subcommands that make one.
const NETYARD: &str = "netyard";
const LETS_IN: [&str; 3] = ["run", "exec", "attach"];
/// What would lead programs elsewhere than to the world of the scenario.
const STRAY: [&str; 9] = [
    "ALL_PROXY",
    "DOCKER_CONTEXT",
    "DOCKER_TLS_VERIFY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Why this machine cannot play the steps of a scenario that are for real programs; none when it can, or there are none.
#[must_use]
pub fn obstacle(scenario: &Scenario) -> Option<String> {
    scenario.first_real()?;
    let missing = |program: &&str| !is_on_path(program);
    let needs = scenario.head.needs.iter().map(String::as_str);
    if let Some(program) = needs.chain(["bash", "setsid"]).find(missing) {
        return Some(format!("there is no {program} on this machine"));
    }
    let guests = scenario.steps.iter().any(|step| step.is_real() && lets_in(step));
    guests.then(doctor::obstacle)?
}

/// Whether a step lets a program into the world.
fn lets_in(step: &Step) -> bool {
    let words: Vec<&str> = step.command.split_whitespace().collect();
    words.windows(2).any(|pair| pair[0] == NETYARD && LETS_IN.contains(&pair[1]))
}

fn is_on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// A directory of this scenario's own, for its socket; it goes with this, or with this process.
#[derive(Debug)]
struct Directory {
    path: PathBuf,
    janitor: Janitor,
}

impl Directory {
    /// With this program in it, by its usual name.
    fn new() -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("netyard-test-{}-{number}", std::process::id()));
        let wrong = |error| format!("{}: {error}", path.display());
        fs::DirBuilder::new().mode(0o700).create(&path).map_err(wrong)?;
        let janitor = Janitor::hire(&path).map_err(wrong)?;
        let own = env::current_exe().map_err(wrong)?;
        symlink(own, path.join(NETYARD)).map_err(wrong)?;
        Ok(Self { path, janitor })
    }
}

/// The real side of a scenario under way.
#[derive(Debug)]
pub(super) struct Real {
    house: House,
    /// None before the first step and where it has ended.
    shell: Option<Shell>,
    directory: Directory,
}

impl Real {
    /// Lets this machine into the site of a scenario.
    ///
    /// # Errors
    /// In words, when this machine lacks something.
    pub(super) fn open(scenario: &Scenario, site: &mut Site) -> Result<Self, String> {
        if let Some(obstacle) = obstacle(scenario) {
            return Err(obstacle);
        }
        let directory = Directory::new()?;
        let house = House::open(site, Epoch::DEFAULT, &directory.path.join("docker.sock"))?;
        Ok(Self { house, shell: None, directory })
    }

    /// Types a command at the shell and keeps the site for whoever it lets in, until the command is done or until `until`.
    ///
    /// # Errors
    /// [`Stopped`].
    pub(super) fn play(&mut self, site: &mut Site, command: &str, until: WallInstant) -> Result<Ended, Stopped> {
        let Self { house, shell, directory } = self;
        if shell.is_none() {
            let (socket, place) = (house.socket().to_owned(), &directory.path);
            let opened = Shell::open(&["bash"], |command| dress(command, &socket, place), until)?;
            let looked_after = directory.janitor.look_after(opened.session());
            looked_after.map_err(|error| Stopped::NoShell(format!("nobody tidies up behind it: {error}")))?;
            *shell = Some(opened);
        }
        let session = shell.as_ref().map(Shell::session);
        let ended = house.receive(site, || Shell::play(shell, command, until));
        if shell.is_none() {
            session.into_iter().for_each(|session| directory.janitor.forget(session));
        }
        ended
    }

    /// Lets a little time pass, and says what a terminal of the site says.
    pub(super) fn run(&mut self, site: &mut Site) -> Option<TerminalEvent> {
        let has_jobs = self.shell.as_ref().is_some_and(Shell::has_jobs);
        self.house.run(site, if has_jobs { Demand::Flow } else { Demand::Leap })
    }

    /// Ends everything that the shell has started.
    pub(super) fn close(mut self, site: &mut Site) {
        if let Some(shell) = self.shell.take() {
            let session = shell.session();
            self.house.receive(site, || shell.hang_up());
            self.directory.janitor.forget(session);
        }
    }
}

/// Says in the environment of a shell where the engine is.
fn dress(command: &mut Command, socket: &Path, directory: &Path) {
    let own = env::vars_os().map(|(name, _)| name).filter(|name| name.as_encoded_bytes().starts_with(b"NETYARD_"));
    for name in own.chain(STRAY.iter().map(OsString::from)) {
        command.env_remove(name);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let path = core::iter::once(directory.to_owned()).chain(env::split_paths(&path));
    // A directory on the path has no colon in its name, else it could not be there.
    command.env("PATH", env::join_paths(path).unwrap_or_default());
    command
        .env("DOCKER_HOST", format!("unix://{}", socket.display()))
        .env("DOCKER_CONFIG", directory)
        .env("LC_ALL", "C");
    for subcommand in LETS_IN {
        command.env(format!("NETYARD_{}_SOCKET", subcommand.to_uppercase()), socket);
    }
}
