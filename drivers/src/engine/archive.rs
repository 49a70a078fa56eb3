//! `/containers/{name}/archive`: a container's files as tar archives, out and in, whether it runs or not.

mod tar;

use netyard_sim::time::{Epoch, Instant};
use netyard_sim::userland::files::{Kind, Stat, View, normalise, path};
use netyard_sim::userland::{ContextId, Errno};
use netyard_sim::world::World;
use serde_json::json;

use super::{Call, Engine, Media, Output, Reply};
use crate::date;
use crate::error::Error;
use crate::id::Id;

/// The bit of a directory in a mode as Go has it.
const GO_DIRECTORY: u32 = 1 << 31;
/// The bit of a symbolic link.
const GO_LINK: u32 = 1 << 27;
/// The bits of a device.
const GO_DEVICE: u32 = 1 << 26 | 1 << 21;
/// The bit of a named pipe.
const GO_FIFO: u32 = 1 << 25;
/// Those of setuid, setgid and the sticky bit, each with the bit that Linux has for it.
const GO_SPECIAL: [(u32, u32); 3] = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
/// What a directory is said to take.
const DIRECTORY_SIZE: u64 = 4096;

impl Engine {
    /// `HEAD` and `GET /containers/{name}/archive?path=`: what is there, and all of it.
    pub(super) fn archive_read(
        &mut self,
        world: &mut World,
        method: &str,
        name: &str,
        call: &Call<'_>,
    ) -> Result<Reply, Error> {
        let asked = asked_path(call)?;
        let id = self.find_container(name)?.id;
        let context = self.files_of(world, id);
        let files = world.processes.files(context);
        let found = normalise("/", asked);
        let stat = files.lstat(&found).map_err(|_| missing(name, asked))?;
        let headers = vec![("X-Docker-Container-Path-Stat", self.path_stat(&files, &found, &stat))];
        let (exchange, is_whole) = (call.exchange, method == "GET");
        let media = if is_whole { Media::Tar } else { Media::None };
        self.outbox.push_back(Output::Head { exchange, status: 200, media, headers });
        if is_whole {
            // What is asked for as `dir/.` is the content of the directory.
            let top = if asked.ends_with("/.") { "." } else { base(&found) };
            let entries = files.export(&found).map_err(|_| missing(name, asked))?;
            let bytes = tar::write(top, &entries);
            self.outbox.push_back(Output::Body { exchange, bytes });
        }
        self.outbox.push_back(Output::End { exchange });
        Ok(Reply::Later)
    }

    /// `PUT /containers/{name}/archive?path=`: unpacks an archive in a directory.
    pub(super) fn archive_write(&mut self, world: &mut World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let asked = asked_path(call)?;
        let id = self.find_container(name)?.id;
        let entries = tar::read(&call.request.body)?;
        let context = self.files_of(world, id);
        let files = world.processes.files(context);
        let top = files.resolve(&normalise("/", asked));
        let stat = files.stat(&top).map_err(|_| missing(name, asked))?;
        if !stat.is_directory() {
            return Err(Error::BadParameter("extraction point is not a directory".to_owned()));
        }
        let now = world.now();
        let mut files = world.processes.files_mut(context, now);
        for entry in &entries {
            files.import(&top, entry).map_err(|errno| refused(&top, &entry.path, errno))?;
        }
        Ok(Reply::Empty(200))
    }

    /// The files of a container, made when it was never started.
    fn files_of(&mut self, world: &mut World, id: Id) -> ContextId {
        match self.containers[&id].context {
            Some(context) => context,
            None => self.make_files(world, id),
        }
    }

    /// What is said of a path in a header: JSON in base 64.
    fn path_stat(&self, files: &View<'_>, path: &str, stat: &Stat) -> String {
        let kind = match stat.kind {
            Kind::Directory => GO_DIRECTORY,
            Kind::Link => GO_LINK,
            Kind::Device(_) => GO_DEVICE,
            Kind::Fifo => GO_FIFO,
            Kind::File => 0,
        };
        let special = GO_SPECIAL.iter().filter(|(linux, _)| stat.mode & linux != 0).map(|(_, go)| go).sum::<u32>();
        let link = if stat.kind == Kind::Link { files.resolve(path) } else { String::new() };
        let size = if stat.is_directory() { DIRECTORY_SIZE } else { stat.size };
        let json = json!({
            "name": base(path), "size": size, "mode": kind | special | stat.mode & 0o777,
            "mtime": date::rfc3339(Epoch::from_unix(0), Instant::from_nanos(stat.mtime.0)), "linkTarget": link,
        });
        base64(json.to_string().as_bytes())
    }
}

/// The last part of a path; that of the root is the root.
fn base(text: &str) -> &str {
    if text == "/" { text } else { path::base(text) }
}

fn asked_path<'a>(call: &'a Call<'_>) -> Result<&'a str, Error> {
    let path = call.target.query.text("path");
    path.ok_or_else(|| Error::BadParameter("bad parameter: path cannot be empty".to_owned()))
}

fn missing(container: &str, path: &str) -> Error {
    Error::FileUnknown { path: path.to_owned(), container: container.to_owned() }
}

fn refused(top: &str, inside: &str, errno: Errno) -> Error {
    let path = path::join(top, inside);
    Error::ArchiveRefused { path, reason: errno.to_string().to_lowercase() }
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..4 {
            let six = (bits >> (18 - 6 * at) & 63) as usize;
            text.push(if at <= group.len() { char::from(ALPHABET[six]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_64_ends_with_as_many_signs_as_are_missing() {
        assert_eq!(
            ["", "f", "fo", "foo", "foob"].map(|text| base64(text.as_bytes())),
            ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]
        );
    }
}
