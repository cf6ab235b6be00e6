//! A moment on this machine, by which ages are told: of leases, and of what was heard.

use std::time::Duration;

use tokio::time::Instant;

/// A moment, by two clocks that no setting of the time of day touches. What has passed since is what
/// the one says that has gone on further: the boot-time clock goes on while the machine is suspended;
/// the runtime's is the one that tests move.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    runtime: Instant,
    boot: Duration,
}

impl Moment {
    /// This moment.
    #[must_use]
    pub fn now() -> Self {
        Self { runtime: Instant::now(), boot: boot_time() }
    }

    /// How long after `earlier` this is; nothing if it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let [runtime, boot] = self.both_since(earlier);
        runtime.max(boot)
    }

    /// The same, by each of the two clocks.
    pub(crate) fn both_since(self, earlier: Self) -> [Duration; 2] {
        [
            self.runtime.saturating_duration_since(earlier.runtime),
            self.boot.saturating_sub(earlier.boot),
        ]
    }
}

#[cfg(target_os = "linux")]
fn boot_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(time).unwrap_or_default()
}

/// Elsewhere the runtime's clock is all there is.
#[cfg(not(target_os = "linux"))]
fn boot_time() -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[tokio::test(start_paused = true)]
    async fn the_clock_that_went_on_further_counts() {
        let before = Moment::now();
        let suspended = Moment { boot: before.boot + HOUR, ..before };
        assert_eq!(suspended.since(before), HOUR);
        assert_eq!(before.since(suspended), Duration::ZERO);
        tokio::time::advance(HOUR).await;
        assert!(Moment::now().since(before) >= HOUR);
    }
}
