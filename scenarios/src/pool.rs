//! Work side by side: numbered pieces are done by several threads, and what comes of them is handed out in the order of
//! their numbers, so that nobody can tell how many threads there were. It knows nothing of what the work is.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// Does `work` for each number below `count` on at most `threads` threads, and hands each result to `take` in the order
/// of the numbers. When `take` breaks off, no piece is begun any more and the results of those under way are lost.
///
/// # Panics
/// When `work` panics.
pub fn in_order<T: Send>(
    threads: NonZeroUsize,
    count: usize,
    work: impl Fn(usize) -> T + Sync,
    mut take: impl FnMut(usize, T) -> ControlFlow<()>,
) {
    if threads.get() == 1 || count <= 1 {
        // Lazily, so that nothing is done after a break.
        let _ = (0..count).try_for_each(|number| take(number, work(number)));
        return;
    }
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads.get().min(count) {
            let (sender, next, stop, work) = (sender.clone(), &next, &stop, &work);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count || sender.send((number, work(number))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        hand_out(&receiver, &mut take);
        stop.store(true, Ordering::Relaxed);
    });
}

/// Puts results in order as they come, until there are no more or `take` breaks off.
fn hand_out<T>(results: &Receiver<(usize, T)>, take: &mut impl FnMut(usize, T) -> ControlFlow<()>) {
    let mut early = BTreeMap::new();
    let mut next = 0;
    for (number, result) in results {
        early.insert(number, result);
        while let Some(result) = early.remove(&next) {
            if take(next, result).is_break() {
                return;
            }
            next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(threads: usize, stop_at: usize) -> Vec<usize> {
        let threads = NonZeroUsize::new(threads).expect("more than none");
        let mut taken = Vec::new();
        in_order(
            threads,
            50,
            |number| number * number,
            |number, square| {
                assert_eq!(square, number * number);
                taken.push(number);
                if number == stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        taken
    }

    #[test]
    fn results_come_in_order_however_many_threads_there_are() {
        for threads in [1, 2, 7, 80] {
            assert_eq!(results(threads, 99), (0..50).collect::<Vec<_>>(), "{threads} threads");
        }
    }

    #[test]
    fn nothing_comes_after_a_break() {
        for threads in [1, 4] {
            assert_eq!(results(threads, 3), [0, 1, 2, 3], "{threads} threads");
        }
    }
}
