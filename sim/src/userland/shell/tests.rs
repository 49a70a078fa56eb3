//! Stories told to the shell, in a world of one place with a few programs.

mod jobs;
mod language;
mod messages;
mod session;
mod world;
