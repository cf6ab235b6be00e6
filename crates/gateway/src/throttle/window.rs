//! One counter of calls within a sliding window.

/// How many slots make up a window.
const SLOTS: u64 = 16;
/// How many slots are kept: any window as long as `SLOTS` of them touches at most one more.
const KEPT: usize = SLOTS as usize + 1;

/// Where a moment lies in slots of a window's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    ms: u64,
    slot_ms: u64,
}

impl Moment {
    /// The moment `ms` milliseconds after some beginning.
    pub(super) fn new(ms: u64, window_ms: u64) -> Self {
        Self { ms, slot_ms: window_ms.div_ceil(SLOTS).max(1) }
    }

    /// Slots are numbered from `KEPT` on, so that there are always as many before.
    fn slot(self) -> u64 {
        self.ms / self.slot_ms + KEPT as u64
    }

    /// How long it is until a slot begins.
    fn until(self, slot: u64) -> u64 {
        (slot - KEPT as u64).saturating_mul(self.slot_ms).saturating_sub(self.ms)
    }
}

/// How many calls there were, by slot.
///
/// The promise: if a call is only taken while [`used`](Self::used) is below a limit, then no window
/// of full length, wherever it begins, holds more calls than the limit. For a window covers
/// `SLOTS` slots' length, so it touches at most `KEPT` slots in a row, and when its last call was
/// taken all of these were counted.
///
/// The price: a call may be counted up to one slot longer than the window lasts, so a caller that
/// waits for room may wait a sixteenth of the window too long, never too short.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    /// The latest slot counted in.
    newest: u64,
    sum: u32,
    slots: [u32; KEPT],
}

impl Window {
    /// How many calls count at this moment.
    pub(super) fn used(&mut self, now: Moment) -> u32 {
        let slot = now.slot();
        if slot >= self.newest + KEPT as u64 {
            *self = Self { newest: slot, ..Self::default() };
        }
        while self.newest < slot {
            self.newest += 1;
            let oldest = self.at(self.newest);
            self.sum -= std::mem::take(oldest);
        }
        self.sum
    }

    /// Counts a call, after [`used`](Self::used) was asked about the same moment.
    pub(super) fn take(&mut self) {
        let newest = self.newest;
        *self.at(newest) += 1;
        self.sum += 1;
    }

    /// How many milliseconds after `now` fewer than `limit` calls will count, if none is added;
    /// [`used`](Self::used) was asked about the same moment.
    pub(super) fn wait(&mut self, limit: u32, now: Moment) -> u64 {
        let mut left = self.sum;
        for slot in self.newest.saturating_sub(SLOTS)..=self.newest {
            if left < limit {
                return now.until(slot + SLOTS);
            }
            left -= *self.at(slot);
        }
        now.until(self.newest + KEPT as u64)
    }

    fn at(&mut self, slot: u64) -> &mut u32 {
        // The remainder is smaller than the array.
        &mut self.slots[(slot % KEPT as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Takes what a limit lets through, and tells when each call was taken or how long it was to wait.
    fn run(window_ms: u64, limit: u32, at: &[u64]) -> Vec<(u64, Option<u64>)> {
        let mut window = Window::default();
        let mut one = |ms: u64| {
            let now = Moment::new(ms, window_ms);
            if window.used(now) < limit {
                window.take();
                (ms, None)
            } else {
                (ms, Some(window.wait(limit, now)))
            }
        };
        at.iter().map(|ms| one(*ms)).collect()
    }

    #[test]
    fn a_burst_is_taken_and_forgotten_after_the_window_and_a_slot_at_most() {
        // 16 slots of 100 ms.
        for (at, limit, expected) in [
            (&[0, 0, 0][..], 2, &[(0, None), (0, None), (0, Some(1_700))][..]),
            (&[99, 100, 1_699], 2, &[(99, None), (100, None), (1_699, Some(1))]),
            (&[99, 100, 1_700], 2, &[(99, None), (100, None), (1_700, None)]),
            (
                &[0, 500, 1_700, 1_700],
                2,
                &[(0, None), (500, None), (1_700, None), (1_700, Some(500))],
            ),
            (&[50, 9_999_999], 1, &[(50, None), (9_999_999, None)]),
            // A moment before the latest counts with it.
            (
                &[500, 450, 2_199, 2_200],
                2,
                &[(500, None), (450, None), (2_199, Some(1)), (2_200, None)],
            ),
        ] {
            assert_eq!(run(1_600, limit, at), expected, "{at:?}");
        }
    }

    #[test]
    fn a_limit_that_was_lowered_waits_for_all_that_is_too_much() {
        let mut window = Window::default();
        for ms in [0, 100, 200] {
            window.used(Moment::new(ms, 1_600));
            window.take();
        }
        let now = Moment::new(200, 1_600);
        assert_eq!(window.used(now), 3);
        for (limit, wait) in [(4, 0), (3, 1_500), (2, 1_600), (1, 1_700)] {
            let told = if window.used(now) < limit { 0 } else { window.wait(limit, now) };
            assert_eq!(told, wait, "{limit}");
        }
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_the_limit_and_no_wait_is_wrong(
            window_ms in prop_oneof![1_u64..200, Just(1_000), Just(86_400_000)],
            limit in 1_u32..6,
            steps in prop::collection::vec(0_u64..40, 1..200),
            scale in 1_u64..2_000,
        ) {
            let mut at = 0;
            let at: Vec<u64> = steps
                .into_iter()
                .map(|step| {
                    at += step * scale * window_ms / 40_000;
                    at
                })
                .collect();
            let told = run(window_ms, limit, &at);
            let taken: Vec<u64> = told.iter().filter(|(_, wait)| wait.is_none()).map(|(at, _)| *at).collect();
            for from in &taken {
                let within = taken.iter().filter(|at| (*from..from + window_ms).contains(at)).count();
                prop_assert!(within <= limit as usize, "{within} from {from}");
            }
            let slot = window_ms.div_ceil(SLOTS);
            for (n, (ms, wait)) in told.iter().enumerate() {
                let Some(wait) = wait else { continue };
                // Nobody is refused who has made few calls for a window and a slot.
                let reach = KEPT as u64 * slot;
                let recent = taken.iter().filter(|at| **at <= *ms && **at + reach > *ms).count();
                prop_assert!(recent >= limit as usize, "refused at {ms} after {recent}");
                // Who waits as long as he is told is let in, and not a moment sooner.
                let mut calls = at.get(..n).unwrap_or_default().to_vec();
                let mut later = |ms| {
                    calls.push(ms);
                    let told = run(window_ms, limit, &calls).pop();
                    calls.pop();
                    told.map(|(_, wait)| wait)
                };
                prop_assert_eq!(later(ms + wait), Some(None));
                prop_assert!(*wait > 0 && later(ms + wait - 1) != Some(None));
            }
        }
    }
}
