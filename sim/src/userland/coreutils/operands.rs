//! What the programs about files share: their command lines, doing something for each operand, and how each system words
//! what went wrong.

use crate::userland::options::{Options, Order, usage};
use crate::userland::{Errno, Flavour, Sys};

/// The options and at least `least` operands, or the exit code after having said what is wrong.
pub(super) fn operands(
    sys: &mut Sys<'_>,
    name: &str,
    spec: &str,
    synopsis: &str,
    least: usize,
) -> Result<Options, i32> {
    let flavour = sys.flavour();
    let options = Options::parse(sys.argv(), spec, Order::Anywhere).map_err(|error| {
        sys.eprint(error.text(name, synopsis, flavour));
        1
    })?;
    if options.operands.len() < least {
        sys.eprint(missing(name, &options.operands, synopsis, flavour));
        return Err(1);
    }
    Ok(options)
}

fn missing(name: &str, given: &[String], synopsis: &str, flavour: Flavour) -> String {
    let said = match (flavour, given, name) {
        (Flavour::Busybox, ..) => String::new(),
        (Flavour::Host, [only], "cp" | "mv") => format!("{name}: missing destination file operand after '{only}'\n"),
        (Flavour::Host, [only], _) => format!("{name}: missing operand after '{only}'\n"),
        (Flavour::Host, _, "touch" | "cp" | "mv" | "ln") => format!("{name}: missing file operand\n"),
        (Flavour::Host, ..) => format!("{name}: missing operand\n"),
    };
    said + &usage(name, synopsis, flavour)
}

/// Does `act` for every operand; what it gives back is printed as an error.
pub(super) fn each(
    sys: &mut Sys<'_>,
    operands: &[String],
    mut act: impl FnMut(&mut Sys<'_>, &str) -> Result<(), String>,
) -> i32 {
    let mut status = 0;
    for operand in operands {
        if let Err(said) = act(sys, operand) {
            sys.eprint(said);
            status = 1;
        }
    }
    status
}

/// `host` on a host and `busybox` in a container, with the reason behind it.
pub(super) fn complaint(sys: &Sys<'_>, host: &str, busybox: &str, errno: Errno) -> String {
    match sys.flavour() {
        Flavour::Host => format!("{host}: {errno}\n"),
        Flavour::Busybox => format!("{busybox}: {errno}\n"),
    }
}

/// Where something goes that is copied, moved or linked to `target`: into it when that is a directory.
pub(super) fn destination(sys: &Sys<'_>, source: &str, target: &str) -> String {
    let path = sys.absolute(target);
    let name = crate::userland::files::path::base(source);
    if sys.files().is_directory(&path) && !name.is_empty() && name != "." && name != ".." {
        return crate::userland::files::path::join(target, name);
    }
    target.to_owned()
}

/// The sources and the target of `cp`, `mv` and `ln`; several sources need a directory.
pub(super) fn sources(sys: &mut Sys<'_>, name: &str, options: &Options) -> Result<(Vec<String>, String), i32> {
    if let Some(directory) = options.value('t') {
        return Ok((options.operands.clone(), directory.to_owned()));
    }
    let (target, sources) = options.operands.split_last().expect("the caller asked for operands");
    let path = sys.absolute(target);
    if sources.len() > 1 && !sys.files().is_directory(&path) {
        let said = match sys.flavour() {
            Flavour::Host => format!("{name}: target '{target}' is not a directory\n"),
            Flavour::Busybox => format!("{name}: target '{target}' is not a directory\n"),
        };
        sys.eprint(said);
        return Err(1);
    }
    Ok((sources.to_vec(), target.clone()))
}
