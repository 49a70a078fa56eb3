//! `netyard shell`: a prompt in the world of a scenario, or in a fresh one. What is typed goes to the shell of the place
//! where one is, but for the few words that only a simulated world understands: the next step, an earlier state, another
//! time, why something is not reached.

mod completion;
mod order;
mod reader;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::selection;
use crate::exit::Exit;
use crate::live::guest::signals::Signals;
use crate::report::difference::text;
use crate::runner::session::{Condition, Ending, NoPlace, Session, Watch};
use crate::runner::{Limit, Played, Settings};
use crate::scenario::Scenario;
use crate::scenario::period::Period;
use crate::scenario::step::{REAL, Step};
use order::Order;
use reader::{Line, Reader};

/// How many coming steps are listed.
const AHEAD: usize = 10;

/// Type commands in the world of a scenario, or in a fresh one: play its steps one by one, go back, let time pass
#[derive(Args, Debug)]
pub struct Arguments {
    /// The scenario; none of its steps is played until you say `step` [default: a world with nothing in it]
    file: Option<PathBuf>,
    /// The hosts of a world with nothing in it
    #[arg(long, env = "NETYARD_SHELL_HOSTS", value_name = "NAME", value_delimiter = ',', conflicts_with = "file")]
    #[arg(default_value = "docker01")]
    hosts: Vec<String>,
    /// Play with this seed instead of the file's own
    #[arg(long, env = "NETYARD_SHELL_SEED", value_name = "N")]
    seed: Option<u64>,
    /// The virtual time that a command or a wait may take before it is interrupted
    #[arg(long, env = "NETYARD_SHELL_TIME_LIMIT", value_name = "TIME", default_value = "5m")]
    time_limit: Period,
}

/// What is said to `help`.
const HELP: &str = "\
COMMAND            type it in the shell of this place
PLACE$ [COMMAND]   go to a host, container or HOST/NAMESPACE, or only type COMMAND there
step [N]           play the next step of the file, or N of them
steps              list those that come
back [N]           take back what was done last, or the last N things
until dns NAME     let time pass until NAME is found here
until reach NAME [tcp/PORT|udp/PORT|icmp]
                   ... until it is reached
until COMMAND      ... until COMMAND ends with 0, tried in a copy of the world
jump TIME          let TIME pass: 30s, 5m, 1h
why [FROM] TO [tcp/PORT|udp/PORT|icmp|name] [--size BYTES]
                   say whether FROM (this place) reaches TO, and what stops it if not
drops [PLACE]...   show what was dropped, where and why
graph [mermaid|dot|json|svg]
                   draw what is there
places             list where one can go
exit               leave
";

/// Opens the shell that `arguments` mean.
///
/// # Errors
/// What the streams say.
pub fn run(arguments: &Arguments, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let scenario = match &arguments.file {
        Some(file) => selection::read(file),
        None => Scenario::parse("shell", format!("---\nhosts: {:?}\n---\n", arguments.hosts)),
    };
    let Some(scenario) = selection::told(scenario, err)? else { return Ok(Exit::Usage) };
    let settings = Settings::of(&scenario).asked(arguments.seed, Some(arguments.time_limit), None);
    let at_terminal = io::stdin().is_terminal();
    let keyboard = if at_terminal { Some(Signals::take_interrupts()?) } else { None };
    let screen = Screen { out, keyboard, trouble: None };
    let mut shell = Shell { session: Session::new(&scenario, &settings), screen, err, status: 0 };
    let mut reader = if at_terminal { Reader::at_terminal()? } else { Reader::of_lines() };
    if at_terminal && let Some(file) = &arguments.file {
        writeln!(
            shell.screen.out,
            "{}: {} steps; `step` plays the next, `help` says more",
            file.display(),
            scenario.steps.len()
        )?;
    }
    shell.run(&mut reader)
}

/// Who watches: what is shown goes out at once, and ^C interrupts.
struct Screen<'a, W> {
    out: &'a mut W,
    keyboard: Option<Signals>,
    /// Why nothing can be shown any more.
    trouble: Option<io::Error>,
}

