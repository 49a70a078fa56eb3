//! `docker network …`: one file a command.

pub(super) mod connect;
pub(super) mod create;
pub(super) mod disconnect;
pub(super) mod ls;
pub(super) mod rm;
mod subnet;
