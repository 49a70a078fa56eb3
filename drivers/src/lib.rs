//! placeholder
pub mod cli;
pub mod template;