impl<W: Write> Watch for Screen<'_, W> {
    fn show(&mut self, text: &str) {
        if let Err(error) = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()) {
            self.trouble.get_or_insert(error);
        }
    }

    fn interrupts(&mut self) -> bool {
        let pressed = self.keyboard.as_mut().map_or(Ok(Vec::new()), Signals::all);
        self.trouble.is_some() || pressed.map_or(true, |signals| !signals.is_empty())
    }
}

/// A session, and who talks with it.
struct Shell<'a, 's, W, E> {
    session: Session<'s>,
    screen: Screen<'a, W>,
    err: &'a mut E,
    /// The exit code of what was done last.
    status: u8,
}

impl<W: Write, E: Write> Shell<'_, '_, W, E> {
    fn run(&mut self, reader: &mut Reader) -> io::Result<Exit> {
        loop {
            // What was pressed while nothing ran interrupts nothing.
            self.screen.interrupts();
            if let Some(trouble) = self.screen.trouble.take() {
                return Err(trouble);
            }
            let line = match reader.read(&self.session) {
                Ok(Line::Typed(line)) => line,
                Ok(Line::Dropped) => continue,
                Ok(Line::End) => break,
                Err(error) => {
                    self.fail(2, &error.to_string())?;
                    return Ok(Exit::Usage);
                }
            };
            let order = match Order::parse(&line) {
                Ok(Order::Exit(status)) => {
                    self.status = status.unwrap_or(self.status);
                    break;
                }
                Ok(order) => order,
                Err(error) => {
                    self.fail(2, &error)?;
                    continue;
                }
            };
            if let Err(NoPlace(place)) = self.obey(order)? {
                let why = if place == REAL {
                    ": real programs come to `netyard up` (netyard run), or to a whole scenario"
                } else {
                    ""
                };
                self.fail(2, &format!("no such place: {place}{why}"))?;
            }
        }
        Ok(if self.status == 0 { Exit::Pass } else { Exit::Program(self.status) })
    }

    fn fail(&mut self, status: u8, error: &str) -> io::Result<()> {
        self.status = status;
        writeln!(self.err, "netyard: {error}")
    }

    fn obey(&mut self, order: Order) -> io::Result<Result<(), NoPlace>> {
        match order {
            Order::Nothing | Order::Exit(_) => {}
            Order::Help => write!(self.screen.out, "{HELP}")?,
            Order::Places => {
                let places = completion::places(&self.session);
                places.iter().try_for_each(|place| writeln!(self.screen.out, "{place}"))?;
            }
            Order::Go(place) => return Ok(self.go_to(place.as_deref())),
            Order::Command(place, command) => return self.command(place, &command),
            Order::Step(count) => return self.steps(count),
            Order::List => self.list()?,
            Order::Back(count) => self.back(count)?,
            Order::Jump(time) => self.jump(time)?,
            Order::Until(condition) => return self.until(&condition),
            Order::Ask(words) => self.ask(&words)?,
        }
        Ok(Ok(()))
    }

    fn go_to(&mut self, place: Option<&str>) -> Result<(), NoPlace> {
        let host = self.session.default_host();
        self.status = 0;
        self.session.go_to(place.unwrap_or(host))
    }

    fn command(&mut self, place: Option<Option<String>>, command: &str) -> io::Result<Result<(), NoPlace>> {
        let here = self.session.place().to_owned();
        let place = place.map_or(here, |place| place.unwrap_or_else(|| self.session.default_host().to_owned()));
        match self.session.enter(&place, command, &mut self.screen) {
            Ok(ending) => self.ended(ending).map(Ok),
            Err(no_place) => Ok(Err(no_place)),
        }
    }

