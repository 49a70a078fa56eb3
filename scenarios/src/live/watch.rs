//! What the thread that owns the world waits for: a bell, which other threads ring, and TAP devices that have frames. It
//! says who is ready, and reads nothing.
//!
//! How it works: one `epoll`. The bell is a descriptor too, so that one call of the system waits for all.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// How many who are ready are told at once; the others are told the next time.
const AT_ONCE: usize = 64;
/// How long who is awake stays so.
const AWAKE: Duration = Duration::from_micros(100);
/// What the bell is called; devices count from 0.
const BELL: u64 = u64::MAX;

/// A bell.
#[derive(Debug)]
pub struct Bell {
    descriptor: OwnedFd,
    /// Whether it was rung since it was last heard: one who waits is woken once.
    is_rung: AtomicBool,
}

impl Bell {
    /// Wakes who waits, or will.
    pub fn ring(&self) {
        if !self.is_rung.swap(true, Ordering::SeqCst) {
            // A number that is added to; it has room.
            let _ = rustix::io::write(&self.descriptor, &1_u64.to_ne_bytes());
        }
    }

    /// From now on it can be rung anew. What was told before it was rung is there to be taken.
    fn hear(&self) {
        let _ = rustix::io::read(&self.descriptor, &mut [0; 8]);
        self.is_rung.store(false, Ordering::SeqCst);
    }
}

/// What is waited for.
#[derive(Debug)]
pub struct Watch {
    epoll: OwnedFd,
    bell: Arc<Bell>,
}

impl Watch {
    /// A watch for a bell, and the bell.
    ///
    /// # Errors
    /// What the system says: there are no descriptors left.
    pub fn new() -> io::Result<(Self, Arc<Bell>)> {
        let descriptor = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let bell = Arc::new(Bell { descriptor, is_rung: AtomicBool::new(false) });
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &bell.descriptor, EventData::new_u64(BELL), EventFlags::IN)?;
        Ok((Self { epoll, bell: Arc::clone(&bell) }, bell))
    }

    /// Watches a device too, which is called `number` from now on.
    ///
    /// # Errors
    /// What the system says.
    pub fn add(&self, device: &OwnedFd, number: u64) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, device, EventData::new_u64(number), EventFlags::IN)?)
    }

    /// Watches a device no longer.
    pub fn forget(&self, device: &OwnedFd) {
        // One that was forgotten before is not there.
        let _ = epoll::delete(&self.epoll, device);
    }

    /// Waits until the bell was rung or a device has frames, at most `patience`; which devices have some. Who is `awake` does
    /// not sleep at once: a processor that sleeps is slower to wake than the next frame is to come. It gives way to others.
    pub fn wait(&self, patience: Option<Duration>, awake: bool) -> Vec<u64> {
        let began = Instant::now();
        let limit = patience.map_or(AWAKE, |patience| patience.min(AWAKE));
        while awake && began.elapsed() < limit {
            let ready = self.ready();
            if !ready.is_empty() {
                return self.heard(ready);
            }
            thread::yield_now();
        }
        self.sleep(patience.map(|patience| patience.saturating_sub(began.elapsed())));
        self.heard(self.ready())
    }

    /// Sleeps until somebody is ready, at most `patience`.
    fn sleep(&self, patience: Option<Duration>) {
        if patience != Some(Duration::ZERO) {
            // What an `epoll` waits for by itself it counts in milliseconds. A signal is as good as time that has passed.
            let _ = poll(&mut [PollFd::new(&self.epoll, PollFlags::IN)], patience.map(timespec).as_ref());
        }
    }

    /// Who is ready now.
    fn ready(&self) -> Vec<u64> {
        let mut events = Vec::with_capacity(AT_ONCE);
        let _ = epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&timespec(Duration::ZERO)));
        events.iter().map(|event| event.data.u64()).collect()
    }

    /// The devices of those who are ready; the bell was heard.
    fn heard(&self, mut ready: Vec<u64>) -> Vec<u64> {
        if ready.contains(&BELL) {
            self.bell.hear();
            ready.retain(|number| *number != BELL);
        }
        ready
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX), tv_nsec: duration.subsec_nanos().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bell_wakes_once_for_all_who_rang() {
        let (watch, bell) = Watch::new().expect("there are descriptors");
        bell.ring();
        bell.ring();
        assert_eq!(watch.wait(None, false), [0; 0], "it does not wait for ever");
        assert!(!bell.is_rung.load(Ordering::SeqCst));
        bell.ring();
        assert_eq!(watch.wait(None, false), [0; 0], "it can be rung again");
        assert_eq!(watch.wait(Some(Duration::from_micros(1)), true), [0; 0]);
    }

    #[test]
    fn who_has_something_is_told_until_it_is_taken_or_forgotten() {
        let (watch, _bell) = Watch::new().expect("there are descriptors");
        let (reader, writer) = io::pipe().expect("there are descriptors");
        let (reader, writer): (OwnedFd, OwnedFd) = (reader.into(), writer.into());
        watch.add(&reader, 7).expect("a pipe can be watched");
        assert_eq!(watch.wait(Some(Duration::ZERO), false), [0; 0]);
        rustix::io::write(&writer, b"x").expect("there is room");
        assert_eq!((watch.wait(None, false), watch.wait(None, false)), (vec![7], vec![7]));
        watch.forget(&reader);
        watch.forget(&reader);
        assert_eq!(watch.wait(Some(Duration::ZERO), false), [0; 0]);
    }
}
