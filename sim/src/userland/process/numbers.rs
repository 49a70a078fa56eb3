//! The numbers that processes have in their places. A container counts its own from 1 (a pid namespace); wherever no
//! process 1 began, on hosts above all, the numbers are those of the world.

use std::collections::BTreeMap;

use super::{ContextId, Pid};

/// What is counted in one place.
#[derive(Clone, Debug, Default)]
struct Place {
    last: u32,
    /// Who has a number.
    pids: BTreeMap<Pid, Pid>,
}

/// The numbers of all places that count their own.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    places: BTreeMap<ContextId, Place>,
}

impl Numbers {
    /// The number of a new process in its place, which begins to count when this is its process 1.
    pub(super) fn give(&mut self, context: ContextId, pid: Pid, init: bool) -> Pid {
        if init {
            self.places.insert(context, Place::default());
        }
        let Some(place) = self.places.get_mut(&context) else { return pid };
        place.last += 1;
        let number = Pid(place.last);
        place.pids.insert(number, pid);
        number
    }

    /// A process is gone; nobody gets its number again.
    pub(super) fn take_back(&mut self, context: ContextId, number: Pid) {
        if let Some(place) = self.places.get_mut(&context) {
            place.pids.remove(&number);
        }
    }

    /// A place is gone.
    pub(super) fn forget(&mut self, context: ContextId) {
        self.places.remove(&context);
    }

    /// Who has a number in a place.
    pub(super) fn pid(&self, context: ContextId, number: Pid) -> Option<Pid> {
        match self.places.get(&context) {
            Some(place) => place.pids.get(&number).copied(),
            None => Some(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_from_its_process_1() {
        let (host, guest) = (ContextId(1), ContextId(2));
        let mut numbers = Numbers::default();
        assert_eq!(numbers.give(host, Pid(7), false), Pid(7));
        assert_eq!(numbers.give(guest, Pid(8), true), Pid(1));
        assert_eq!(numbers.give(guest, Pid(9), false), Pid(2));
        assert_eq!((numbers.pid(guest, Pid(2)), numbers.pid(host, Pid(7))), (Some(Pid(9)), Some(Pid(7))));
        numbers.take_back(guest, Pid(2));
        assert_eq!(numbers.pid(guest, Pid(2)), None);
        assert_eq!(numbers.give(guest, Pid(10), false), Pid(3), "no number is given twice");
        assert_eq!(numbers.give(guest, Pid(11), true), Pid(1), "until it is started again");
    }
}
