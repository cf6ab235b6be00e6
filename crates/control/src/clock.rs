//! Whether the clock of this machine can be believed.
//!
//! A clock that was wrong once would be wrong for ever: decision time never goes back, so one change made at a time
//! years ahead would end every grant. So a change is only made at a time that is plausible:
//!
//! ```text
//! ahead    the last decision's time, and what the machine's boot-time clock has counted since: an hour more
//!          at most. If it is not known how long ago that was (the machine was started since, or it was another
//!          one): 31 days after the last decision at most.
//! behind   an hour before the last decision at most.
//! ```
//!
//! Beyond, this node decides nothing and renews no lease, until its clock is right again or an operator says that it
//! is right already (`tidegate store trust-clock`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_domain::Timestamp;
use tidegate_store::{BootTime, ClockMark, Head};

use crate::error::Unproven;
use crate::limits::{CLOCK_LEAP_MS, CLOCK_PAUSE_MS};
use crate::proof::Clocks;

/// Holds the clock of this machine against its boot-time clock and the last decision.
#[derive(Debug)]
pub struct ClockGuard {
    clocks: Clocks,
    /// Names the start of the machine; empty if it is not known.
    boot: String,
    state: Mutex<State>,
}

#[derive(Debug, Default, Clone, Copy)]
struct State {
    /// The time of the last decision that is known here; 0 if none was made.
    decided_at: i64,
    /// A moment at which the clock was right: its time, and that of the boot-time clock.
    right: Option<Moment>,
    /// An operator says that it is right now.
    is_trusted: bool,
    /// Has the store been looked at?
    has_learnt: bool,
}

/// One moment by both clocks, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Moment {
    wall: i64,
    boot: i64,
}

impl ClockGuard {
    /// A guard of these clocks. `boot` names the start of the machine since which the boot-time clock counts; empty if
    /// it is not known.
    pub fn new(clocks: Clocks, boot: String) -> Arc<Self> {
        Arc::new(Self { clocks, boot, state: Mutex::default() })
    }

    /// What a decision is kept with that is made now.
    pub(crate) fn mark(&self) -> ClockMark {
        if self.boot.is_empty() {
            return ClockMark::Unknown;
        }
        let ms = u64::try_from(self.now().boot).unwrap_or_default();
        ClockMark::At(BootTime { boot: self.boot.clone(), ms })
    }

    /// Takes note of the last decision, as the store has it.
    pub fn learn(&self, head: &Head) {
        let mut state = self.state();
        state.has_learnt = true;
        state.decided_at = head.decided_at.as_ms();
        state.is_trusted = head.clock == ClockMark::Trusted;
        match &head.clock {
            ClockMark::At(at) if at.boot == self.boot && state.right.is_none() => {
                let boot = i64::try_from(at.ms).unwrap_or(i64::MAX);
                state.right = Some(Moment { wall: state.decided_at, boot });
            }
            ClockMark::At(_) | ClockMark::Unknown => {}
            ClockMark::Trusted => state.right = None,
        }
    }

    /// A decision was made here at this time.
    pub(crate) fn decided(&self, at: Timestamp) {
        let mut state = self.state();
        state.decided_at = at.as_ms().max(state.decided_at);
        state.is_trusted = false;
    }

    /// Whether the clock is right, as far as can be known.
    ///
    /// # Errors
    ///
    /// By how much it is ahead of what is plausible, or behind.
    pub fn check(&self) -> Result<(), Unproven> {
        let now = self.now();
        let mut state = self.state();
        let behind = state.decided_at.saturating_sub(now.wall);
        if behind > CLOCK_LEAP_MS {
            return Err(Unproven::ClockBehind { by_ms: behind });
        }
        if state.is_trusted {
            state.right = Some(now);
            return Ok(());
        }
        let (expected, most) = match state.right {
            Some(Moment { wall, boot }) => {
                let passed = now.boot.saturating_sub(boot).max(0);
                (wall.saturating_add(passed).max(state.decided_at), CLOCK_LEAP_MS)
            }
            // Nothing was decided ever: there is nothing to hold it against.
            None if state.decided_at == 0 => (now.wall, 0),
            None => (state.decided_at, CLOCK_PAUSE_MS),
        };
        let ahead = now.wall.saturating_sub(expected);
        if ahead > most {
            return Err(Unproven::ClockAhead { by_ms: ahead });
        }
        if state.right.is_none() {
            state.right = Some(now);
        }
        Ok(())
    }

