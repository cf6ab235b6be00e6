//! What time it is at the control side, as a gateway knows it.
//!
//! An answer tells the time it was made at. It was made after the question was sent and before the answer
//! came, which bounds how the control side's clock lies to this machine's boot-time clock. The later bound
//! is what counts: a right never ends late, and one that has been given has begun. It is off by the round
//! trip at most. The machine's own time of day is compared with it, and decides nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tidegate_domain::Timestamp;
use tidegate_gateway::{Clock, Moment};

use crate::frames::Told;
use crate::limits::{CLOCKS_APART_MS, DRIFT};

/// The time of the control side. Until it is known, which is before anything is let in, it is the machine's
/// own.
pub struct ControlTime {
    base: Moment,
    own: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    known: ArcSwapOption<Known>,
    /// The latest decision time that was shown: it never goes back.
    latest: AtomicI64,
    is_apart: AtomicBool,
}

/// What answers have told. Times are milliseconds; `at` is on the boot-time clock, since `base`.
#[derive(Debug, Clone, Copy)]
struct Known {
    at: i64,
    /// Decision time less boot time, at most.
    ahead: i64,
    /// Decision time less wall time.
    lead: i64,
}

impl Known {
    /// The decision time, at most, at `at`.
    fn now(&self, at: i64) -> i64 {
        let drift = at.saturating_sub(self.at) / DRIFT;
        self.ahead.saturating_add(at).saturating_add(drift)
    }
}

impl ControlTime {
    /// Knows nothing yet, and compares with `own`, the machine's time of day.
    pub fn new(own: Arc<dyn Fn() -> Timestamp + Send + Sync>) -> Self {
        Self {
            base: Moment::now(),
            own,
            known: ArcSwapOption::empty(),
            latest: AtomicI64::new(i64::MIN),
            is_apart: AtomicBool::new(false),
        }
    }

    /// An answer to a question that was sent at `sent`, whose head came at `came`.
    pub fn heard(&self, sent: Moment, came: Moment, told: &Told) {
        let now = told.now.as_ms();
        let earliest = ms(sent.since(self.base).saturating_add(told.held));
        let came = ms(came.since(self.base)).saturating_add(1);
        // Less than a millisecond is left out of each.
        let most = now.saturating_sub(earliest).saturating_add(1);
        let least = now.saturating_sub(came);
        let before = self.known.load().as_ref().map(|known| known.now(came).saturating_sub(came));
        let ahead = match before {
            Some(before) if before >= least => before.min(most),
            Some(_) | None => most,
        };
        let lead = now.saturating_sub(told.wall.as_ms());
        self.known.store(Some(Arc::new(Known { at: came, ahead, lead })));
        self.compare();
    }

    /// The decision time of the control side.
    pub fn now(&self) -> Timestamp {
        let Some((known, at)) = self.known() else { return (self.own)() };
        let shown = known.now(at);
        let before = self.latest.fetch_max(shown, Ordering::AcqRel);
        Timestamp::from_ms(shown.max(before))
    }

    /// The wall clock of the control side.
    pub fn wall(&self) -> Timestamp {
        match self.known() {
            Some((known, at)) => Timestamp::from_ms(known.now(at).saturating_sub(known.lead)),
            None => (self.own)(),
        }
    }

    /// How far the machine's own clock is ahead of the control side's; none if that is not known.
    pub fn own_ahead_ms(&self) -> Option<i64> {
        let (known, at) = self.known()?;
        let wall = known.now(at).saturating_sub(known.lead);
        Some((self.own)().as_ms().saturating_sub(wall))
    }

    /// The machine's own time of day.
    pub(crate) fn own(&self) -> Timestamp {
        (self.own)()
    }

    /// Both times, for a gate.
    pub fn clock(self: &Arc<Self>) -> Clock {
        let (now, wall) = (Arc::clone(self), Arc::clone(self));
        Clock { now: Arc::new(move || now.now()), wall: Arc::new(move || wall.wall()) }
    }

    fn known(&self) -> Option<(Known, i64)> {
        let known = **self.known.load().as_ref()?;
        Some((known, ms(Moment::now().since(self.base)).saturating_add(1)))
    }

    /// Tells when the clocks come apart, and when they agree again.
    fn compare(&self) {
        let Some(ahead_ms) = self.own_ahead_ms() else { return };
        let is_apart = ahead_ms.saturating_abs() > CLOCKS_APART_MS;
        if self.is_apart.swap(is_apart, Ordering::Relaxed) == is_apart {
            return;
        }
        if is_apart {
            tracing::warn!(
                ahead_ms,
                "this machine's clock is not that of the control side, whose time is used instead"
            );
        } else {
            tracing::info!(ahead_ms, "this machine's clock agrees with the control side's again");
        }
    }
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAWN: i64 = 1_800_000_000_000;
    const HOUR: i64 = 3_600_000;

    /// Real time goes on in a test, too; by less than this.
    const MOMENTS: i64 = 5_000;

    fn told(now: i64, held: Duration) -> Told {
        let (now, wall) = (Timestamp::from_ms(now), Timestamp::from_ms(now));
        let (epoch, stamp, since_stamp) = Default::default();
        let (since, head, age) = (0, 0, Duration::ZERO);
        Told { format: crate::FORMAT, epoch, since, head, stamp, since_stamp, age, now, wall, held }
    }

    fn is_about(time: Timestamp, ms: i64) -> bool {
        (ms..ms + MOMENTS).contains(&time.as_ms())
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_wrong_by_an_hour_decides_nothing() {
        for off in [-HOUR, HOUR] {
            let own = Timestamp::from_ms(DAWN + off);
            let time = ControlTime::new(Arc::new(move || own));
            assert_eq!(time.own_ahead_ms(), None);
            let sent = Moment::now();
            time.heard(sent, sent, &told(DAWN, Duration::ZERO));
            assert!(is_about(time.now(), DAWN) && is_about(time.wall(), DAWN));
            assert!((time.own_ahead_ms().unwrap() - off).abs() < MOMENTS);
            tokio::time::advance(Duration::from_secs(60)).await;
            assert!(is_about(time.now(), DAWN + 60_000));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_never_earlier_than_at_the_control_side() {
        let time = ControlTime::new(Arc::new(|| Timestamp::from_ms(DAWN)));
        let sent = Moment::now();
        // Answered after a second's wait, and four seconds on the way.
        tokio::time::advance(Duration::from_secs(5)).await;
        time.heard(sent, Moment::now(), &told(DAWN, Duration::from_secs(1)));
        assert!(is_about(time.now(), DAWN + 4_000));
        // A quicker answer knows better, but no time goes back.
        let before = time.now();
        let sent = Moment::now();
        time.heard(sent, sent, &told(DAWN + 1_000, Duration::ZERO));
        assert!(time.now() >= before && is_about(time.wall(), DAWN + 1_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_moved_at_the_control_side_moves_here() {
        let time = ControlTime::new(Arc::new(|| Timestamp::from_ms(DAWN)));
        let sent = Moment::now();
        time.heard(sent, sent, &told(DAWN, Duration::ZERO));
        let mut moved = told(DAWN + HOUR, Duration::ZERO);
        moved.wall = Timestamp::from_ms(DAWN);
        time.heard(Moment::now(), Moment::now(), &moved);
        assert!(is_about(time.now(), DAWN + HOUR) && is_about(time.wall(), DAWN));
    }
}
