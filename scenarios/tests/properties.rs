//! Properties of netyard itself: what holds in every network that chance draws. `NETYARD_CASES` says how many are drawn
//! for each property (16 when it is not set; CI draws 256); a case that fails is made small and its seed is saved.

mod control;
mod model;
mod names;
mod reach;
mod strangers;
mod wire;

use proptest::test_runner::{Config, FileFailurePersistence};

/// How cases are drawn.
fn config() -> Config {
    let cases = std::env::var("NETYARD_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(16);
    Config {
        cases,
        max_shrink_iters: 200,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..Config::default()
    }
}