    /// Whether the store should be looked at: it never was, or what it had then does not fit.
    pub(crate) fn wants_a_look(&self) -> bool {
        let has_learnt = self.state().has_learnt;
        !has_learnt || self.check().is_err()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
        let boot = (self.clocks.boot)().as_millis();
        Moment { wall: (self.clocks.wall)().as_ms(), boot: i64::try_from(boot).unwrap_or(i64::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::time::Duration;

    use tidegate_store::Revision;

    use super::*;

    const DAWN: i64 = 1_800_000_000_000;
    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;
    const YEARS: i64 = 20 * 365 * DAY;

    /// A machine whose clocks are moved by hand.
    struct Machine {
        wall: Arc<AtomicI64>,
        boot: Arc<AtomicI64>,
    }

    impl Machine {
        fn at(wall: i64, boot: i64) -> Self {
            Self { wall: Arc::new(AtomicI64::new(wall)), boot: Arc::new(AtomicI64::new(boot)) }
        }

        /// A process that starts on it.
        fn starts(&self) -> Arc<ClockGuard> {
            let (wall, boot) = (Arc::clone(&self.wall), Arc::clone(&self.boot));
            let since = move || u64::try_from(boot.load(Ordering::SeqCst)).unwrap_or_default();
            let clocks = Clocks {
                wall: Arc::new(move || Timestamp::from_ms(wall.load(Ordering::SeqCst))),
                boot: Arc::new(move || Duration::from_millis(since())),
            };
            ClockGuard::new(clocks, "this-boot".to_owned())
        }

        fn pass(&self, ms: i64) {
            self.wall.fetch_add(ms, Ordering::SeqCst);
            self.boot.fetch_add(ms, Ordering::SeqCst);
        }

        fn set(&self, by: i64) {
            self.wall.fetch_add(by, Ordering::SeqCst);
        }
    }

    fn head(decided_at: i64, clock: ClockMark) -> Head {
        Head {
            epoch: "e".to_owned(),
            revision: Revision(1),
            stamp: "s".to_owned(),
            decided_at: Timestamp::from_ms(decided_at),
            clock,
        }
    }

    fn by(boot: &str, ms: u64) -> ClockMark {
        ClockMark::At(BootTime { boot: boot.to_owned(), ms })
    }

    fn ahead(by_ms: i64) -> Result<(), Unproven> {
        Err(Unproven::ClockAhead { by_ms })
    }

    /// At a start: how far the clock is past the last decision, and what is known of that one.
    #[test]
    fn what_a_start_believes() {
        let behind = |by_ms| Err(Unproven::ClockBehind { by_ms });
        let (unknown, here, before) =
            (ClockMark::Unknown, by("this-boot", 1_000), by("other", 1_000));
        for (clock, past, expected) in [
            // The machine counts 10 hours since that decision.
            (&here, 10 * HOUR, Ok(())),
            (&here, 11 * HOUR, Ok(())),
            (&here, 11 * HOUR + 1, ahead(HOUR + 1)),
            (&here, YEARS, ahead(YEARS - 10 * HOUR)),
            (&here, 0, Ok(())),
            (&here, -HOUR, Ok(())),
            (&here, -HOUR - 1, behind(HOUR + 1)),
            // How long ago it was is not known.
            (&before, 31 * DAY, Ok(())),
            (&before, 31 * DAY + 1, ahead(31 * DAY + 1)),
            (&before, -2 * HOUR, behind(2 * HOUR)),
            (&unknown, 31 * DAY, Ok(())),
            (&unknown, YEARS, ahead(YEARS)),
            // The operator says that it is right.
            (&ClockMark::Trusted, YEARS, Ok(())),
        ] {
            let machine = Machine::at(DAWN + past, 1_000 + 10 * HOUR);
            let guard = machine.starts();
            guard.learn(&head(DAWN, clock.clone()));
            assert_eq!(guard.check(), expected, "{clock:?} {past}");
        }
        // Nothing was ever decided.
        let guard = Machine::at(DAWN, 0).starts();
        guard.learn(&head(0, ClockMark::Unknown));
        assert_eq!(guard.check(), Ok(()));
    }

    /// While it runs, whoever decided last.
    #[test]
    fn a_leap_is_believed_by_no_running_node() {
        for clock in [ClockMark::Unknown, by("other", 5), by("this-boot", 0)] {
            let machine = Machine::at(DAWN, 0);
            let guard = machine.starts();
            guard.learn(&head(DAWN, clock.clone()));
            guard.check().unwrap();
            // Months without a decision are no leap.
            machine.pass(200 * DAY);
            guard.check().unwrap();
            machine.set(YEARS);
            assert_eq!(guard.check(), ahead(YEARS), "{clock:?}");
            machine.set(-YEARS);
            guard.check().unwrap();
            machine.set(HOUR);
            guard.check().unwrap();
            machine.set(1);
            assert_eq!(guard.check(), ahead(HOUR + 1));
        }
    }

    #[test]
    fn what_an_operator_trusts_is_what_later_times_are_held_against() {
        let machine = Machine::at(DAWN, 0);
        let guard = machine.starts();
        guard.learn(&head(DAWN, ClockMark::Unknown));
        guard.check().unwrap();
        machine.set(YEARS);
        assert!(guard.check().is_err() && guard.wants_a_look());
        guard.learn(&head(DAWN, ClockMark::Trusted));
        assert_eq!(guard.check(), Ok(()));
        guard.learn(&head(DAWN + YEARS, guard.mark()));
        machine.pass(DAY);
        assert_eq!(guard.check(), Ok(()));
        machine.set(YEARS);
        assert_eq!(guard.check(), ahead(YEARS));
    }
}
