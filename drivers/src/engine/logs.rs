//! `GET /containers/{name}/logs`: what a container has written, and what it still writes.

use std::collections::VecDeque;

use netyard_sim::time::{Epoch, Instant};
use netyard_sim::world::World;

use super::console::{Channel, frame};
use super::listen::moment;
use super::{Call, Engine, ExchangeId, Media, Output, Reply};
use crate::container::{ContainerConfig, LogDriver};
use crate::date;
use crate::error::Error;
use crate::id::Id;

/// How much is kept of what a container has written, in bytes; the oldest goes first. The real engine's limit is its disk.
const KEPT: usize = 16 * 1024 * 1024;
/// How much a client that follows gets at a time, in bytes.
pub(super) const PIECE: usize = 64 * 1024;
/// Where a long line is cut, as the engine cuts it.
const LINE: usize = 16 * 1024;

/// One piece of output: a line, or as much of one as is kept in one piece.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) at: Instant,
    pub(super) channel: Channel,
    pub(super) bytes: Vec<u8>,
}

impl Follower {
    /// It takes no more for now.
    pub(super) const fn hold(&mut self) {
        (self.is_held, self.due) = (true, None);
    }

    /// It takes more again.
    pub(super) const fn release(&mut self, now: Instant) {
        (self.is_held, self.due) = (false, Some(now));
    }
}

impl Entry {
    const fn weight(&self) -> usize {
        size_of::<Self>() + self.bytes.len()
    }
}

/// What a container has written, over all its runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    entries: VecDeque<Entry>,
    /// How many have gone.
    gone: usize,
    /// What all of them weigh.
    weight: usize,
    /// Lines that have not ended yet: they are written down when they do, or with the end of the run.
    begun: [Vec<u8>; 2],
}

/// A client that follows a log. It holds nobody up: who takes no more gets the rest later, as far as it is still there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Follower {
    pub(super) exchange: ExchangeId,
    container: Id,
    wants: Wants,
    /// The number of the entry that it gets next, those counted that have gone.
    place: usize,
    is_held: bool,
    /// Whether nothing more will come.
    is_over: bool,
    /// When it gets the next piece, where there is more than one.
    pub(super) due: Option<Instant>,
}

/// What a client wants of a log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wants {
    pub(super) stdout: bool,
    pub(super) stderr: bool,
    pub(super) timestamps: bool,
    pub(super) details: bool,
    pub(super) since: Option<Instant>,
    pub(super) until: Option<Instant>,
}

/// What a container's lines look like to a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape<'a> {
    pub(super) tty: bool,
    pub(super) details: &'a str,
}

impl<'a> Shape<'a> {
    fn of(config: &'a ContainerConfig) -> Self {
        Self { tty: config.tty, details: &config.log_details }
    }
}

impl Wants {
    /// Whether a line is wanted.
    pub(super) fn includes(&self, entry: &Entry) -> bool {
        let channel = match entry.channel {
            Channel::Out => self.stdout,
            Channel::Err => self.stderr,
        };
        channel && self.since.is_none_or(|since| entry.at >= since) && self.until.is_none_or(|until| entry.at <= until)
    }

    /// The frame of a line.
    pub(super) fn render(&self, entry: &Entry, shape: Shape<'_>, epoch: Epoch) -> Vec<u8> {
        let mut bytes = Vec::new();
        if self.timestamps {
            bytes.extend(format!("{} ", date::rfc3339_fixed(epoch, entry.at)).into_bytes());
        }
        if self.details {
            bytes.extend(format!("{} ", shape.details).into_bytes());
        }
        bytes.extend(&entry.bytes);
        frame(shape.tty, entry.channel, &bytes)
    }
}

