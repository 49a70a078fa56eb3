//! A Docker network in one process, driven by scenarios: everything of netyard that touches the world.
//!
//! | module | is |
//! |---|---|
//! | [`scenario`] | the file format: reading, matching, rewriting text |
//! | [`runner`] | playing a scenario on a site in virtual time, and the verdict over it |
//! | [`pool`] | doing numbered pieces of work on several threads, in order |
//! | [`report`] | telling people and programs what became of scenarios |
//! | [`live`] | the live engine: a site behind a socket, in real time |
//! | [`lab`] | networks in Rust tests |
//! | [`doors`] | where strangers' bytes come in, for fuzz targets and the test suite |
//! | [`cli`] | the `netyard` command |
//!
//! Each uses only what stands above it. Networks, protocols and Docker are not here but in `netyard-sim` and
//! `netyard-drivers`, which know no file, clock or terminal.
//!
//! ```
//! use netyard::{Scenario, Verdict, play};
//!
//! let text = "```console\n$ echo hello\nhello\n```\n";
//! let scenario = Scenario::parse("hello.md", text.to_owned()).expect("the file is right");
//! let playback = play(&scenario, &netyard::Settings::default()).expect("docker01 is there");
//! assert_eq!(Verdict::over(&scenario, &playback), Verdict::Passed);
//! ```

pub mod cli;
#[doc(hidden)]
pub mod doors;
pub mod exit;
pub mod lab;
pub mod live;
pub mod panics;
pub mod pool;
pub mod report;
pub mod runner;
pub mod scenario;

pub use exit::Exit;
pub use lab::{Lab, LabError};
pub use runner::verdict::Verdict;
pub use runner::{Playback, Recorded, Settings, play, record};
pub use scenario::Scenario;
pub use scenario::fault::Fault;

/// What a test of networks needs.
pub mod prelude {
    pub use std::time::Duration;

    pub use crate::lab::{Guard, Lab, LabError, Reply, Task, net};
}
