//! The proof that a node may speak for the store.
//!
//! A node that shares its store with others beats now and then: it commits a row, as durably as a
//! decision, and learns the store's own time. As long as its own clock agrees with that, it decides; the
//! age of the last such beat says how old the state it tells of may be. A node that was cut off from the
//! primary, or whose clock is wrong, has no fresh proof and renews no lease.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidegate_domain::Timestamp;

use crate::error::Unproven;

/// How far a node's clock may be from the store's, and from its own pace, in milliseconds.
pub const CLOCK_LIMIT_MS: i64 = 2_000;

/// The clocks of a node that is not alone on its store.
#[derive(Clone)]
pub struct Clocks {
    /// The time of day.
    pub wall: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// The time since the machine was started, which nobody sets and which goes on while it sleeps.
    pub boot: Arc<dyn Fn() -> Duration + Send + Sync>,
}

impl fmt::Debug for Clocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clocks(..)")
    }
}

/// A beat at which both clocks agreed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Agreed {
    wall: Timestamp,
    boot: Duration,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Unknown,
    Agreed(Agreed),
    /// The last beat found the clock off. The proof of before goes on ageing.
    Off {
        by_ms: i64,
        before: Option<Agreed>,
    },
}

/// The proof of one node.
#[derive(Debug)]
pub(crate) struct Proof {
    clocks: Clocks,
    state: Mutex<State>,
}

impl Proof {
    pub(crate) fn new(clocks: Clocks) -> Self {
        Self { clocks, state: Mutex::new(State::Unknown) }
    }

    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The moment before a beat is sent.
    pub(crate) fn sent(&self) -> Agreed {
        Agreed { wall: (self.clocks.wall)(), boot: (self.clocks.boot)() }
    }

    /// A beat that was sent then has told the store's time: it was that at some moment in between.
    pub(crate) fn answered(&self, sent: Agreed, store: Timestamp) -> Result<(), Unproven> {
        let now = (self.clocks.wall)();
        let ahead = sent.wall.as_ms().saturating_sub(store.as_ms());
        let behind = store.as_ms().saturating_sub(now.as_ms());
        let by_ms = if ahead > CLOCK_LIMIT_MS { ahead } else { -behind };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if ahead <= CLOCK_LIMIT_MS && behind <= CLOCK_LIMIT_MS {
            *state = State::Agreed(sent);
            return Ok(());
        }
        let before = match *state {
            State::Unknown => None,
            State::Agreed(agreed) => Some(agreed),
            State::Off { before, .. } => before,
        };
        *state = State::Off { by_ms, before };
        Err(Unproven::ClockOff { by_ms })
    }

    /// May this node decide? Between two beats its clock is held against its own pace, so that no
    /// decision is made by a clock that was set a moment ago.
    pub(crate) fn check(&self) -> Result<(), Unproven> {
        match self.state() {
            State::Unknown => Err(Unproven::NotYet),
            State::Off { by_ms, .. } => Err(Unproven::ClockOff { by_ms }),
            State::Agreed(agreed) => {
                let now = self.sent();
                let paced = now.boot.saturating_sub(agreed.boot).as_millis();
                let expected = agreed.wall.plus_ms(i64::try_from(paced).unwrap_or(i64::MAX));
                let by_ms = now.wall.as_ms().saturating_sub(expected.as_ms());
                if by_ms.saturating_abs() <= CLOCK_LIMIT_MS {
                    Ok(())
                } else {
                    Err(Unproven::ClockJumped { by_ms })
                }
            }
        }
    }

    pub(crate) fn age(&self) -> Option<Duration> {
        let agreed = match self.state() {
            State::Unknown => None,
            State::Agreed(agreed) => Some(agreed),
            State::Off { before, .. } => before,
        }?;
        Some((self.clocks.boot)().saturating_sub(agreed.boot))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that fails panics
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// A proof whose clocks are moved by hand, in milliseconds.
    struct Hand {
        proof: Proof,
        wall: Arc<AtomicI64>,
        boot: Arc<AtomicI64>,
    }

    impl Hand {
        fn new() -> Self {
            let (wall, boot) = (Arc::new(AtomicI64::new(1_000_000)), Arc::new(AtomicI64::new(0)));
            let (seen, paced) = (Arc::clone(&wall), Arc::clone(&boot));
            let boot_ms = move || u64::try_from(paced.load(Ordering::SeqCst)).unwrap();
            let clocks = Clocks {
                wall: Arc::new(move || Timestamp::from_ms(seen.load(Ordering::SeqCst))),
                boot: Arc::new(move || Duration::from_millis(boot_ms())),
            };
            Self { proof: Proof::new(clocks), wall, boot }
        }

        fn pass(&self, ms: i64) {
            self.wall.fetch_add(ms, Ordering::SeqCst);
            self.boot.fetch_add(ms, Ordering::SeqCst);
        }

        fn set(&self, by_ms: i64) {
            self.wall.fetch_add(by_ms, Ordering::SeqCst);
        }

        /// A beat that takes `ms`, half of it there; the store's clock is `off` ahead.
        fn beat(&self, ms: i64, off: i64) -> Result<(), Unproven> {
            let sent = self.proof.sent();
            self.pass(ms / 2);
            let store = Timestamp::from_ms(self.wall.load(Ordering::SeqCst) + off);
            self.pass(ms / 2);
            self.proof.answered(sent, store)
        }
    }

    #[test]
    fn a_proof_ages_from_the_sending_of_the_last_good_beat() {
        let hand = Hand::new();
        assert_eq!((hand.proof.age(), hand.proof.check()), (None, Err(Unproven::NotYet)));
        hand.beat(400, 0).unwrap();
        assert_eq!(hand.proof.age(), Some(Duration::from_millis(400)));
        hand.pass(600);
        assert_eq!(hand.proof.age(), Some(Duration::from_millis(1_000)));
        assert_eq!(hand.proof.check(), Ok(()));
    }

    #[test]
    fn a_clock_that_is_off_proves_nothing_until_it_agrees_again() {
        let hand = Hand::new();
        hand.beat(10, CLOCK_LIMIT_MS).unwrap();
        for (off, by_ms) in [(3_600_000, -3_599_995), (-3_600_000, 3_599_995)] {
            assert_eq!(hand.beat(10, off), Err(Unproven::ClockOff { by_ms }));
            assert_eq!(hand.proof.check(), Err(Unproven::ClockOff { by_ms }));
        }
        assert_eq!(hand.proof.age(), Some(Duration::from_millis(30)), "it goes on ageing");
        hand.beat(10, 0).unwrap();
        assert_eq!(hand.proof.check(), Ok(()));
        assert_eq!(hand.proof.age(), Some(Duration::from_millis(10)));
    }

    #[test]
    fn a_clock_that_is_set_between_two_beats_is_noticed_at_once() {
        let hand = Hand::new();
        hand.beat(10, 0).unwrap();
        hand.pass(500);
        hand.set(3_600_000);
        assert_eq!(hand.proof.check(), Err(Unproven::ClockJumped { by_ms: 3_600_000 }));
        hand.set(-7_200_000);
        assert_eq!(hand.proof.check(), Err(Unproven::ClockJumped { by_ms: -3_600_000 }));
        hand.set(3_600_000);
        assert_eq!(hand.proof.check(), Ok(()));
    }
}
