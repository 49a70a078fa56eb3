//! Any text as a scenario file: a scenario or an error, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = netyard::Scenario::parse("fuzz.md", text.to_owned());
});
