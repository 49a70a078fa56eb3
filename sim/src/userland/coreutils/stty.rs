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
    let Some(terminal) = sys.terminal(0) else {
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
            "echoe" | "echok" | "echonl" | "opost" | "onlcr" | "ixon" | "ixoff" | "iexten" | "min" | "time"
            | "tostop" => {}
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

/// The control characters, as busybox lays them out on eighty columns.
const KEYS: &str = "intr = ^C; quit = ^\\; erase = ^?; kill = ^U; eof = ^D; eol = <undef>;
eol2 = <undef>; swtch = <undef>; start = ^Q; stop = ^S; susp = ^Z; rprnt = ^R;
werase = ^W; lnext = ^V; flush = ^O; min = 1; time = 0;
";

fn page(modes: Modes, (rows, columns): (u16, u16), all: bool) -> String {
    let flag = |on: bool, name: &str| if on { name.to_owned() } else { format!("-{name}") };
    let (returns, signals) = (flag(modes.returns, "icrnl"), flag(modes.signals, "isig"));
    let (canonical, echo) = (flag(modes.canonical, "icanon"), flag(modes.echo, "echo"));
    if all {
        let size = if rows == 0 && columns == 0 { String::new() } else { format!(" rows {rows}; columns {columns};") };
        return format!(
            "speed 38400 baud;{size} line = 0;\n{KEYS}\
             -parenb -parodd -cmspar cs8 -hupcl -cstopb cread -clocal -crtscts\n\
             -ignbrk -brkint -ignpar -parmrk -inpck -istrip -inlcr -igncr {returns} ixon -ixoff\n\
             -iuclc -ixany -imaxbel -iutf8\n\
             opost -olcuc -ocrnl onlcr -onocr -onlret -ofill -ofdel nl0 cr0 tab0 bs0 vt0 ff0\n\
             {signals} {canonical} iexten {echo} echoe echok -echonl -noflsh -xcase -tostop -echoprt\n\
             echoctl echoke -flusho -extproc\n"
        );
    }
    let returns = if modes.returns { "" } else { " -icrnl" };
    let differ = [(!modes.signals, signals), (!modes.canonical, canonical), (!modes.echo, echo)];
    let differ: Vec<String> = differ.into_iter().filter(|(differs, _)| *differs).map(|(_, name)| name).collect();
    let local = if differ.is_empty() { String::new() } else { differ.join(" ") + "\n" };
    format!("speed 38400 baud; line = 0;\n{KEYS}-brkint{returns} -imaxbel\n{local}")
}
