//! `stty` and `tty`: the terminal at standard input.

use crate::userland::terminal::Modes;
use crate::userland::{Flavour, Sys};

pub(super) fn tty(sys: &mut Sys<'_>) -> i32 {
    let silent = sys.argv().iter().any(|word| word == "-s");
    let is_terminal = sys.is_terminal(0);
    if !silent {
        sys.print(if is_terminal { "/dev/pts/0\n" } else { "not a tty\n" });
    }
    i32::from(!is_terminal)
}

/// `stty [-a] [SETTING]…`, `stty size`
pub(super) fn stty(sys: &mut Sys<'_>) -> i32 {
    let words: Vec<String> = sys.argv().iter().skip(1).cloned().collect();
    let Some(terminal) = sys.terminal() else {
        let said = match sys.flavour() {
            Flavour::Host => "stty: 'standard input': Inappropriate ioctl for device\n",
            Flavour::Busybox => "stty: standard input: Inappropriate ioctl for device\n",
        };
        sys.eprint(said);
        return 1;
    };
    let (mut modes, mut size) = (terminal.modes, terminal.size);
    if words.is_empty() || words == ["-a"] {
        let text = page(modes, size, !words.is_empty());
        sys.print(text);
        return 0;
    }
    let mut said = String::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let (on, name) = word.strip_prefix('-').map_or((true, word.as_str()), |name| (false, name));
        match name {
            "size" => said.push_str(&format!("{} {}\n", size.0, size.1)),
            "echo" => modes.echo = on,
            "icanon" | "cooked" => modes.canonical = on,
            "isig" => modes.signals = on,
            "icrnl" => modes.returns = on,
            "raw" => modes = Modes { canonical: !on, signals: !on, returns: !on, ..modes },
            "cbreak" => modes.canonical = !on,
            "sane" => modes = Modes::default(),
            "rows" | "cols" | "columns" => {
                let Some(number) = rest.next().and_then(|number| number.parse().ok()) else {
                    sys.eprint(format!("stty: missing argument to '{word}'\n"));
                    return 1;
                };
                if name == "rows" { size.0 = number } else { size.1 = number }
            }
            // Settings that change nothing that can be seen here.
            "echoe" | "echok" | "echonl" | "opost" | "onlcr" | "ixon" | "ixoff" | "iexten" | "min" | "time" | "tostop" => {}
            number if on && number.chars().all(|c| c.is_ascii_digit()) => {}
            _ => {
                sys.eprint(format!("stty: invalid argument '{word}'\n"));
                return 1;
            }
        }
    }
    sys.set_terminal(modes, size);
    sys.print(said);
    0
}

fn page(modes: Modes, (rows, columns): (u16, u16), all: bool) -> String {
    let flag = |on: bool, name: &str| if on { name.to_owned() } else { format!("-{name}") };
    if !all {
        let mut differ = Vec::new();
        let plain = Modes::default();
        differ.extend((modes.returns != plain.returns).then(|| flag(modes.returns, "icrnl")));
        differ.extend((modes.signals != plain.signals).then(|| flag(modes.signals, "isig")));
        differ.extend((modes.canonical != plain.canonical).then(|| flag(modes.canonical, "icanon")));
        differ.extend((modes.echo != plain.echo).then(|| flag(modes.echo, "echo")));
        let rest = if differ.is_empty() { String::new() } else { differ.join(" ") + "\n" };
        return format!("speed 38400 baud; line = 0;\n{rest}");
    }
    format!(
        "speed 38400 baud; rows {rows}; columns {columns}; line = 0;\n\
         intr = ^C; quit = ^\\; erase = ^?; kill = ^U; eof = ^D; susp = ^Z; werase = ^W;\n\
         {} opost onlcr\n{} {} {}\n",
        flag(modes.returns, "icrnl"),
        flag(modes.signals, "isig"),
        flag(modes.canonical, "icanon"),
        flag(modes.echo, "echo")
    )
}
