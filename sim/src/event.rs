//! The event queue: what happens when, in order of time and then of insertion. It runs nothing.

use core::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::time::Instant;

/// Events by time. Two at the same instant come out in the order in which they were put in.
#[derive(Clone, Debug)]
pub struct Queue<E> {
    heap: BinaryHeap<Reverse<Entry<E>>>,
    pushed: u64,
    popped: Instant,
}

#[derive(Clone, Debug)]
struct Entry<E> {
    at: Instant,
    order: u64,
    event: E,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), pushed: 0, popped: Instant::ZERO }
    }
}

impl<E> Queue<E> {
    /// Puts in an event for `at`; one that lies in the past happens now.
    pub fn push(&mut self, at: Instant, event: E) {
        self.heap.push(Reverse(Entry { at: at.max(self.popped), order: self.pushed, event }));
        self.pushed += 1;
    }

    /// When the next event happens.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(e)| e.at)
    }

    /// The next event that happens no later than `limit`.
    pub fn pop(&mut self, limit: Instant) -> Option<(Instant, E)> {
        if self.next_at()? > limit {
            return None;
        }
        let Reverse(entry) = self.heap.pop()?;
        assert!(entry.at >= self.popped, "time never goes back");
        self.popped = entry.at;
        Some((entry.at, entry.event))
    }

    /// How many events wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing is going to happen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    #[test]
    fn ties_go_by_insertion_and_the_past_is_now() {
        let mut queue = Queue::default();
        let at = |ms| Instant::ZERO + Duration::from_millis(ms);
        queue.push(at(5), "late");
        queue.push(at(2), "first");
        queue.push(at(2), "second");
        assert_eq!(queue.pop(at(3)), Some((at(2), "first")));
        queue.push(at(1), "past");
        assert_eq!(queue.pop(at(3)), Some((at(2), "second")));
        assert_eq!(queue.pop(at(3)), Some((at(2), "past")));
        assert_eq!(queue.pop(at(3)), None);
        assert_eq!(queue.len(), 1);
    }
}
