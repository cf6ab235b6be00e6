//! Is a backend worth a call? Told by the calls themselves; nobody is asked whether it is well.
//!
//! A backend that fails a few times in a row gets no calls for a while. Then one call tries it: if it
//! is answered, all is forgotten; if not, the while is twice as long, up to a bound.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// So many failures in a row put a backend out.
pub(super) const IN_A_ROW: u32 = 3;
/// For so long, the first time.
const FIRST: Duration = Duration::from_secs(1);
/// For so long at most.
const LONGEST: Duration = Duration::from_secs(60);

/// How a backend has done. Moments are told as the time since its set was made.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// Failures in a row.
    failures: AtomicU32,
    /// How often it was put out since it last answered.
    ejections: AtomicU32,
    /// Until when it is out, in nanoseconds; 0 when it is in.
    until: AtomicU64,
}

impl Health {
    /// Does it get calls like any other?
    pub(super) fn is_in(&self) -> bool {
        self.until.load(Ordering::Relaxed) == 0
    }

    /// Is it time to try it again? Only one caller is told so.
    pub(super) fn may_be_tried(&self, now: Duration) -> bool {
        let until = self.until.load(Ordering::Relaxed);
        if until == 0 || nanos(now) < until {
            return false;
        }
        // Should this try never end, another one follows.
        let next = nanos(now + self.pause());
        self.until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// It answered.
    pub(super) fn succeeded(&self) {
        // Most often there is nothing to forget, and reading disturbs no other thread.
        if self.failures.load(Ordering::Relaxed) != 0 || !self.is_in() {
            self.failures.store(0, Ordering::Relaxed);
            self.ejections.store(0, Ordering::Relaxed);
            self.until.store(0, Ordering::Relaxed);
        }
    }

    /// It did not. Does this put it out? While it is out only the failure of a try counts: calls that
    /// began before say nothing new.
    pub(super) fn failed(&self, now: Duration, is_try: bool) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let was_in = self.is_in();
        if (was_in && failures < IN_A_ROW) || (!was_in && !is_try) {
            return false;
        }
        self.until.store(nanos(now + self.pause()), Ordering::Relaxed);
        self.ejections.fetch_add(1, Ordering::Relaxed);
        was_in
    }

    /// How long it is put out for now.
    fn pause(&self) -> Duration {
        let doubled = 2_u32.saturating_pow(self.ejections.load(Ordering::Relaxed));
        FIRST.saturating_mul(doubled).min(LONGEST)
    }
}

/// Never 0, which means that it is in.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Duration = Duration::ZERO;

    #[test]
    fn only_failures_in_a_row_put_a_backend_out() {
        let health = Health::default();
        for _ in 0..10 {
            assert!(!health.failed(NONE, false) && !health.failed(NONE, false));
            health.succeeded();
        }
        assert!(health.is_in());
        let failed: Vec<bool> = (0..4).map(|_| health.failed(NONE, false)).collect();
        assert_eq!(failed, [false, false, true, false], "it is put out once");
        assert!(!health.is_in());
    }

    #[test]
    fn one_call_at_a_time_tries_it_and_each_failure_doubles_the_pause() {
        let health = Health::default();
        for _ in 0..IN_A_ROW {
            health.failed(NONE, false);
        }
        let mut now = NONE;
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            let (pause, moment) = (Duration::from_secs(seconds), Duration::from_millis(1));
            assert!(!health.may_be_tried(now + pause - moment), "{seconds} s");
            now += pause;
            assert!(health.may_be_tried(now), "{seconds} s");
            assert!(!health.may_be_tried(now), "one is enough");
            assert!(!health.failed(now, false) && !health.failed(now, true), "it is out already");
        }
        assert!(health.may_be_tried(now + LONGEST));
        assert!(
            health.may_be_tried(now + LONGEST * 2),
            "a try that never ends is followed by another"
        );
        health.succeeded();
        assert!(health.is_in() && !health.may_be_tried(now + LONGEST * 4));
        for _ in 0..IN_A_ROW {
            health.failed(now, false);
        }
        assert!(health.may_be_tried(now + FIRST), "it begins anew");
    }
}
