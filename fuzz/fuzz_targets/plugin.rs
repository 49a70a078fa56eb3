#![no_main]

use netyard::doors::Door;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| Door::Plugin.knock(bytes));
