//! Calls that outlast their verdict: while an answer streams, is its call admitted still?

use std::task::{Context, Poll};
use std::time::Duration;

use std::pin::Pin;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::check::{Admitted, still_admits};
use crate::state::State;

/// Looks every now and then whether a call would be admitted still.
#[derive(Default)]
pub(crate) struct Recheck {
    next: Option<Instant>,
    /// Set once there is something to wait for, and set again only when it rings.
    timer: Option<Pin<Box<Sleep>>>,
}

/// The right to call has ended while the answer was on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the right to call has ended")]
pub(crate) struct Ended;

impl Recheck {
    /// Looks if it is time to, and returns when to look again.
    pub(crate) fn look(
        &mut self,
        gate: &State,
        admitted: &Admitted,
        now: Instant,
    ) -> Result<Instant, Ended> {
        match self.next {
            Some(next) if now < next => return Ok(next),
            Some(_) if !holds(gate, admitted) => return Err(Ended),
            // The verdict was just now.
            Some(_) | None => {}
        }
        let next = now + gate.limits.recheck;
        self.next = Some(next);
        Ok(next)
    }

    /// The same, and has the task woken when to look again.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        gate: &State,
        admitted: &Admitted,
    ) -> Result<(), Ended> {
        loop {
            let next = self.look(gate, admitted, Instant::now())?;
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(next)));
            match timer.as_mut().poll(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(()) => timer.as_mut().reset(next.max(Instant::now() + SHORTEST)),
            }
        }
    }
}

/// So that a timer that is set anew is not over yet.
const SHORTEST: Duration = Duration::from_millis(1);

/// Would a call that was admitted be admitted still, by what is known now?
fn holds(gate: &State, admitted: &Admitted) -> bool {
    let now = (gate.clock.now)();
    gate.ready().is_ok_and(|index| still_admits(&index, admitted, now).is_some())
}
