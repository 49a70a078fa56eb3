//! `/containers/{name}/archive`: a container's files as tar archives, out and in, whether it runs or not.

use netyard_sim::time::{Epoch, Instant};
use netyard_sim::userland::files::{Kind, Stat, View, normalise, path};
use netyard_sim::userland::{ContextId, Errno};
use netyard_sim::world::World;

use super::{Call, Engine, Media, Output, Reply};
use crate::archive::{self, PATH_STAT, PathStat, go_mode};
use crate::date;
use crate::error::Error;
use crate::id::Id;

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
        let headers = vec![(PATH_STAT, Self::path_stat(&files, &found, &stat))];
        let (exchange, is_whole) = (call.exchange, method == "GET");
        let media = if is_whole { Media::Tar } else { Media::None };
        self.outbox.push_back(Output::Head { exchange, status: 200, media, headers });
        if is_whole {
            // What is asked for as `dir/.` is the content of the directory.
            let top = if asked.ends_with("/.") { "." } else { base(&found) };
            let entries = files.export(&found).map_err(|_| missing(name, asked))?;
            let bytes = archive::write(top, &entries);
            self.outbox.push_back(Output::Body { exchange, bytes });
        }
        self.outbox.push_back(Output::End { exchange });
        Ok(Reply::Later)
    }

    /// `PUT /containers/{name}/archive?path=`: unpacks an archive in a directory.
    pub(super) fn archive_write(&mut self, world: &mut World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let asked = asked_path(call)?;
        let id = self.find_container(name)?.id;
        let entries = archive::read(&call.request.body)?;
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

    /// `GET /containers/{name}/export`: all of a container's own files.
    pub(super) fn container_export(&mut self, world: &mut World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let id = self.find_container(name)?.id;
        let context = self.files_of(world, id);
        let files = world.processes.context(context).files.unmounted();
        let entries = files.view().export("/").unwrap_or_default();
        let exchange = call.exchange;
        self.outbox.push_back(Output::Head { exchange, status: 200, media: Media::Bytes, headers: Vec::new() });
        self.outbox.push_back(Output::Body { exchange, bytes: archive::write("", &entries) });
        self.outbox.push_back(Output::End { exchange });
        Ok(Reply::Later)
    }

    /// The files of a container, made when it was never started.
    pub(super) fn files_of(&mut self, world: &mut World, id: Id) -> ContextId {
        match self.containers[&id].context {
            Some(context) => context,
            None => self.make_files(world, id),
        }
    }

    /// What is said of a path in a header: JSON in base 64.
    fn path_stat(files: &View<'_>, path: &str, stat: &Stat) -> String {
        PathStat {
            name: base(path).to_owned(),
            size: if stat.is_directory() { DIRECTORY_SIZE } else { stat.size },
            mode: go_mode(stat.kind, stat.mode),
            mtime: date::rfc3339(Epoch::from_unix(0), Instant::from_nanos(stat.mtime.0)),
            link_target: if stat.kind == Kind::Link { files.resolve(path) } else { String::new() },
        }
        .encoded()
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
