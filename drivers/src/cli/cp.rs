//! `docker cp`: files and directories between a container and the client's own filesystem. What goes where is decided
//! in [`journey`]; the engine carries archives and follows no rules of its own.

mod journey;

use netyard_sim::userland::Request;
use netyard_sim::userland::files::{Stat, normalise};

use self::journey::{End, Journey, Parcel};
use super::command::{Arity, Command, plain};
use super::containers::checked;
use super::flags::{Arguments, Flag, Order};
use super::human;
use super::query::query;
use super::script::{Cx, Failure, Next, Outcome, Place, Reply, Unpacking, call, request};
use crate::archive::{self, PATH_STAT, PathStat, check_kind};

/// What stands for standard input or output.
const STREAM: &str = "-";

/// The command.
pub(super) const CP: Command = Command {
    usage: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tdocker cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
    about: "Copy files/folders between a container and the local filesystem\n\n\
            Use '-' as the source to read a tar archive from stdin\n\
            and extract it to a directory destination in a container.\n\
            Use '-' as the destination to stream a tar archive of a\n\
            container source to stdout.",
    aliases: "docker container cp, docker cp",
    flags: &[
        Flag::switch("archive", "Archive mode (copy all uid/gid information)").short('a'),
        Flag::switch("follow-link", "Always follow symbol link in SRC_PATH").short('L'),
        Flag::switch(
            "quiet",
            "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached",
        )
        .short('q'),
    ],
    order: Order::Mixed,
    arity: Arity::Exactly(2),
    decorate: plain,
    run,
};

/// What was asked for.
#[derive(Clone)]
struct Copy {
    container: String,
    inside: String,
    outside: String,
    follows: bool,
    keeps_owner: bool,
    quiet: bool,
}

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let (source, destination) = (&typed.rest[0], &typed.rest[1]);
    for (end, name) in [(source, "source"), (destination, "destination")] {
        if end.is_empty() {
            return Err(Failure::new(format!("{name} can not be empty")));
        }
    }
    let copy = |container: &str, inside: &str, outside: &str| Copy {
        container: container.to_owned(),
        inside: inside.to_owned(),
        outside: outside.to_owned(),
        follows: typed.is_on("follow-link"),
        keeps_owner: typed.is_on("archive"),
        quiet: typed.is_on("quiet") || (!typed.has("quiet") && !cx.place.terminals[2]),
    };
    match (split(source), split(destination)) {
        ((Some(_), _), (Some(_), _)) => Err(Failure::new("copying between containers is not supported")),
        ((None, _), (None, _)) => Err(Failure::new("must specify at least one container source")),
        ((Some(container), inside), (None, outside)) => copy(container, inside, outside).out_of(cx),
        ((None, outside), (Some(container), inside)) => copy(container, inside, outside).into(cx),
    }
}

/// The container and the path of an end. What begins like a path is one, whatever colons it has.
fn split(end: &str) -> (Option<&str>, &str) {
    if end.starts_with('/') {
        return (None, end);
    }
    match end.split_once(':') {
        Some((container, path)) if !container.starts_with('.') => ((!container.is_empty()).then_some(container), path),
        _ => (None, end),
    }
}

impl Copy {
    fn request(&self, method: &'static str, more: &[(&str, Option<String>)], path: &str) -> Result<Request, Failure> {
        let parts: Vec<_> = more.iter().cloned().chain([("path", Some(path.to_owned()))]).collect();
        Ok(request(method, &format!("/containers/{}/archive{}", checked(&self.container)?, query(&parts))))
    }

    /// Says that it is done, where somebody looks on.
    fn tell(&self, bytes: usize, destination: &str, cx: &mut Cx<'_>) -> Outcome {
        if !self.quiet {
            cx.error_line(&format!("Successfully copied {} to {destination}", human::size(bytes as u64, 3)));
        }
        Ok(Next::Exit(0))
    }

    /// From the container.
    fn out_of(mut self, cx: &mut Cx<'_>) -> Outcome {
        if self.outside != STREAM {
            self.outside = journey::kept_ending(&cx.place.absolute(&self.outside), &self.outside);
        }
        check_output_path(&self.outside, cx.place)?;
        if !self.follows {
            return self.fetch(None, cx);
        }
        call(cx, self.request("HEAD", &[], &self.inside)?, move |reply, cx| {
            let link = stat_of(&reply).filter(PathStat::is_link);
            let Some(stat) = link else { return self.fetch(None, cx) };
            let (inside, name) = journey::renamed(&self.inside, &stat.link_target);
            self.inside = inside;
            self.fetch(name, cx)
        })
    }

