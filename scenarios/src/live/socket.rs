//! The Unix socket of a live engine: where it is, who may use it, and that there is one engine behind it. A socket that
//! a killed engine left behind is replaced.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The name of the socket.
const NAME: &str = "docker.sock";

/// A socket that is bound. It is removed when this is dropped, unless somebody else's is there by then.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    inode: (u64, u64),
    listener: Option<UnixListener>,
}

/// Where the socket of this user is when no other place is asked for: in the runtime directory of the session, or else in
/// a directory of the user's own for temporary files.
#[must_use]
pub fn default_path() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let own = || std::env::temp_dir().join(format!("netyard-{}", rustix::process::geteuid().as_raw()));
    runtime.map_or_else(own, |runtime| runtime.join("netyard")).join(NAME)
}

impl Socket {
    /// Binds a socket for this user alone. Directories that are missing are made, for this user alone as well.
    ///
    /// # Errors
    /// In words, when the place is not ours, another engine is there already, or the system refuses.
    pub fn bind(path: &Path) -> Result<Self, String> {
        let directory = match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => return Err(format!("{} is not a place for a socket", path.display())),
        };
        let wrong = |error: io::Error| format!("cannot listen on {}: {error}", path.display());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(wrong)?;
        if path == default_path() {
            check_is_ours(directory)?;
        }
        // Two engines that start at the same time look and bind one after the other.
        let turn = File::open(directory).map_err(wrong)?;
        turn.lock().map_err(wrong)?;
        make_room(path)?;
        let listener = bind_for_owner(path, directory).map_err(wrong)?;
        let metadata = fs::symlink_metadata(path).map_err(wrong)?;
        Ok(Self { path: path.to_owned(), inode: (metadata.dev(), metadata.ino()), listener: Some(listener) })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The listener, once.
    pub const fn take_listener(&mut self) -> Option<UnixListener> {
        self.listener.take()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let is_ours = |metadata: fs::Metadata| (metadata.dev(), metadata.ino()) == self.inode;
        if fs::symlink_metadata(&self.path).is_ok_and(is_ours) {
            drop(fs::remove_file(&self.path));
        }
    }
}

/// A directory that everybody could have made first must be ours, and ours alone.
fn check_is_ours(directory: &Path) -> Result<(), String> {
    let metadata = fs::symlink_metadata(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    if metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(format!("{} is open to others than this user: choose another place with --socket", directory.display()))
}

/// Removes the socket of an engine that is no more.
fn make_room(path: &Path) -> Result<(), String> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if !std::os::unix::fs::FileTypeExt::is_socket(&metadata.file_type()) {
        return Err(format!("{} is there already and is not a socket", path.display()));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| format!("cannot remove the old {}: {error}", path.display()))
        }
        Ok(_) => Err(format!("an engine is listening on {} already", path.display())),
        Err(error) => Err(format!("{} is in use: {error}", path.display())),
    }
}

/// Binds in a directory that nobody else can enter, for a socket is open to others until its mode is set.
fn bind_for_owner(path: &Path, directory: &Path) -> io::Result<UnixListener> {
    let closet = directory.join(format!(".netyard-{}", std::process::id()));
    fs::DirBuilder::new().mode(0o700).create(&closet)?;
    let inside = closet.join(NAME);
    let bound = UnixListener::bind(&inside).and_then(|listener| {
        fs::set_permissions(&inside, Permissions::from_mode(0o600))?;
        fs::rename(&inside, path)?;
        Ok(listener)
    });
    drop(fs::remove_file(&inside));
    drop(fs::remove_dir(&closet));
    bound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("netyard-test-{}-{name}", std::process::id()));
        fs::create_dir_all(&directory).expect("the directory for temporary files is ours");
        directory
    }

    #[test]
    fn a_socket_is_for_its_user_alone_and_goes_with_its_engine() {
        let place = directory("own");
        let path = place.join("new/engine.sock");
        let socket = Socket::bind(&path).expect("there is room");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        drop(socket);
        assert!(!path.exists());
        fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let place = directory("stale");
        let path = place.join("engine.sock");
        drop(UnixListener::bind(&path).unwrap());
        let socket = Socket::bind(&path).expect("nobody listens");
        let refusal = Socket::bind(&path).unwrap_err();
        assert_eq!(refusal, format!("an engine is listening on {} already", path.display()));
        drop(socket);
        fs::write(&path, "precious").unwrap();
        assert!(Socket::bind(&path).unwrap_err().ends_with("is not a socket"));
        fs::remove_dir_all(place).unwrap();
    }
}
