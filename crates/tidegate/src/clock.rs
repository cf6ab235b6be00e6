//! The clock: the only place that reads the time of day. A development server's clock can be moved
//! forward, and stays moved.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tidegate_api::dev::DevClock;
use tidegate_control::{ClockGuard, Clocks};
use tidegate_domain::Timestamp;

use crate::durable;

/// The clock may be moved by a hundred years in all: far enough for every test, near enough that no
/// date leaves its form.
const MOST_SECONDS: i64 = 100 * 366 * 86_400;

/// A longer time between two looks at the clock is held against its guard. Shorter than what that lets pass.
const LEAP_MS: i64 = 60_000;

/// What time it is, for decisions. Within one process it never goes backwards, whatever is done to
/// the machine's clock; a grant that was over stays over. A time that is not plausible is shown while the clock says
/// so, and not remembered.
pub struct Clock {
    advanced_seconds: AtomicI64,
    latest_ms: AtomicI64,
    /// What leaps are held against.
    guard: Option<Arc<ClockGuard>>,
    /// Where the advance is kept; none for a clock that cannot be moved.
    kept: Option<Mutex<PathBuf>>,
}

/// The file of a moved clock.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    advanced_seconds: i64,
}

/// The time of day, as the machine tells it.
#[allow(
    clippy::disallowed_methods,
    reason = "the one place where the wall clock is read; everything else gets the time as a value"
)]
pub fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The same, as a span since 1970.
pub fn since_epoch() -> Duration {
    Duration::from_millis(u64::try_from(wall().as_ms()).unwrap_or_default())
}

/// The time since the machine was started. Nobody sets it, and it goes on while the machine sleeps.
#[cfg(target_os = "linux")]
pub fn boot() -> Duration {
    let told = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(told).unwrap_or_default()
}

/// The time since the program was started, where no better clock is at hand.
#[cfg(not(target_os = "linux"))]
pub fn boot() -> Duration {
    static BEGIN: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    BEGIN.elapsed()
}

/// What the clock of this machine is held against.
pub fn guard() -> Arc<ClockGuard> {
    ClockGuard::new(clocks(), boot_name())
}

/// Both clocks of this machine.
pub fn clocks() -> Clocks {
    Clocks { wall: Arc::new(wall), boot: Arc::new(boot) }
}

/// Names the start of the machine since which [`boot`] counts; empty where the system does not say.
fn boot_name() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let id = id.trim();
    let is_name = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if is_name { id.to_owned() } else { String::new() }
}

impl Clock {
    /// A clock that shows the time of day and cannot be moved.
    pub fn guarded(guard: Option<Arc<ClockGuard>>) -> Self {
        Self {
            advanced_seconds: AtomicI64::new(0),
            latest_ms: AtomicI64::new(i64::MIN),
            guard,
            kept: None,
        }
    }

    /// A clock that can be moved, and is where it was moved to before.
    pub fn movable(file: PathBuf) -> anyhow::Result<Self> {
        let advanced_seconds = advanced_in(&file)?;
        Ok(Self {
            advanced_seconds: AtomicI64::new(advanced_seconds),
            latest_ms: AtomicI64::new(i64::MIN),
            guard: None,
            kept: Some(Mutex::new(file)),
        })
    }

    /// The time decisions are made at.
    pub fn now(&self) -> Timestamp {
        let advanced_ms = self.advanced_seconds.load(Ordering::Acquire).saturating_mul(1_000);
        let shown = wall().plus_ms(advanced_ms).as_ms();
        let before = self.latest_ms.load(Ordering::Acquire);
        let is_leap = shown.saturating_sub(before) > LEAP_MS;
        if is_leap && self.guard.as_ref().is_some_and(|guard| guard.check().is_err()) {
            return Timestamp::from_ms(shown);
        }
        let before = self.latest_ms.fetch_max(shown, Ordering::AcqRel);
        Timestamp::from_ms(shown.max(before))
    }

    fn advance_by(&self, seconds: i64) -> anyhow::Result<()> {
        let Some(kept) = &self.kept else { bail!("this clock cannot be moved") };
        let file = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let advanced_seconds = self.advanced_seconds.load(Ordering::Acquire);
        let advanced_seconds = match advanced_seconds.checked_add(seconds) {
            Some(sum) if seconds >= 0 && sum <= MOST_SECONDS => sum,
            Some(_) if seconds < 0 => bail!("the clock only moves forward"),
            _ => bail!("the clock may be moved by a hundred years in all"),
        };
        // First on disk, then in use: no decision is made at a time that a restart would forget.
        let text = serde_json::to_vec(&Kept { advanced_seconds })?;
        durable::write(&file, &text)?;
        self.advanced_seconds.store(advanced_seconds, Ordering::Release);
        Ok(())
    }
}

/// By how much the clock kept in this file was moved.
pub fn advanced_in(file: &std::path::Path) -> anyhow::Result<i64> {
    let text = match std::fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error).context(format!("cannot read {}", file.display())),
    };
    let kept: Kept = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not the file of a clock", file.display()))?;
    if !(0..=MOST_SECONDS).contains(&kept.advanced_seconds) {
        bail!("{} moves the clock out of bounds", file.display());
    }
    Ok(kept.advanced_seconds)
}

impl DevClock for Clock {
    fn advance(&self, seconds: i64) -> Result<(), String> {
        self.advance_by(seconds).map_err(|error| format!("{error:#}"))
    }

    fn now(&self) -> Timestamp {
        Self::now(self)
    }

    fn advanced_seconds(&self) -> i64 {
        self.advanced_seconds.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_clock_stays_moved() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("clock.json");
        let clock = Clock::movable(file.clone()).unwrap();
        clock.advance(7_200).unwrap();
        clock.advance(1).unwrap();
        assert!(clock.now() >= wall().plus_ms(7_200_000));
        let again = Clock::movable(file).unwrap();
        assert_eq!(again.advanced_seconds(), 7_201);
    }

    #[test]
    fn a_clock_only_moves_forward_and_not_out_of_sight() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::movable(dir.path().join("clock.json")).unwrap();
        assert!(clock.advance(-1).is_err());
        assert!(clock.advance(i64::MAX).is_err());
        assert!(clock.advance(MOST_SECONDS + 1).is_err());
        assert_eq!(clock.advanced_seconds(), 0);
        assert!(Clock::guarded(None).advance(1).is_err());
    }

    #[test]
    fn a_damaged_file_is_not_taken_for_zero() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("clock.json");
        for bad in ["", "{}", "{\"advanced_seconds\": -1}", "{\"advanced_seconds\": 1, \"x\": 2}"] {
            std::fs::write(&file, bad).unwrap();
            assert!(Clock::movable(file.clone()).is_err(), "{bad}");
        }
    }
}
