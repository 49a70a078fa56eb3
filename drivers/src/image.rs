//! Images: names with a default command and exposed ports. There is no registry and nothing to pull; what an image's
//! programs are is the userland's business.

use netyard_sim::rng::Seed;

use crate::id::Id;

/// An image that every engine has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Image {
    /// Its name without tag; the only tag is `latest`.
    pub name: &'static str,
    /// What runs when no command is given.
    pub command: &'static [&'static str],
    /// Ports that it exposes, as `80/tcp`.
    pub exposed: &'static [&'static str],
    /// Text files that it brings, beside those that every image has.
    pub files: &'static [(&'static str, &'static str)],
    /// Its size in bytes, for lists.
    pub size: u64,
}

const SHELL: &[&str] = &["sh"];
const BUSYBOX_HTTPD: &[&str] = &["httpd", "-f", "-v", "-p", "80", "-h", "/www"];

/// What the oracle's busybox has for its web server.
const BUSYBOX_PAGES: &[(&str, &str)] = &[("/www/index.html", "<html><body><h1>It works!</h1></body></html>\n")];

/// All images, by name.
pub const IMAGES: [Image; 8] = [
    Image { name: "alpine", command: SHELL, exposed: &[], files: &[], size: 7_797_760 },
    Image { name: "busybox", command: SHELL, exposed: &[], files: BUSYBOX_PAGES, size: 1_984_162 },
    Image { name: "debian", command: SHELL, exposed: &[], files: &[], size: 116_531_713 },
    Image { name: "httpd", command: &["httpd-foreground"], exposed: &["80/tcp"], files: &[], size: 148_300_000 },
    Image {
        name: "multi",
        command: BUSYBOX_HTTPD,
        exposed: &["80/tcp", "443/tcp", "53/udp"],
        files: BUSYBOX_PAGES,
        size: 1_984_162,
    },
    Image {
        name: "nginx",
        command: &["nginx", "-g", "daemon off;"],
        exposed: &["80/tcp"],
        files: &[],
        size: 192_000_000,
    },
    Image { name: "ubuntu", command: SHELL, exposed: &[], files: &[], size: 78_100_000 },
    Image { name: "web", command: BUSYBOX_HTTPD, exposed: &["80/tcp"], files: BUSYBOX_PAGES, size: 1_984_162 },
];

impl Image {
    /// The image that a reference means: `busybox`, `busybox:latest`, `library/busybox`, or the beginning of its id.
    #[must_use]
    pub fn find(reference: &str) -> Option<&'static Self> {
        let plain = reference.strip_prefix("docker.io/").unwrap_or(reference);
        let plain = plain.strip_prefix("library/").unwrap_or(plain);
        let name = plain.strip_suffix(":latest").unwrap_or(plain);
        let digest = reference.strip_prefix("sha256:").unwrap_or(reference);
        IMAGES.iter().find(|image| image.name == name).or_else(|| IMAGES.iter().find(|i| i.id().begins_with(digest)))
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

    /// Its name with the tag.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("{}:latest", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_found_by_name_tag_and_id() {
        let busybox = Image::find("busybox").unwrap();
        assert_eq!(busybox.command, ["sh"]);
        for reference in
            ["busybox:latest", "docker.io/library/busybox:latest", &busybox.digest(), &busybox.id().short()]
        {
            assert_eq!(Image::find(reference), Some(busybox), "{reference}");
        }
        for unknown in ["nosuchimage", "busybox:9", "", "sha256:"] {
            assert_eq!(Image::find(unknown), None, "{unknown}");
        }
    }
}
