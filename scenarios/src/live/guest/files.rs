//! `/etc/hosts` and `/etc/resolv.conf` as a namespace of mounts shows them: files of its own in memory, mounted over those
//! of the machine, which nobody else sees.

use std::fs;
use std::io;
use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// The files that are replaced.
const PATHS: [&str; 2] = ["/etc/hosts", "/etc/resolv.conf"];
/// Where they are made, out of sight of all others.
const WORKSHOP: &str = "/tmp";

/// Puts files of these texts in the place of `/etc/hosts` and `/etc/resolv.conf`.
///
/// # Errors
/// What the system says, and of which file.
pub fn mount_over(hosts: &str, resolv: &str) -> io::Result<()> {
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(Some("netyard"), WORKSHOP, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=755"))?;
    let done = PATHS.iter().zip([hosts, resolv]).try_for_each(|(path, text)| {
        let name = Path::new(path).file_name().expect("the paths name files");
        let made = Path::new(WORKSHOP).join(name);
        fs::write(&made, text)
            .and_then(|()| Ok(mount(Some(&made), *path, none, MsFlags::MS_BIND, none)?))
            .map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
    });
    umount2(WORKSHOP, MntFlags::MNT_DETACH)?;
    done
}

/// Writes the files anew.
///
/// # Errors
/// What the system says.
pub fn rewrite(hosts: &str, resolv: &str) -> io::Result<()> {
    PATHS.iter().zip([hosts, resolv]).try_for_each(|(path, text)| fs::write(path, text))
}
