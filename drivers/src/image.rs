//! Images: which there are, and which names an engine has for them. There is no registry: what can be pulled is what is
//! written here, and what an image's programs are is the userland's business.

pub mod hello;
pub mod reference;
mod store;

use netyard_sim::rng::Seed;

use crate::id::Id;
pub use reference::{Reference, ReferenceError};
pub use store::Images;

/// An image of the catalogue: every engine begins with it and can pull it again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Image {
    /// Its repository as people say it.
    pub name: &'static str,
    /// What runs before the command, whatever that is.
    pub entrypoint: &'static [&'static str],
    /// What runs when no command is given.
    pub command: &'static [&'static str],
    /// Its environment, `NAME=value`.
    pub env: &'static [&'static str],
    /// Ports that it exposes, as `80/tcp`.
    pub exposed: &'static [&'static str],
    /// Text files that it brings, beside those that every image has.
    pub files: &'static [(&'static str, &'static str)],
    /// Its size in bytes, for lists.
    pub size: u64,
}

const SHELL: &[&str] = &["sh"];
const BASH: &[&str] = &["bash"];
const BUSYBOX_HTTPD: &[&str] = &["httpd", "-f", "-v", "-p", "80", "-h", "/www"];

/// What the oracle's busybox has for its web server.
const BUSYBOX_PAGES: &[(&str, &str)] = &[("/www/index.html", "<html><body><h1>It works!</h1></body></html>\n")];

/// An image that says nothing of itself.
const PLAIN: Image =
    Image { name: "", entrypoint: &[], command: SHELL, env: &[], exposed: &[], files: &[], size: 1_984_162 };

/// All images, by name.
pub const IMAGES: [Image; 11] = [
    Image { name: "alpine", size: 7_797_760, ..PLAIN },
    Image { name: "bash", entrypoint: &[], command: BASH, size: 14_600_000, ..PLAIN },
    Image { name: "busybox", files: BUSYBOX_PAGES, ..PLAIN },
    Image { name: "debian", command: BASH, size: 116_531_713, ..PLAIN },
    Image {
        name: "fussybeaver/uhttpd",
        command: BUSYBOX_HTTPD,
        exposed: &["80/tcp"],
        files: BUSYBOX_PAGES,
        size: 1_990_000,
        ..PLAIN
    },
    Image { name: "hello-world", command: &["/hello"], files: hello::FILES, size: 13_256, ..PLAIN },
    Image { name: "httpd", command: &["httpd-foreground"], exposed: &["80/tcp"], size: 148_300_000, ..PLAIN },
    Image {
        name: "multi",
        command: BUSYBOX_HTTPD,
        exposed: &["80/tcp", "443/tcp", "53/udp"],
        files: BUSYBOX_PAGES,
        ..PLAIN
    },
    Image { name: "nginx", command: &["nginx", "-g", "daemon off;"], exposed: &["80/tcp"], size: 192_000_000, ..PLAIN },
    Image { name: "ubuntu", command: BASH, size: 78_100_000, ..PLAIN },
    Image { name: "web", command: BUSYBOX_HTTPD, exposed: &["80/tcp"], files: BUSYBOX_PAGES, ..PLAIN },
];

impl Image {
    /// The image of the catalogue that a name means, whatever its tag. Docker's own registry has it, and so has one on
    /// the machine.
    #[must_use]
    pub fn known(name: &Reference) -> Option<&'static Self> {
        let path = name.path();
        let path = path.strip_prefix("library/").unwrap_or(path);
        IMAGES.iter().find(|image| image.name == path).filter(|_| name.is_near())
    }

    /// The digits of its id. An image is the same in every world.
    #[must_use]
    pub fn id(&self) -> Id {
        Id::random(&mut Seed(0).stream(&format!("image/{}", self.name)))
    }

    /// Its id as the engine writes it.
    #[must_use]
    pub fn digest(&self) -> String {
        format!("sha256:{}", self.id())
    }
}
