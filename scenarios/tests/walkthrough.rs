//! The container1–7 tutorial and other sessions, against the recordings of a real engine.

pub(crate) mod chance;
pub(crate) mod engine;
mod errors;
mod exchanges;
pub(crate) mod host;
mod python;
mod replay;
mod seeds;
mod sessions;
