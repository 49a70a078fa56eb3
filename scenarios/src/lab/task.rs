//! Futures as processes: a program that polls futures and does in the simulated kernel what they ask for. What they can
//! ask for is in `net`; time here is the world's.
//!
//! How it works: a future that needs the kernel leaves an attempt in the ring of its process and waits. After each round
//! of polls the process makes all attempts again, oldest first; the futures whose attempts succeeded are polled next. A
//! future runs on the thread that drives the world, one process at a time, so the order of everything is the world's.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use netyard_sim::time::Instant;
use netyard_sim::userland::{Program, Step, Sys};

thread_local! {
    /// The ring of the process whose futures are being polled.
    static CURRENT: RefCell<Option<Ring>> = const { RefCell::new(None) };
}

/// What is tried: done, or still waiting.
type Work = Box<dyn FnMut(&mut Sys<'_>) -> Attempt<()>>;
type Local = Pin<Box<dyn Future<Output = ()>>>;

/// What an attempt at something that may take time came to.
pub(super) enum Attempt<T> {
    /// It is done.
    Done(T),
    /// It has to wait for the network, at most until then.
    Wait(Option<Instant>),
}

/// The way from the futures of a process to its kernel.
#[derive(Clone, Default)]
pub(super) struct Ring(Rc<RefCell<Shared>>);

#[derive(Default)]
struct Shared {
    now: Instant,
    next: u64,
    asked: BTreeMap<u64, Asked>,
    spawned: Vec<Local>,
}

struct Asked {
    /// True when it is done.
    attempt: Work,
    waker: Option<Waker>,
    wait_until: Option<Instant>,
}

impl Ring {
    /// The ring of the process that this future runs in.
    ///
    /// # Panics
    /// Outside a process of a lab.
    pub(super) fn current() -> Self {
        let ring = CURRENT.with_borrow(Clone::clone);
        ring.expect("this future runs in a place of a lab: give it to Lab::run_in or Lab::spawn_in")
    }

    /// The present.
    pub(super) fn now(&self) -> Instant {
        self.0.borrow().now
    }

    /// Lets a future run beside this one, in the same process.
    pub(super) fn spawn(&self, future: Local) {
        self.0.borrow_mut().spawned.push(future);
    }

    /// Has something done that needs no answer, when the process goes on.
    pub(super) fn post(&self, mut work: impl FnMut(&mut Sys<'_>) + 'static) {
        self.ask(Box::new(move |sys| {
            work(sys);
            Attempt::Done(())
        }));
    }

    fn ask(&self, attempt: Work) -> u64 {
        let mut shared = self.0.borrow_mut();
        let ticket = shared.next;
        shared.next += 1;
        shared.asked.insert(ticket, Asked { attempt, waker: None, wait_until: None });
        ticket
    }

    /// Has the kernel try something until it is done.
    pub(super) fn call<T: 'static>(&self, mut attempt: impl FnMut(&mut Sys<'_>) -> Attempt<T> + 'static) -> Call<T> {
        let answer = Rc::new(RefCell::new(None));
        let place = Rc::clone(&answer);
        let ticket = self.ask(Box::new(move |sys| match attempt(sys) {
            Attempt::Done(value) => {
                place.replace(Some(value));
                Attempt::Done(())
            }
            Attempt::Wait(until) => Attempt::Wait(until),
        }));
        Call { ring: self.clone(), ticket, answer }
    }

    /// Makes every attempt again; whether one succeeded.
    fn attempt_all(&self, sys: &mut Sys<'_>) -> bool {
        // Nothing that is done here drops a future, so nobody else wants the ring meanwhile.
        let asked = &mut self.0.borrow_mut().asked;
        let before = asked.len();
        asked.retain(|_, asked| match (asked.attempt)(sys) {
            Attempt::Done(()) => {
                asked.waker.iter().for_each(Waker::wake_by_ref);
                false
            }
            Attempt::Wait(until) => {
                asked.wait_until = until;
                true
            }
        });
        asked.len() < before
    }

    /// When the first of those that wait has waited enough.
    fn wait_until(&self) -> Option<Instant> {
        self.0.borrow().asked.values().filter_map(|asked| asked.wait_until).min()
    }
}

/// Something that the kernel was asked for. Who drops it no longer wants it.
pub(super) struct Call<T> {
    ring: Ring,
    ticket: u64,
    answer: Rc<RefCell<Option<T>>>,
}

impl<T> Future for Call<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if let Some(value) = self.answer.take() {
            return Poll::Ready(value);
        }
        let mut shared = self.ring.0.borrow_mut();
        let asked = shared.asked.get_mut(&self.ticket).expect("an answer is taken once");
        asked.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl<T> Drop for Call<T> {
    fn drop(&mut self) {
        // What is taken out lives until the ring is free again.
        let _withdrawn = self.ring.0.borrow_mut().asked.remove(&self.ticket);
    }
}

/// Whether somebody woke a future.
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Polled {
    future: Local,
    flag: Arc<Flag>,
}

impl Polled {
    fn new(future: Local) -> Self {
        Self { future, flag: Arc::new(Flag(AtomicBool::new(true))) }
    }

    /// Polls it when it was woken; whether it is done.
    fn poll(&mut self) -> bool {
        if !self.flag.0.swap(false, Ordering::Relaxed) {
            return false;
        }
        let waker = Waker::from(Arc::clone(&self.flag));
        self.future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
    }

    fn is_woken(&self) -> bool {
        self.flag.0.load(Ordering::Relaxed)
    }
}

/// A process that is a future. It ends when the future does, whatever was spawned beside it.
pub(super) struct Native {
    ring: Ring,
    main: Option<Polled>,
    others: Vec<Polled>,
}

impl Native {
    pub(super) fn new(future: Local) -> Self {
        Self { ring: Ring::default(), main: Some(Polled::new(future)), others: Vec::new() }
    }

    /// Polls all that were woken, until none is; whether the main one is done.
    fn poll_all(&mut self) -> bool {
        let outer = CURRENT.replace(Some(self.ring.clone()));
        let mut is_done = self.main.is_none();
        while !is_done {
            is_done = self.main.as_mut().is_some_and(Polled::poll);
            self.others.retain_mut(|other| !other.poll());
            let spawned = core::mem::take(&mut self.ring.0.borrow_mut().spawned);
            self.others.extend(spawned.into_iter().map(Polled::new));
            let is_woken = self.main.iter().chain(&self.others).any(Polled::is_woken);
            if !is_woken {
                break;
            }
        }
        if is_done {
            // What futures hold is let go where they can still say so.
            (self.main, self.others) = (None, Vec::new());
        }
        CURRENT.set(outer);
        is_done
    }
}

impl Clone for Native {
    /// A process that ends at once: nobody can copy a future. Labs in which one runs are not forked.
    fn clone(&self) -> Self {
        Self { ring: Ring::default(), main: None, others: Vec::new() }
    }
}

impl Program for Native {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            self.ring.0.borrow_mut().now = sys.now();
            let is_done = self.poll_all();
            let moved = self.ring.attempt_all(sys);
            if is_done {
                return Step::Exit(0);
            }
            if !moved {
                return Step::Wait(self.ring.wait_until());
            }
        }
    }
}
