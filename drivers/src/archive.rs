//! Files on their way between a container and a client: tar archives as lists of entries and back, and what is said of
//! a path. Whose files they are is not known here.

mod stat;

use std::borrow::Cow;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use netyard_sim::userland::files::{Body, Entry, Stamp};
use tar::{Archive, Builder, EntryType, Header};

use crate::error::Error;
pub(crate) use stat::{PATH_STAT, PathStat, check_kind, go_mode};

/// The most that an archive unpacks to.
const BYTES_MAX: u64 = 256 << 20;

/// An archive of these entries, the first of which is called `top`; with an empty one it is left out, and the others have
/// their own names. Of the root all names are relative, for every `tar` takes the slash away that Docker puts before them.
pub(crate) fn write(top: &str, entries: &[Entry]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    let named = |path: &str| match (top, path) {
        ("/", "") => ".".to_owned(),
        ("" | "/", path) => path.to_owned(),
        (top, "") => top.to_owned(),
        (top, path) => format!("{top}/{path}"),
    };
    for entry in entries.iter().filter(|entry| !named(&entry.path).is_empty()) {
        let name = named(&entry.path);
        let mut header = Header::new_ustar();
        let owner = |id: u32| if id == 0 { "root" } else { "" };
        header.set_uid(entry.uid.into());
        header.set_gid(entry.gid.into());
        header.set_mtime(u64::try_from(entry.mtime.seconds()).unwrap_or_default());
        let owned = header.set_username(owner(entry.uid)).and_then(|()| header.set_groupname(owner(entry.gid)));
        let numbered = header.set_device_major(0).and_then(|()| header.set_device_minor(0));
        owned.and(numbered).expect("a header of this form has these fields");
        let mut mode = entry.mode;
        let mut name = name;
        let written = match &entry.body {
            Body::Directory => {
                header.set_entry_type(EntryType::Directory);
                mode |= 0o040_000;
                name.push('/');
                header.set_mode(mode);
                header.set_size(0);
                builder.append_data(&mut header, name, [].as_slice())
            }
            Body::File(bytes) => {
                header.set_entry_type(EntryType::Regular);
                header.set_mode(mode | 0o100_000);
                header.set_size(bytes.len() as u64);
                builder.append_data(&mut header, name, bytes.as_slice())
            }
            Body::Link(target) => {
                header.set_entry_type(EntryType::Symlink);
                header.set_mode(mode | 0o120_000);
                header.set_size(0);
                builder.append_link(&mut header, name, target)
            }
            Body::HardLink(other) => {
                header.set_entry_type(EntryType::Link);
                header.set_mode(mode | 0o100_000);
                header.set_size(0);
                builder.append_link(&mut header, name, named(other))
            }
            // Nobody copies a device or a pipe out of here and has use for it.
            Body::Device(_) | Body::Fifo => Ok(()),
        };
        written.expect("memory takes what is written, and our paths can be written");
    }
    builder.into_inner().expect("memory takes what is written")
}

