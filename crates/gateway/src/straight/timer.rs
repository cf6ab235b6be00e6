//! A timer that costs nothing as long as it does not ring.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

/// The timer of one connection, for the one task that serves it. It is set to the next moment that counts
/// and is left alone until it rings, though that moment moves on with every wait: most waits are over long
/// before.
pub(super) struct Timer {
    sleep: Pin<Box<Sleep>>,
    /// Does it know whom to wake?
    is_set: bool,
}

impl Timer {
    pub(super) fn new(until: Instant) -> Self {
        Self { sleep: Box::pin(sleep_until(until)), is_set: false }
    }

    /// Is it this moment, or later? If not, the task is woken when it is.
    pub(super) fn is_over(&mut self, cx: &mut Context<'_>, until: Instant) -> bool {
        if until < self.sleep.deadline() {
            self.set(until);
        }
        while !self.is_set || self.sleep.is_elapsed() {
            match self.sleep.as_mut().poll(cx) {
                Poll::Pending => self.is_set = true,
                Poll::Ready(()) if Instant::now() >= until => return true,
                Poll::Ready(()) => self.set(until),
            }
        }
        false
    }

    fn set(&mut self, until: Instant) {
        self.sleep.as_mut().reset(until);
        self.is_set = false;
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    async fn rings(timer: &mut Timer, until: Instant) {
        poll_fn(|cx| if timer.is_over(cx, until) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_rings_at_the_moment_that_is_asked_for_whatever_it_was_set_to() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut timer = Timer::new(after(30));
        for seconds in [5, 100, 100, 101, 50, 160] {
            rings(&mut timer, after(seconds)).await;
            let now = Instant::now().duration_since(start).as_secs();
            assert_eq!(now, seconds.max(now.min(101)), "{seconds}");
            assert!(Instant::now() >= after(seconds));
        }
        assert_eq!(Instant::now().duration_since(start).as_secs(), 160);
    }
}
