//! Counters of calls. Every call counts, on any thread: each thread has counters of its own, as far as
//! there are enough, so that no two processors pass a cache line to and fro. They are added up when
//! somebody asks.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::{Aborted, Kind};
use crate::denial::Reason;

/// A phase of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Read,
    Check,
    Backend,
    Transfer,
    Total,
}

const PHASES: usize = 5;
const KINDS: usize = 2;

/// The upper bounds of a histogram's buckets, in microseconds: 8 µs to 33 s.
pub(crate) const BOUNDS_US: [u64; 23] = {
    let mut bounds = [8; 23];
    let mut index = 1;
    while index < bounds.len() {
        bounds[index] = bounds[index - 1] * 2;
        index += 1;
    }
    bounds
};

/// How long something took, over many calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spread {
    /// How many fell into each bucket; the last one has no bound.
    pub(crate) counts: [u64; BOUNDS_US.len() + 1],
    pub(crate) sum_us: u64,
}

#[derive(Default)]
struct Times {
    counts: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

/// The counters of one thread, or of a few.
#[repr(align(128))]
struct Slot {
    began: AtomicU64,
    ended: AtomicU64,
    admitted: AtomicU64,
    denied: [AtomicU64; Reason::ALL.len()],
    aborted: [AtomicU64; Aborted::ALL.len()],
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    times: [[Times; PHASES]; KINDS],
}

const SLOTS: usize = 16;

/// All counters.
pub(crate) struct Tally {
    slots: Box<[Slot]>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        let slot = |_| Slot {
            began: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            admitted: AtomicU64::new(0),
            denied: [const { AtomicU64::new(0) }; Reason::ALL.len()],
            aborted: [const { AtomicU64::new(0) }; Aborted::ALL.len()],
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            times: Default::default(),
        };
        Self { slots: (0..SLOTS).map(slot).collect() }
    }

    fn slot(&self) -> Option<&Slot> {
        self.slots.get(own_slot(SLOTS))
    }

    fn add(&self, counter: impl Fn(&Slot) -> Option<&AtomicU64>, count: u64) {
        if let Some(counter) = self.slot().and_then(counter) {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }

    fn sum(&self, counter: impl Fn(&Slot) -> Option<&AtomicU64>) -> u64 {
        let counts = self.slots.iter().filter_map(counter).map(|c| c.load(Ordering::Relaxed));
        counts.fold(0, u64::wrapping_add)
    }

    /// A call began.
    pub(crate) fn began(&self) {
        self.add(|slot| Some(&slot.began), 1);
    }

    /// It is over.
    pub(crate) fn ended(&self) {
        self.add(|slot| Some(&slot.ended), 1);
    }

    /// How many have begun and are not over.
    pub(crate) fn in_flight(&self) -> u64 {
        // In this order, so that no call is over that did not begin.
        let ended = self.sum(|slot| Some(&slot.ended));
        self.sum(|slot| Some(&slot.began)).saturating_sub(ended)
    }

    /// A verdict was made.
    pub(crate) fn judged(&self, verdict: Result<(), Reason>) {
        self.add(|slot| counter_of(slot, verdict), 1);
    }

    /// How many verdicts were like this.
    pub(crate) fn verdicts(&self, verdict: Result<(), Reason>) -> u64 {
        self.sum(|slot| counter_of(slot, verdict))
    }

    /// A call was broken off.
    pub(crate) fn aborted(&self, by: Aborted) {
        self.add(|slot| slot.aborted.get(by as usize), 1);
    }

    /// How many calls were broken off.
    pub(crate) fn all_aborted(&self, by: Aborted) -> u64 {
        self.sum(|slot| slot.aborted.get(by as usize))
    }

    /// Bodies went in and out.
    pub(crate) fn moved(&self, bytes_in: u64, bytes_out: u64) {
        self.add(|slot| Some(&slot.bytes_in), bytes_in);
        self.add(|slot| Some(&slot.bytes_out), bytes_out);
    }

    /// How many bytes went in, and how many out.
    pub(crate) fn all_moved(&self) -> (u64, u64) {
        (self.sum(|slot| Some(&slot.bytes_in)), self.sum(|slot| Some(&slot.bytes_out)))
    }

    /// A phase of a call took so long.
    pub(crate) fn took(&self, kind: Kind, phase: Phase, time: Duration) {
        // Without a division of 128 bits.
        let us = time.as_secs().saturating_mul(1_000_000);
        let us = us.saturating_add(time.subsec_nanos().div_ceil(1_000).into());
        let bucket = BOUNDS_US.partition_point(|bound| *bound < us);
        if let Some(times) = self.slot().and_then(|slot| times_of(slot, kind, phase)) {
            times.sum_us.fetch_add(us, Ordering::Relaxed);
            if let Some(count) = times.counts.get(bucket) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How long a phase took, over all calls.
    pub(crate) fn times(&self, kind: Kind, phase: Phase) -> Spread {
        let mut spread = Spread { counts: [0; BOUNDS_US.len() + 1], sum_us: 0 };
        for times in self.slots.iter().filter_map(|slot| times_of(slot, kind, phase)) {
            for (sum, count) in spread.counts.iter_mut().zip(&times.counts) {
                *sum = sum.wrapping_add(count.load(Ordering::Relaxed));
            }
            spread.sum_us = spread.sum_us.wrapping_add(times.sum_us.load(Ordering::Relaxed));
        }
        spread
    }
}

fn counter_of(slot: &Slot, verdict: Result<(), Reason>) -> Option<&AtomicU64> {
    match verdict {
        Ok(()) => Some(&slot.admitted),
        Err(reason) => slot.denied.get(reason as usize),
    }
}

fn times_of(slot: &Slot, kind: Kind, phase: Phase) -> Option<&Times> {
    slot.times.get(kind as usize)?.get(phase as usize)
}

/// Which of `slots` this thread uses. It only spreads threads; nothing is decided by it.
pub(super) fn own_slot(slots: usize) -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed));
    }
    OWN.try_with(Cell::get).unwrap_or_default().checked_rem(slots).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_count_apart_and_are_added_up() {
        let tally = Tally::new();
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    for us in [1, 8, 9, 16, 1_000_000_000] {
                        tally.took(Kind::Call, Phase::Check, Duration::from_micros(us));
                    }
                    tally.judged(Err(Reason::NoGrant));
                    tally.began();
                    tally.moved(1, 2);
                });
            }
        });
        let spread = tally.times(Kind::Call, Phase::Check);
        assert_eq!(spread.counts[..3], [40, 40, 0]);
        assert_eq!(spread.counts.last(), Some(&20));
        assert_eq!(spread.sum_us, 20 * 1_000_000_034);
        assert_eq!(tally.times(Kind::Check, Phase::Check).sum_us, 0);
        assert_eq!(tally.verdicts(Err(Reason::NoGrant)), 20);
        assert_eq!((tally.in_flight(), tally.all_moved()), (20, (20, 40)));
    }

    #[test]
    fn a_moment_past_a_bound_belongs_above_it() {
        let tally = Tally::new();
        tally.took(Kind::Check, Phase::Total, Duration::from_nanos(8_001));
        assert_eq!(tally.times(Kind::Check, Phase::Total).counts[..2], [0, 1]);
    }
}
