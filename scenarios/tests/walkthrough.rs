//! The container1–7 tutorial and other sessions, against the recordings of a real engine.

mod chance;
mod engine;
mod errors;
mod host;
mod replay;
mod seeds;
