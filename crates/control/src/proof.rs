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

use crate::Control;
use crate::error::{Error, Result};

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

/// Why a node may not decide, in its own eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// It has not heard the store's time yet.
    #[error("the store's time is not known yet")]
    NotYet,
    /// Its clock and the store's disagree.
    #[error("the clock of this node is {by_ms} ms off the store's")]
    ClockOff {
        /// By how much this node is ahead, in milliseconds.
        by_ms: i64,
    },
    /// Its clock was set since it last agreed with the store's.
    #[error("the clock of this node has jumped by {by_ms} ms")]
    ClockJumped {
        /// Forward by how much, in milliseconds.
        by_ms: i64,
    },
    /// Its clock is further ahead than time can have passed.
    #[error("the clock of this node is {} ahead of what is plausible: set it, or say that it is right \
             (`tidegate store trust-clock`)", span(*.by_ms))]
    ClockAhead {
        /// By how much, in milliseconds.
        by_ms: i64,
    },
    /// Its clock is behind the last decision.
    #[error("the clock of this node is {} behind the last decision: set it, or say that it is right \
             (`tidegate store trust-clock`)", span(*.by_ms))]
    ClockBehind {
        /// By how much, in milliseconds.
        by_ms: i64,
    },
}

/// A span of some hours or more, for people.
fn span(ms: i64) -> String {
    let hours = ms / 3_600_000;
    if hours < 48 { format!("{hours} h") } else { format!("{} days", hours / 24) }
}

/// A beat at which both clocks agreed.
#[derive(Debug, Clone, Copy)]
struct Agreed {
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
    fn sent(&self) -> Agreed {
        Agreed { wall: (self.clocks.wall)(), boot: (self.clocks.boot)() }
    }

    /// A beat that was sent then has told the store's time: it was that at some moment in between.
    fn answered(&self, sent: Agreed, store: Timestamp) -> Result<(), Unproven> {
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

    fn age(&self) -> Option<Duration> {
        let agreed = match self.state() {
            State::Unknown => None,
            State::Agreed(agreed) => Some(agreed),
            State::Off { before, .. } => before,
        }?;
        Some((self.clocks.boot)().saturating_sub(agreed.boot))
    }
}

impl Control {
    /// How long ago this node last proved that it speaks for the store: the sending of the last
    /// beat that was committed and found the clocks agreeing. None if there was none. A node that is
    /// alone on its store needs no proof, so its age is nothing.
    pub fn proof_age(&self) -> Option<Duration> {
        if self.clock_is_right().is_err() {
            return None;
        }
        match &self.proof {
            None => Some(Duration::ZERO),
            Some(proof) => proof.age(),
        }
    }

    /// May this node decide?
    pub fn proven(&self) -> Result<(), Unproven> {
        self.proof.as_ref().map_or(Ok(()), Proof::check)?;
        self.clock_is_right()
    }

    fn clock_is_right(&self) -> Result<(), Unproven> {
        self.clock.as_ref().map_or(Ok(()), |clock| clock.check())
    }

    /// Renews the proof, and looks again at a clock that was not right.
    pub async fn beat(&self) -> Result<()> {
        if let Some(clock) = self.clock.as_ref().filter(|clock| clock.wants_a_look()) {
            let head = self.store.view().await?.head().await?;
            clock.learn(&head);
            clock.check()?;
        }
        let (Some(proof), Some(peers)) = (&self.proof, self.store.peers()) else { return Ok(()) };
        let sent = proof.sent();
        let store = peers.beat(&self.node).await?;
        proof.answered(sent, store).map_err(Error::Unproven)
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
