//! The web servers of images: busybox `httpd`, `nginx` and Apache's `httpd-foreground`. Each serves the files of its
//! place; none reads a configuration file.

mod busybox;
mod large;
mod nginx;

use std::borrow::Cow;

use super::files::View;
use super::http::server::{Server, Software};
use super::{Errno, Flavour, Program, Programs, Signal, Step, Sys};

/// Adds the servers.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Busybox, "httpd", || Box::new(busybox::Httpd::default()));
    programs.add(Flavour::Busybox, "nginx", || Box::new(large::nginx()));
    programs.add(Flavour::Busybox, "httpd-foreground", || Box::new(large::apache()));
}

/// A server that listens, with its software.
#[derive(Clone)]
struct Foreground<S> {
    server: Server,
    software: S,
}

impl<S: Software + Clone> Program for Foreground<S> {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        self.server.step(sys, &mut self.software);
        Step::Wait(None)
    }

    fn signal(&mut self, _sys: &mut Sys<'_>, _signal: Signal) -> bool {
        false
    }
}

/// The file that a request means under a directory: a directory stands for its `index.html`. A path cannot climb out.
///
/// # Errors
/// `NoEntry`.
fn file<'a>(files: &View<'a>, root: &str, target: &str) -> Result<(String, Cow<'a, [u8]>), Errno> {
    let path = target.split('?').next().unwrap_or_default();
    let inside = super::files::normalise("/", path);
    let mut full = super::files::normalise("/", &format!("{root}/{inside}"));
    if files.is_directory(&full) {
        full.push_str("/index.html");
    }
    let bytes = files.read(&full)?;
    Ok((full, bytes))
}

/// The media type of a file by its name.
fn media_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.')?;
    Some(match extension {
        "htm" | "html" => "text/html",
        "css" => "text/css",
        "js" => "application/javascript",
        "json" => "application/json",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "txt" => "text/plain",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::Files;

    #[test]
    fn no_path_climbs_out_of_the_directory() {
        let mut files = Files::default();
        files.make_directory("/www");
        files.make_directory("/etc");
        files.write("/www/index.html", "It works!").unwrap();
        files.write("/etc/passwd", "root").unwrap();
        let read = |target| file(&files.view(), "/www", target).map(|(path, _)| path);
        assert_eq!(read("/"), Ok("/www/index.html".to_owned()));
        assert_eq!(read("/index.html?x=1"), Ok("/www/index.html".to_owned()));
        assert_eq!(read("/../etc/passwd"), Err(Errno::NoEntry));
    }
}
