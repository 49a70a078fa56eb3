//! `netyard up` from outside: the real `docker` command is run against it. Where there is no such command the tests say
//! so and end.

mod attached;
mod cluster;
mod containers;
mod engine;
pub(crate) mod guests;
mod hostile;
mod impaired;
mod members;
mod plugins;
mod publish;
mod shell;
mod socket;
mod streams;
mod terminal;
mod tutorial;
mod uplinks;
mod vtep;
