//! The container1–7 tutorial against the recordings of a real engine.

mod chance;
mod engine;
mod host;
mod seeds;