impl Log {
    /// Adds what was written, cut into lines.
    fn add(&mut self, at: Instant, channel: Channel, bytes: &[u8]) {
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            let mut rest = line;
            while !rest.is_empty() {
                let begun = &mut self.begun[channel as usize];
                let (piece, after) = rest.split_at(rest.len().min(LINE - begun.len()));
                begun.extend(piece);
                if begun.len() == LINE || piece.ends_with(b"\n") {
                    self.write_down(at, channel);
                }
                rest = after;
            }
        }
    }

    /// The run has ended, and with it lines that nothing ended before.
    pub(super) fn end_lines(&mut self, at: Instant) {
        for channel in [Channel::Out, Channel::Err] {
            self.write_down(at, channel);
        }
    }

    fn write_down(&mut self, at: Instant, channel: Channel) {
        let bytes = core::mem::take(&mut self.begun[channel as usize]);
        if bytes.is_empty() {
            return;
        }
        let entry = Entry { at, channel, bytes };
        self.weight += entry.weight();
        self.entries.push_back(entry);
        while self.weight > KEPT {
            self.weight -= self.entries.pop_front().map_or(self.weight, |entry| entry.weight());
            self.gone += 1;
        }
    }

    /// The number that the next entry will have.
    pub(super) fn end(&self) -> usize {
        self.gone + self.entries.len()
    }

    /// Where the last entries begin that somebody wants, so many of them.
    pub(super) fn last(&self, wants: &Wants, count: usize) -> usize {
        let fits = self.entries.iter().enumerate().rev().filter(|(_, entry)| wants.includes(entry)).take(count);
        fits.last().map_or_else(|| self.end(), |(at, _)| self.gone + at)
    }

    /// The entries from one on, each with the number of the next.
    pub(super) fn after(&self, place: usize) -> impl Iterator<Item = (&Entry, usize)> {
        let skipped = place.saturating_sub(self.gone);
        self.entries.iter().enumerate().skip(skipped).map(|(at, entry)| (entry, self.gone + at + 1))
    }
}

impl Engine {
    /// `GET /containers/{name}/logs`.
    pub(super) fn container_logs(&mut self, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let query = &call.target.query;
        let wants = Wants {
            stdout: query.flag("stdout"),
            stderr: query.flag("stderr"),
            timestamps: query.flag("timestamps"),
            details: query.flag("details"),
            since: moment(query, "since", self.epoch),
            until: moment(query, "until", self.epoch),
        };
        if !wants.stdout && !wants.stderr {
            let text = "Bad parameters: you must choose at least one stream";
            return Err(Error::BadParameter(text.to_owned()));
        }
        let container = self.find_container(name)?;
        if container.config.log == LogDriver::None {
            return Err(Error::LogUnreadable);
        }
        let (id, running) = (container.id, container.is_running());
        let tail = query.text("tail").and_then(|text| text.parse().ok()).unwrap_or(usize::MAX);
        let exchange = call.exchange;
        self.head_of_pieces(exchange, Media::None);
        let bytes = self.past(id, wants, tail);
        if !bytes.is_empty() {
            self.outbox.push_back(Output::Body { exchange, bytes });
        }
        if query.flag("follow") && running {
            let place = self.runs.get(&id).expect("every container has a run").log.end();
            let (is_held, is_over) = (false, false);
            self.followers.push(Follower { exchange, container: id, wants, place, is_held, is_over, due: None });
        } else {
            self.outbox.push_back(Output::End { exchange });
        }
        Ok(Reply::Later)
    }

    fn past(&self, container: Id, wants: Wants, tail: usize) -> Vec<u8> {
        let config = &self.containers.get(&container).expect("the caller found the container").config;
        let log = &self.runs.get(&container).expect("every container has a run").log;
        let fits = log.after(log.last(&wants, tail)).map(|(entry, _)| entry).filter(|entry| wants.includes(entry));
        fits.flat_map(|entry| wants.render(entry, Shape::of(config), self.epoch)).collect()
    }

    /// The frames of all that a container has written, for a client that attaches and wants them.
    pub(super) fn whole_log(&self, container: Id, stdout: bool, stderr: bool) -> Vec<u8> {
        let wants = Wants { stdout, stderr, timestamps: false, details: false, since: None, until: None };
        self.past(container, wants, usize::MAX)
    }

    /// Takes what a container has written since and shows it to the log and to all who watch.
    pub(super) fn carry_output(&mut self, world: &mut World, id: Id) {
        let now = world.now();
        let config = &self.containers.get(&id).expect("a run has its container").config;
        let keeps = config.log == LogDriver::Kept;
        let run = self.runs.get_mut(&id).expect("every container has a run");
        for (channel, bytes) in run.console.drain(world) {
            run.console.show(channel, &bytes, &mut self.outbox);
            if keeps {
                run.log.add(now, channel, &bytes);
            }
        }
        self.feed_followers(now);
        self.tell_prints(world);
    }

