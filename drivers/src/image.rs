//! Images: which there are, and which names an engine has for them. There is no registry: what can be pulled is what is
//! written here, and what an image's programs are is the userland's business. An image of one's own is made of a
//! container.

pub mod hello;
pub mod reference;
mod store;

use std::collections::BTreeMap;
use std::rc::Rc;

use netyard_sim::rng::Seed;
use netyard_sim::time::Instant;
use netyard_sim::userland::Files;

use crate::id::Id;
pub use reference::{Reference, ReferenceError};
pub use store::Images;

/// An image that an engine holds.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its id.
    pub id: Id,
    /// What a container of it is when nothing else is asked for.
    pub config: ImageConfig,
    /// The files that it brings.
    pub content: Content,
    /// Its size in bytes, for lists.
    pub size: u64,
    /// Who made it.
    pub author: String,
    /// How it came to be, the latest first.
    pub layers: Vec<Layer>,
}

/// What a container of an image is when nothing else is asked for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ImageConfig {
    /// What runs before the command, whatever that is.
    pub entrypoint: Vec<String>,
    /// What runs when no command is given.
    pub command: Vec<String>,
    /// Its environment, `NAME=value`.
    pub env: Vec<String>,
    /// Ports that it exposes, as `80/tcp`.
    pub exposed: Vec<String>,
    /// Labels of its containers.
    pub labels: BTreeMap<String, String>,
    /// Whose processes they are.
    pub user: String,
    /// Where they begin.
    pub working_dir: String,
}

/// The files of an image.
#[derive(Clone, Debug)]
pub enum Content {
    /// Text files beside those that every image has.
    Texts(&'static [(&'static str, &'static str)]),
    /// All files, as a container had them.
    Snapshot(Box<Files>),
}

/// One step in an image's history.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Layer {
    /// The image that it ended in.
    pub image: Id,
    /// When.
    pub created: Instant,
    /// By which command.
    pub created_by: String,
    /// What was said of it.
    pub comment: String,
    /// What it added, in bytes.
    pub size: u64,
    /// Whether it changed how the image is used and no file.
    pub is_empty: bool,
}

/// An image of the catalogue: every engine begins with it and can pull it again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Known {
    /// Its repository as people say it.
    pub name: &'static str,
    entrypoint: &'static [&'static str],
    command: &'static [&'static str],
    env: &'static [&'static str],
    exposed: &'static [&'static str],
    files: &'static [(&'static str, &'static str)],
    size: u64,
}

const SHELL: &[&str] = &["sh"];
const BASH: &[&str] = &["bash"];
const BUSYBOX_HTTPD: &[&str] = &["httpd", "-f", "-v", "-p", "80", "-h", "/www"];
const UHTTPD: &[&str] = &["/usr/sbin/run_uhttpd", "-f", "-p", "80", "-h", "/www"];

/// What the oracle's busybox has for its web server.
const BUSYBOX_PAGES: &[(&str, &str)] = &[("/www/index.html", "<html><body><h1>It works!</h1></body></html>\n")];

/// The image of uhttpd starts its server by a script.
const UHTTPD_FILES: &[(&str, &str)] = &[
    BUSYBOX_PAGES[0],
    ("/etc/config/uhttpd", "\nconfig uhttpd main\n\n\tlist listen_http\t0.0.0.0:80\n\toption home\t\t/www\n"),
    ("/usr/sbin/run_uhttpd", "#!/bin/sh\nexec httpd \"$@\"\n"),
];

/// An image that says nothing of itself.
const PLAIN: Known =
    Known { name: "", entrypoint: &[], command: SHELL, env: &[], exposed: &[], files: &[], size: 1_984_162 };

/// The catalogue, by name.
const CATALOGUE: [Known; 11] = [
    Known { name: "alpine", size: 7_797_760, ..PLAIN },
    Known { name: "bash", entrypoint: &[], command: BASH, size: 14_600_000, ..PLAIN },
    Known { name: "busybox", files: BUSYBOX_PAGES, ..PLAIN },
    Known { name: "debian", command: BASH, size: 116_531_713, ..PLAIN },
    Known {
        name: "fussybeaver/uhttpd",
        command: UHTTPD,
        exposed: &["80/tcp"],
        files: UHTTPD_FILES,
        size: 1_990_000,
        ..PLAIN
    },
    Known { name: "hello-world", command: &["/hello"], files: hello::FILES, size: 13_256, ..PLAIN },
    Known { name: "httpd", command: &["httpd-foreground"], exposed: &["80/tcp"], size: 148_300_000, ..PLAIN },
    Known {
        name: "multi",
        command: BUSYBOX_HTTPD,
        exposed: &["80/tcp", "443/tcp", "53/udp"],
        files: BUSYBOX_PAGES,
        ..PLAIN
    },
    Known { name: "nginx", command: &["nginx", "-g", "daemon off;"], exposed: &["80/tcp"], size: 192_000_000, ..PLAIN },
    Known { name: "ubuntu", command: BASH, size: 78_100_000, ..PLAIN },
    Known { name: "web", command: BUSYBOX_HTTPD, exposed: &["80/tcp"], files: BUSYBOX_PAGES, ..PLAIN },
];

impl Known {
    /// The image of the catalogue that a name means, whatever its tag. Docker's own registry has it, and so has one on
    /// the machine.
    #[must_use]
    pub fn named(name: &Reference) -> Option<&'static Self> {
        let path = name.path();
        let path = path.strip_prefix("library/").unwrap_or(path);
        CATALOGUE.iter().find(|known| known.name == path).filter(|_| name.is_near())
    }

    /// Its id: it is the same in every world.
    #[must_use]
    pub fn id(&self) -> Id {
        Id::random(&mut Seed(0).stream(&format!("image/{}", self.name)))
    }

    /// The image.
    #[must_use]
    pub fn image(&self) -> Rc<Image> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let (id, size) = (self.id(), self.size);
        let comment = "Imported from -".to_owned();
        let config = ImageConfig {
            entrypoint: words(self.entrypoint),
            command: words(self.command),
            env: words(self.env),
            exposed: words(self.exposed),
            ..ImageConfig::default()
        };
        let layer =
            Layer { image: id, created: Instant::ZERO, created_by: String::new(), comment, size, is_empty: false };
        let content = Content::Texts(self.files);
        Rc::new(Image { id, config, content, size, author: String::new(), layers: vec![layer] })
    }
}

impl Image {
    /// Its id as the engine writes it.
    #[must_use]
    pub fn digest(&self) -> String {
        format!("sha256:{}", self.id)
    }

    /// The step that made it what it is.
    #[must_use]
    pub fn latest(&self) -> &Layer {
        self.layers.first().expect("every image was made somehow")
    }

    /// The image that it was made of.
    #[must_use]
    pub fn parent(&self) -> Option<Id> {
        self.layers.get(1).map(|layer| layer.image)
    }
}