    /// Fetches what is at the path; `name` is what it shall be called instead of its own name.
    fn fetch(self, name: Option<String>, cx: &mut Cx<'_>) -> Outcome {
        call(cx, self.request("GET", &[], &self.inside)?, move |reply, cx| {
            let reply = reply.accepted()?;
            if self.outside == STREAM {
                cx.print(&reply.body);
                return Ok(Next::Exit(0));
            }
            let entries = archive::read(&reply.body).map_err(|why| Failure::new(why.to_string()))?;
            let is_directory = stat_of(&reply).is_some_and(|stat| stat.is_directory());
            let mut parcel = Parcel::of_archive(&self.inside, is_directory, entries);
            name.into_iter().for_each(|name| parcel.name = name);
            // Whoever copies owns what he gets.
            parcel.entries.iter_mut().for_each(|entry| (entry.uid, entry.gid) = (0, 0));
            let end = local_end(&self.outside, cx.place)?;
            let Journey { directory, parcel } = Journey::plan(parcel, &end)?;
            let (bytes, files) = (reply.body.len(), cx.place.files);
            if let Some((path, entry)) =
                parcel.collision(&directory, |path| files.lstat(path).ok().map(|s| s.is_directory()))
            {
                return Err(Failure::new(format!("cannot overwrite {path} with {entry}")));
            }
            let top = parcel.top_in(&directory);
            let unpacked = move |done: Result<(), netyard_sim::userland::Errno>, cx: &mut Cx<'_>| match done {
                Ok(()) => self.tell(bytes, &self.outside.clone(), cx),
                Err(errno) => Err(Failure::new(format!("write {top}: {}", errno.to_string().to_lowercase()))),
            };
            let unpacking = Unpacking { top: parcel.top_in(&directory), entries: parcel.entries };
            Ok(Next::Unpack(unpacking, Box::new(unpacked)))
        })
    }

    /// Into the container.
    fn into(mut self, cx: &mut Cx<'_>) -> Outcome {
        if self.outside != STREAM {
            self.outside = journey::kept_ending(&cx.place.absolute(&self.outside), &self.outside);
        }
        call(cx, self.request("HEAD", &[], &self.inside)?, move |reply, cx| {
            let stat = stat_of(&reply);
            let Some(link) = stat.as_ref().filter(|stat| stat.is_link()) else {
                let end = End::found(&self.inside, stat.as_ref());
                return self.send(end, stat.map(|stat| stat.mode), cx);
            };
            let target = link.link_target.clone();
            call(cx, self.request("HEAD", &[], &target)?, move |reply, cx| {
                let stat = stat_of(&reply);
                self.send(End::found(&target, stat.as_ref()), stat.map(|stat| stat.mode), cx)
            })
        })
    }

    /// Sends what is outside to this end.
    fn send(self, end: End, mode: Option<u32>, cx: &mut Cx<'_>) -> Outcome {
        let named = format!("destination \"{}:{}\"", self.container, self.inside);
        if let Some(Err(why)) = mode.map(check_kind) {
            return Err(Failure::new(format!("{named} must be a directory or a regular file: {why}")));
        }
        if self.outside == STREAM {
            if !end.is_directory {
                return Err(Failure::new(format!("{named} must be a directory")));
            }
            return Ok(Next::Input(Box::new(move |bytes, cx| self.put(&end.path, &end.path, bytes, cx))));
        }
        let parcel = self.pack(cx.place)?;
        let Journey { directory, parcel } = Journey::plan(parcel, &end)?;
        self.put(&directory, &end.path, archive::write(&parcel.name, &parcel.entries), cx)
    }

    fn put(self, directory: &str, said: &str, archive: Vec<u8>, cx: &mut Cx<'_>) -> Outcome {
        let yes = || Some("true".to_owned());
        let owner = self.keeps_owner.then(yes).flatten();
        let more = [("copyUIDGID", owner), ("noOverwriteDirNonDir", yes())];
        let bytes = archive.len();
        let headers = vec![("content-type".to_owned(), "application/x-tar".to_owned())];
        let request = Request { headers, body: archive, ..self.request("PUT", &more, directory)? };
        let destination = format!("{}:{said}", self.container);
        call(cx, request, move |reply, cx| {
            reply.accepted()?;
            self.tell(bytes, &destination, cx)
        })
    }

    /// What is at the path outside, ready to be sent.
    fn pack(&self, place: Place<'_>) -> Result<Parcel, Failure> {
        let files = place.files;
        let missing = |path: &str| Failure::new(format!("lstat {path}: no such file or directory"));
        let (directory, base) = self.outside.rsplit_once('/').unwrap_or(("", &self.outside));
        let directory = if directory.is_empty() { "/" } else { directory };
        let (path, name) = if self.follows {
            files.stat(&self.outside).map_err(|_| missing(self.outside.trim_end_matches('/')))?;
            journey::renamed(&self.outside, &files.resolve(&self.outside))
        } else {
            files.stat(directory).map_err(|_| missing(&first_missing(directory, place)))?;
            (format!("{}/{base}", files.resolve(directory)), None)
        };
        let stat: Stat = files.lstat(&normalise("/", &path)).map_err(|_| missing(&path))?;
        let entries = files.export(&normalise("/", &path)).map_err(|_| missing(&path))?;
        let mut parcel = Parcel { name: journey::split_entry(&path).1, is_directory: stat.is_directory(), entries };
        name.into_iter().for_each(|name| parcel.name = name);
        Ok(parcel)
    }
}