    /// Tells how a command ended, when it did not do so by itself.
    fn ended(&mut self, ending: Ending) -> io::Result<()> {
        match ending {
            Ending::Done(status) => {
                self.status = u8::try_from(status).unwrap_or(u8::MAX);
                Ok(())
            }
            Ending::Interrupted => self.fail(130, "interrupted"),
            Ending::TimeIsUp(Limit::Virtual(limit)) => {
                self.fail(124, &format!("not done when {limit} of virtual time had passed: interrupted"))
            }
            Ending::TimeIsUp(Limit::Wall(limit)) => {
                self.fail(124, &format!("not done when {limit} had passed: interrupted"))
            }
        }
    }

    fn steps(&mut self, count: usize) -> io::Result<Result<(), NoPlace>> {
        for _ in 0..count {
            let Some(step) = self.session.coming().first() else {
                self.fail(1, "there is no step left")?;
                break;
            };
            let place = self.session.place_of(step);
            writeln!(self.screen.out, "{place}$ {}", step.command)?;
            match self.session.step(&mut self.screen) {
                Ok(Some((step, ending, played))) => {
                    self.judge(step, &played)?;
                    match ending {
                        Ending::Done(_) => {}
                        Ending::Interrupted | Ending::TimeIsUp(_) => {
                            self.ended(ending)?;
                            break;
                        }
                    }
                }
                Ok(None) => {}
                Err(no_place) => return Ok(Err(no_place)),
            }
        }
        Ok(Ok(()))
    }

    /// Tells what of a step was not as its file says.
    fn judge(&mut self, step: &Step, played: &Played) -> io::Result<()> {
        self.status = u8::from(!played.meets(step));
        if self.status == 0 {
            return Ok(());
        }
        self.fail(1, &format!("line {} is not as expected:", step.line))?;
        text(step, played).lines().try_for_each(|line| writeln!(self.err, "  {line}"))
    }

    fn list(&mut self) -> io::Result<()> {
        let coming = self.session.coming();
        for step in coming.iter().take(AHEAD) {
            let place = self.session.place_of(step);
            writeln!(self.screen.out, "line {}: {place}$ {}", step.line, step.command)?;
        }
        match coming.len().saturating_sub(AHEAD) {
            0 => Ok(()),
            more => writeln!(self.screen.out, "and {more} more"),
        }
    }

    fn back(&mut self, count: usize) -> io::Result<()> {
        self.status = 0;
        for _ in 0..count {
            match self.session.back() {
                Some(what) => writeln!(self.screen.out, "taken back: {what}")?,
                None => return self.fail(1, "there is nothing to take back"),
            }
        }
        Ok(())
    }

    fn tell_time(&mut self) -> io::Result<()> {
        let now = Duration::from_nanos(self.session.site().now().as_nanos());
        writeln!(self.screen.out, "at {:.3} s of virtual time", now.as_secs_f64())
    }

    fn jump(&mut self, time: Duration) -> io::Result<()> {
        let reached = self.session.jump(time, &mut self.screen);
        self.status = u8::from(!reached);
        if !reached {
            self.fail(1, "not all of it has passed")?;
        }
        self.tell_time()
    }

    fn until(&mut self, condition: &Condition) -> io::Result<Result<(), NoPlace>> {
        let waited = match self.session.wait_for(condition, &mut self.screen) {
            Ok(waited) => waited,
            Err(no_place) => return Ok(Err(no_place)),
        };
        match waited {
            None => self.status = 0,
            Some(ending) => self.ended(ending)?,
        }
        self.tell_time().map(Ok)
    }

    /// Asks the simulator.
    fn ask(&mut self, words: &[String]) -> io::Result<()> {
        let here = &*self.session.place().to_owned();
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        let operands = words.iter().position(|word| *word == "--size").unwrap_or(words.len());
        // From here, when only the other is named.
        match &words[..operands] {
            ["why", _] => words.insert(1, here),
            ["why", _, manner] if order::is_manner(manner) => words.insert(1, here),
            _ => {}
        }
        let (code, said) = self.session.ask(&words);
        self.status = code;
        if code == 2 { write!(self.err, "{said}") } else { write!(self.screen.out, "{said}") }
    }
}
