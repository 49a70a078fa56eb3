//! Networks in Rust tests: what a user of [`netyard::Lab`] writes.

mod built;
mod impaired;
mod native;
mod store;

use netyard::prelude::*;

/// A lab with a network and these containers on it.
fn lab_with(names: &[&str]) -> Lab {
    lab_of(1, names)
}

/// The same with a seed.
fn lab_of(seed: u64, names: &[&str]) -> Lab {
    let lab = Lab::builder().seed(seed).build();
    lab.network("n1").subnet("172.25.0.0/16").create().expect("nothing else is there");
    names.iter().for_each(|name| _ = lab.container(name).network("n1").run().expect(name));
    lab
}

/// How many cases a property is tried on: `usual`, or as many as NETYARD_CASES says.
fn cases(usual: u64) -> u64 {
    std::env::var("NETYARD_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}