    /// Gives all who follow what they have not got yet, a piece at a time.
    pub(super) fn feed_followers(&mut self, now: Instant) {
        for follower in self.followers.iter_mut().filter(|follower| !follower.is_held) {
            let Some(run) = self.runs.get(&follower.container) else { continue };
            let Some(container) = self.containers.get(&follower.container) else { continue };
            let mut bytes = Vec::new();
            follower.due = None;
            for (entry, next) in run.log.after(follower.place) {
                if bytes.len() >= PIECE {
                    follower.due = Some(now);
                    break;
                }
                follower.place = next;
                if follower.wants.includes(entry) {
                    bytes.extend(follower.wants.render(entry, Shape::of(&container.config), self.epoch));
                }
            }
            if !bytes.is_empty() {
                self.outbox.push_back(Output::Body { exchange: follower.exchange, bytes });
            }
        }
        let done = |follower: &mut Follower| follower.is_over && !follower.is_held && follower.due.is_none();
        for follower in self.followers.extract_if(.., done) {
            self.outbox.push_back(Output::End { exchange: follower.exchange });
        }
    }

    /// The container ended, and so do the streams of its log when all of it has gone out.
    pub(super) fn end_followers(&mut self, container: Id, now: Instant) {
        let of_container = |follower: &&mut Follower| follower.container == container;
        self.followers.iter_mut().filter(of_container).for_each(|follower| follower.is_over = true);
        self.feed_followers(now);
    }

    /// The container is gone, and its log with it.
    pub(super) fn dismiss_followers(&mut self, container: Id) {
        for follower in self.followers.extract_if(.., |follower| follower.container == container) {
            self.outbox.push_back(Output::End { exchange: follower.exchange });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(log: &Log) -> Vec<&[u8]> {
        log.entries.iter().map(|entry| entry.bytes.as_slice()).collect()
    }

    #[test]
    fn a_line_is_written_down_when_it_ends() {
        let mut log = Log::default();
        log.add(Instant::ZERO, Channel::Out, b"one\ntw");
        log.add(Instant::ZERO, Channel::Err, b"three\n");
        assert_eq!(texts(&log), [b"one\n".as_slice(), b"three\n"]);
        log.add(Instant::ZERO, Channel::Out, b"o\n/ # ");
        log.end_lines(Instant::ZERO);
        assert_eq!(texts(&log)[2..], [b"two\n".as_slice(), b"/ # "]);
    }

    #[test]
    fn a_long_line_is_cut() {
        let mut log = Log::default();
        log.add(Instant::ZERO, Channel::Out, &[vec![b'x'; LINE + 1], vec![b'\n']].concat());
        assert_eq!(texts(&log).iter().map(|text| text.len()).collect::<Vec<_>>(), [LINE, 2]);
    }

    #[test]
    fn the_oldest_lines_go_when_there_are_too_many() {
        let mut log = Log::default();
        let line = [vec![b'x'; 1023], vec![b'\n']].concat();
        for _ in 0..20 * 1024 {
            log.add(Instant::ZERO, Channel::Out, &line);
        }
        assert!(log.weight <= KEPT && log.weight > KEPT - 2048);
        assert_eq!(log.weight, log.entries.iter().map(Entry::weight).sum::<usize>());
    }

    #[test]
    fn who_follows_gets_what_comes_after() {
        let mut log = Log::default();
        log.add(Instant::ZERO, Channel::Out, b"one\ntw");
        let place = log.end();
        assert_eq!(log.after(place).count(), 0);
        log.add(Instant::ZERO, Channel::Out, b"o\nthree\n");
        let rest: Vec<&[u8]> = log.after(place).map(|(entry, _)| entry.bytes.as_slice()).collect();
        assert_eq!(rest, [b"two\n".as_slice(), b"three\n"]);
        assert_eq!(log.after(place).last().map(|(_, next)| next), Some(log.end()));
    }

    #[test]
    fn timestamps_stand_inside_the_frame() {
        let entry = Entry { at: Instant::ZERO, channel: Channel::Out, bytes: b"hi\n".to_vec() };
        let wants = Wants { stdout: true, stderr: false, timestamps: true, details: false, since: None, until: None };
        assert!(wants.includes(&entry));
        let text = b"2026-01-01T00:00:00.000000000Z hi\n";
        let head = [1, 0, 0, 0, 0, 0, 0, 34];
        assert_eq!(
            wants.render(&entry, Shape { tty: false, details: "" }, Epoch::DEFAULT),
            [head.as_slice(), text].concat()
        );
    }
}
