//! Guests: processes on this machine that run a real program on the simulated network. A guest asks the engine in
//! another process to be let in; it makes namespaces of the kernel that look like the simulated one, hands the TAP devices
//! in them over, and tends the program.
//!
//! How it works: everything is done by one process without threads, for only such a one can make a namespace of users.
//! The program is in a namespace of processes of its own, whose first process is this command again ([`init`]): when that
//! ends, by whatever hand, the kernel ends all that the program has left behind.

pub mod agent;
pub mod engine;
pub mod farewell;
pub mod files;
pub mod init;
pub mod job;
pub mod link;
pub mod losses;
pub mod namespaces;
pub mod program;
pub mod signals;
pub mod stand;
pub mod stay;