/// How the bytes of a compressed file begin.
const GZIP: &[u8] = b"\x1f\x8b";
const OTHERS: [&[u8]; 3] = [b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"];
/// The least that an archive is: one block.
const BLOCK: usize = 512;

/// The bytes that gzip has compressed, or these bytes when it has not.
///
/// # Errors
/// Too many, damaged ones, or those of another program.
fn unpack(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    if OTHERS.iter().any(|magic| bytes.starts_with(magic)) {
        return Err(Error::Unsupported("unpack what bzip2, xz or zstd has packed, but gzip's archives"));
    }
    if !bytes.starts_with(GZIP) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut plain = Vec::new();
    let read = MultiGzDecoder::new(bytes).take(BYTES_MAX + 1).read_to_end(&mut plain);
    read.map_err(|_| Error::ArchiveUnreadable("unexpected EOF".to_owned()))?;
    if plain.len() as u64 > BYTES_MAX { Err(too_large()) } else { Ok(Cow::Owned(plain)) }
}

fn too_large() -> Error {
    Error::ArchiveUnreadable("the archive is too large".to_owned())
}

/// The entries of an archive, which gzip may have compressed. What only a real filesystem has, a device or a pipe, is
/// left out.
///
/// # Errors
/// Bytes that are no archive, or one that is too large.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Entry>, Error> {
    let bytes = &*unpack(bytes)?;
    if !bytes.is_empty() && bytes.len() < BLOCK {
        return Err(Error::ArchiveUnreadable("unexpected EOF".to_owned()));
    }
    let refuse = |error: std::io::Error| Error::ArchiveUnreadable(error.to_string());
    let mut archive = Archive::new(bytes);
    let (mut entries, mut total) = (Vec::new(), 0_u64);
    for entry in archive.entries().map_err(refuse)? {
        let mut entry = entry.map_err(refuse)?;
        let header = entry.header();
        total = total.saturating_add(header.size().map_err(refuse)?);
        if total > BYTES_MAX {
            return Err(too_large());
        }
        let number = |id: std::io::Result<u64>| u32::try_from(id.unwrap_or_default()).unwrap_or_default();
        let (mode, uid, gid) = (header.mode().unwrap_or_default() & 0o7777, number(header.uid()), number(header.gid()));
        let mtime = i64::try_from(header.mtime().unwrap_or_default()).unwrap_or_default();
        let path = text(&entry.path_bytes());
        let kind = header.entry_type();
        let link = entry.link_name_bytes().map(|bytes| text(&bytes)).unwrap_or_default();
        let body = match kind {
            EntryType::Directory => Body::Directory,
            EntryType::Symlink => Body::Link(link),
            EntryType::Link => Body::HardLink(inside(&link)),
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).map_err(refuse)?;
                Body::File(content)
            }
            _ => continue,
        };
        entries.push(Entry { path: inside(&path), mode, uid, gid, mtime: Stamp::from_seconds(mtime), body });
    }
    Ok(entries)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A path without what leads out of the archive.
fn inside(path: &str) -> String {
    netyard_sim::userland::files::normalise("/", path).trim_start_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, body: Body) -> Entry {
        Entry { path: path.to_owned(), mode: 0o644, uid: 0, gid: 0, mtime: Stamp::from_seconds(5), body }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let long = "x".repeat(120);
        let entries = [
            entry("", Body::Directory),
            entry("a", Body::File(b"one\n".to_vec())),
            entry("l", Body::Link("a".to_owned())),
            entry(&long, Body::File(Vec::new())),
        ];
        let read = read(&write("top", &entries)).expect("an archive");
        let paths: Vec<&str> = read.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(paths, ["top", "top/a", "top/l", &format!("top/{long}")]);
        assert_eq!((&read[1].body, &read[2].body), (&entries[1].body, &entries[2].body));
        assert_eq!(read[1].mtime, Stamp::from_seconds(5));
    }

    #[test]
    fn what_gzip_has_packed_is_unpacked() {
        let plain = write("", &[entry("a", Body::File(b"one\n".to_vec()))]);
        let mut packed = Vec::new();
        flate2::read::GzEncoder::new(plain.as_slice(), flate2::Compression::fast())
            .read_to_end(&mut packed)
            .expect("memory");
        assert_eq!(read(&packed).expect("an archive"), read(&plain).expect("an archive"));
    }

    #[test]
    fn without_a_top_every_entry_has_its_own_name() {
        let entries =
            [entry("", Body::Directory), entry("bin", Body::Directory), entry("bin/a", Body::HardLink("b".to_owned()))];
        let read = read(&write("", &entries)).expect("an archive");
        let paths: Vec<&str> = read.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!((paths.as_slice(), &read[1].body), (["bin", "bin/a"].as_slice(), &entries[2].body));
    }

    #[test]
    fn the_root_can_be_written_too() {
        let entries = [entry("", Body::Directory), entry("etc", Body::Directory)];
        let names: Vec<String> = read(&write("/", &entries)).unwrap().into_iter().map(|entry| entry.path).collect();
        assert_eq!(names, ["", "etc"]);
    }

    #[test]
    fn what_is_no_archive_is_refused_and_nothing_leads_out() {
        assert!(read(&[1; 700]).is_err());
        let said = |bytes: &[u8]| read(bytes).expect_err("no archive").to_string();
        assert_eq!(said(b"banana\n"), "Error processing tar file(exit status 1): unexpected EOF");
        assert_eq!(said(b"\x1f\x8b\x08"), "Error processing tar file(exit status 1): unexpected EOF");
        assert!(said(b"BZh91AY").starts_with("netyard simulates networks: it does not unpack"), "bzip2");
        assert_eq!(inside("../../etc/passwd"), "etc/passwd");
        assert!(read(&[0; 1024]).expect("an empty archive").is_empty());
    }
}
