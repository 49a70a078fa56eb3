//! `netyard capture`: what passes the devices of a place of a live engine, as `tcpdump` shows it, until ^C.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::guest::{self, Trouble};
use crate::exit::Exit;
use crate::live::door::CAPTURE;

/// What tcpdump says when it has begun.
const BEGUN: &str = "listening on ";

/// Show what passes the devices of a container, a host or a namespace of a live engine, as tcpdump shows it, until ^C
#[derive(Args, Debug)]
pub struct Arguments {
    /// The engine's Unix socket [default: that of DOCKER_HOST, else of this user's engine]
    #[arg(long, env = "NETYARD_CAPTURE_SOCKET", value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The container, host or namespace
    place: String,
    /// Options and expression of tcpdump: -n, -c 10, -i eth0, tcp port 80
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "WORD")]
    words: Vec<String>,
}

/// Shows what `arguments` mean.
///
/// # Errors
/// When nobody can be shown anything.
pub fn run(arguments: &Arguments, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    match begin(arguments) {
        Ok(stream) => show(stream, out, err),
        Err(trouble) => guest::tell(&trouble, err),
    }
}

fn begin(arguments: &Arguments) -> Result<UnixStream, Trouble> {
    let words: Vec<&String> = core::iter::once(&arguments.place).chain(&arguments.words).collect();
    let opened = guest::engine(arguments.socket.as_deref())?.open_with(CAPTURE, &json!(words).to_string())?;
    Ok(opened.map_err(|refusal| refusal.message())?)
}

/// Passes on what is shown. What ends before it has begun says why.
fn show(mut stream: UnixStream, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let (mut buffer, mut shown, mut has_begun) = ([0; 4096], String::new(), false);
    loop {
        let len = stream.read(&mut buffer)?;
        if len == 0 {
            write!(err, "{shown}")?;
            return Ok(if has_begun { Exit::Pass } else { Exit::Failed });
        }
        if !has_begun {
            shown.push_str(&String::from_utf8_lossy(&buffer[..len]));
            has_begun = shown.contains(BEGUN);
            if has_begun {
                out.write_all(std::mem::take(&mut shown).as_bytes())?;
            }
        } else {
            out.write_all(&buffer[..len])?;
        }
        out.flush()?;
    }
}