/// What the engine says of a path, when it is there.
fn stat_of(reply: &Reply) -> Option<PathStat> {
    reply.header(PATH_STAT).filter(|_| reply.status < 400).and_then(PathStat::decode)
}

/// The first directory on the way to `path` that is not there.
fn first_missing(path: &str, place: Place<'_>) -> String {
    let ends = path.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0).chain([path.len()]);
    let mut parts = ends.map(|at| &path[..at]);
    parts.find(|part| !place.files.exists(part)).unwrap_or(path).to_owned()
}

/// Refuses a path that nothing can be written to.
pub(super) fn check_output_path(path: &str, place: Place<'_>) -> Result<(), Failure> {
    let clean = place.absolute(path);
    let directory = journey::split_entry(&clean).0;
    if !place.files.exists(&directory) {
        return Err(Failure::new(format!("invalid output path: directory \"{directory}\" does not exist")));
    }
    let Ok(stat) = place.files.stat(&clean) else { return Ok(()) };
    let kind = archive::go_mode(stat.kind, stat.mode);
    match check_kind(kind) {
        Ok(()) => Ok(()),
        Err(why) => {
            Err(Failure::new(format!("invalid output path: \"{path}\" must be a directory or a regular file: {why}")))
        }
    }
}

/// An end in the client's own filesystem, links followed.
fn local_end(path: &str, place: Place<'_>) -> Result<End, Failure> {
    let files = place.files;
    let clean = normalise("/", path);
    match files.stat(&clean) {
        Ok(stat) => {
            let path =
                if files.lstat(&clean).is_ok_and(|own| own == stat) { path.to_owned() } else { files.resolve(&clean) };
            Ok(End { path, exists: true, is_directory: stat.is_directory() })
        }
        Err(_) => {
            let (parent, _) = journey::split_entry(path);
            if !files.is_directory(&parent) {
                return Err(Failure::new("not a directory"));
            }
            Ok(End { path: path.to_owned(), exists: false, is_directory: false })
        }
    }
}

#[cfg(test)]
mod tests {
    use netyard_sim::userland::files::{Body, Kind, Stamp};

    use super::*;
    use crate::archive::go_mode;
    use crate::cli::play::Play;

    fn stat(kind: Kind) -> (&'static str, String) {
        let (name, mtime, link_target) = ("x".to_owned(), "2026-01-01T00:00:00Z".to_owned(), String::new());
        (PATH_STAT, PathStat { name, size: 2, mode: go_mode(kind, 0o644), mtime, link_target }.encoded())
    }

    fn packed(name: &str, text: &str) -> Vec<u8> {
        let (mtime, body) = (Stamp::from_seconds(0), Body::File(text.as_bytes().to_vec()));
        let entry =
            netyard_sim::userland::files::Entry { path: String::new(), mode: 0o644, uid: 7, gid: 7, mtime, body };
        archive::write(name, &[entry])
    }

    #[test]
    fn a_file_comes_out_of_a_container() {
        let mut play = Play::new("docker cp c1:/etc/motd here");
        assert_eq!(play.requests(), ["GET /v1.41/containers/c1/archive?path=%2Fetc%2Fmotd"]);
        play.answer_with(0, stat(Kind::File), &packed("motd", "hi"));
        assert_eq!((play.file("/root/here").as_str(), play.exit()), ("hi", Some(0)));
        assert_eq!(play.stderr(), "Successfully copied 2.05kB to /root/here\n");
    }

    #[test]
    fn a_file_goes_into_a_container() {
        let mut play = Play::with_files("docker cp -q motd c1:/tmp", &[("/root/motd", "hi")]);
        assert_eq!(play.requests(), ["HEAD /v1.41/containers/c1/archive?path=%2Ftmp"]);
        play.answer_with(0, stat(Kind::Directory), b"");
        let expected = "PUT /v1.41/containers/c1/archive?noOverwriteDirNonDir=true&path=%2Ftmp";
        assert_eq!(play.requests()[1], expected);
        play.answer(1, 200, "");
        assert_eq!((play.stderr(), play.exit()), ("", Some(0)));
    }

    #[test]
    fn what_makes_no_sense_is_refused_before_anybody_is_asked() {
        for (line, expected) in [
            ("docker cp a b", "must specify at least one container source"),
            ("docker cp : :", "must specify at least one container source"),
            ("docker cp a:b c:d", "copying between containers is not supported"),
            ("docker cp '' c:d", "source can not be empty"),
            ("docker cp c1:/x /nosuch/dir/", "invalid output path: directory \"/nosuch\" does not exist"),
        ] {
            let play = Play::new(line);
            assert_eq!((play.stderr(), play.exit()), (format!("{expected}\n").as_str(), Some(1)), "{line}");
            assert!(play.requests().is_empty(), "{line}");
        }
    }
}
