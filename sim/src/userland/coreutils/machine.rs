//! Programs about the machine and its users: `clear dmesg free hostid logname mount sync top tty uptime` and those
//! that would change what here never changes.

use core::fmt::Write as _;

use crate::time::{Duration, Instant};
use crate::userland::options::{Options, Order};
use crate::userland::proc::{MEMORY_CACHED, MEMORY_FREE, MEMORY_TOTAL};
use crate::userland::{Flavour, Program, Read, Signal, Step, Sys};

/// `free [-bkmgh]`
pub(super) fn free(sys: &mut Sys<'_>) -> i32 {
    let options = match Options::parse(sys.argv(), "bkmghtw", Order::Anywhere) {
        Ok(options) => options,
        Err(error) => {
            let text = error.text("free", "[-bkmgh]", sys.flavour());
            sys.eprint(text);
            return 1;
        }
    };
    let show = |kib: u64| match ['b', 'm', 'g', 'h'].into_iter().find(|letter| options.has(*letter)) {
        Some('b') => (kib * 1024).to_string(),
        Some('m') => (kib / 1024).to_string(),
        Some('g') => (kib >> 20).to_string(),
        Some(_) if kib == 0 => "0".to_owned(),
        Some(_) => super::ls::human(kib * 1024, Flavour::Busybox),
        None => kib.to_string(),
    };
    let used = MEMORY_TOTAL - MEMORY_FREE - MEMORY_CACHED;
    let available = MEMORY_FREE + MEMORY_CACHED;
    let mut text = String::from("              total        used        free      shared  buff/cache   available\n");
    let wide = |values: &[u64]| values.iter().map(|value| format!("{:>12}", show(*value))).collect::<String>();
    let _ = writeln!(text, "Mem:   {}", wide(&[MEMORY_TOTAL, used, MEMORY_FREE, 0, MEMORY_CACHED, available]));
    let _ = writeln!(text, "Swap:  {}", wide(&[0, 0, 0]));
    sys.print(text);
    0
}

/// How long the machine is up, as `uptime` and `top` say it.
fn up(sys: &Sys<'_>) -> String {
    let up = sys.now().since(Instant::ZERO).as_secs();
    let (days, hours, minutes) = (up / 86400, up / 3600 % 24, up / 60 % 60);
    let days = match days {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        many => format!("{many} days, "),
    };
    if hours > 0 { format!("{days}{hours:>2}:{minutes:02}") } else { format!("{days}{minutes} min") }
}

pub(super) fn uptime(sys: &mut Sys<'_>) -> i32 {
    let now = super::date::formatted(sys.epoch().utc(sys.now()), "%T");
    let users = if sys.flavour() == Flavour::Host { " 0 user" } else { " 0 users" };
    let line = format!(" {now} up {}, {users},  load average: 0.00, 0.00, 0.00\n", up(sys));
    sys.print(line);
    0
}

/// `mount` without arguments shows what is mounted.
pub(super) fn mount(sys: &mut Sys<'_>) -> i32 {
    if sys.argv().len() > 1 {
        sys.eprint("mount: permission denied (are you root?)\n");
        return 1;
    }
    let text: String = sys
        .files()
        .text("/proc/mounts")
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (device, path, kind, how) = (words.next()?, words.next()?, words.next()?, words.next()?);
            Some(format!("{device} on {path} type {kind} ({how})\n"))
        })
        .collect();
    sys.print(text);
    0
}

pub(super) fn umount(sys: &mut Sys<'_>) -> i32 {
    let target = sys.argv().last().cloned().unwrap_or_default();
    sys.eprint(format!("umount: can't unmount {target}: Operation not permitted\n"));
    1
}

/// The programs that make users and groups.
pub(super) fn refuse(sys: &mut Sys<'_>) -> i32 {
    let name = crate::userland::files::path::base(&sys.argv()[0]).to_owned();
    sys.eprint(format!("{name}: Operation not permitted\n"));
    1
}

pub(super) fn logname(sys: &mut Sys<'_>) -> i32 {
    let said = match sys.flavour() {
        Flavour::Host => "logname: no login name\n",
        Flavour::Busybox => "logname: getlogin: No such device or address\n",
    };
    sys.eprint(said);
    1
}

pub(super) fn hostid(sys: &mut Sys<'_>) -> i32 {
    sys.print("007f0100\n");
    0
}

pub(super) fn clear(sys: &mut Sys<'_>) -> i32 {
    sys.print("\x1b[H\x1b[J");
    0
}

/// `top [-b] [-n N] [-d SECONDS]`: a page of processes every five seconds; `q` ends it.
#[derive(Clone, Default)]
pub(super) struct Top {
    next: Option<Instant>,
    left: Option<u32>,
    every: Duration,
    begun: bool,
}

impl Program for Top {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if !self.begun {
            self.begun = true;
            match Options::parse(sys.argv(), "bn:d:mH", Order::Anywhere) {
                Ok(options) => {
                    self.left = options.value('n').and_then(|text| text.parse().ok());
                    let every = options.value('d').and_then(super::signals::interval);
                    self.every = every.unwrap_or(Duration::from_secs(5)).max(Duration::from_secs(1));
                }
                Err(error) => {
                    let text = error.text("top", "[-bmH] [-n COUNT] [-d SECONDS]", sys.flavour());
                    sys.eprint(text);
                    return Step::Exit(1);
                }
            }
        }
        if matches!(sys.read(64), Read::Data(bytes) if bytes.contains(&b'q')) {
            return Step::Exit(0);
        }
        if self.next.is_none_or(|next| next <= sys.now()) {
            if self.left == Some(0) {
                return Step::Exit(0);
            }
            if sys.is_output_full() {
                return Step::Wait(None);
            }
            let page = page(sys);
            sys.print(page);
            self.left = self.left.map(|left| left - 1);
            if self.left == Some(0) {
                return Step::Exit(0);
            }
            self.next = Some(sys.now() + self.every);
        }
        Step::Wait(self.next)
    }

    fn signal(&mut self, _: &mut Sys<'_>, _: Signal) -> bool {
        false
    }
}

fn page(sys: &Sys<'_>) -> String {
    let used = MEMORY_TOTAL - MEMORY_FREE - MEMORY_CACHED;
    let mut text = format!(
        "Mem: {used}K used, {MEMORY_FREE}K free, 0K shrd, 0K buff, {MEMORY_CACHED}K cached\n\
         CPU:   0% usr   0% sys   0% nic 100% idle   0% io   0% irq   0% sirq\n\
         Load average: 0.00 0.00 0.00 1/{} {}\n  PID  PPID USER     STAT   VSZ %VSZ CPU %CPU COMMAND\n",
        sys.kernel().processes().count(),
        sys.pid().0
    );
    for seen in sys.kernel().processes() {
        let (pid, parent, state) = (seen.pid.0, seen.parent.0, seen.state);
        let _ = writeln!(text, "{pid:>5} {parent:>5} root     {state}     4416   0%   0   0% {}", seen.argv.join(" "));
    }
    text
}
