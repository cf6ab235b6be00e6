//! When nothing is sent for a while, because the receiver takes nothing.
//!
//! One message that is not taken says nothing about the others: its receiver may be slow with it alone, and it
//! is put off by itself. Only when several are not taken, and none is in between, is the receiver left alone.

use std::time::Duration;

use tidegate_control::Tried;
use tokio::time::Instant;

/// How long it is, at first and at most; each is twice the one before.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// The rest of a delivery.
#[derive(Debug, Default)]
pub struct Rest {
    /// The message that was not taken, since one was.
    failing: Option<String>,
    /// How long the last one was.
    last: Option<Duration>,
    until: Option<Instant>,
}

impl Rest {
    /// Takes note of what became of messages by `now`.
    pub fn note(&mut self, tried: &[Tried], now: Instant) {
        if tried.iter().any(|tried| tried.taken) {
            *self = Self::default();
            return;
        }
        for tried in tried {
            let failing = self.failing.get_or_insert_with(|| tried.id.clone());
            if *failing != tried.id {
                let pause = self.last.map_or(PAUSES.0, |last| (last * 2).min(PAUSES.1));
                (self.last, self.until) = (Some(pause), Some(now + pause));
                return;
            }
        }
    }

    /// Is nothing to be sent at `now`?
    pub fn goes_on(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(what: Came<'_>) -> Vec<Tried> {
        what.iter().map(|(id, taken)| Tried { id: (*id).to_owned(), taken: *taken }).collect()
    }

    /// What came of the messages of a round: their ids, and whether they were taken.
    type Came<'a> = &'a [(&'a str, bool)];

    /// How long the rest is after each of these rounds, in seconds.
    fn rests(rounds: &[Came<'_>]) -> Vec<u64> {
        let (mut rest, now) = (Rest::default(), Instant::now());
        let after = |round: &Came<'_>| {
            rest.note(&tried(round), now);
            let is_over = |seconds| !rest.goes_on(now + Duration::from_secs(seconds));
            (0..60).find(|seconds| is_over(*seconds)).unwrap()
        };
        rounds.iter().map(after).collect()
    }

    #[test]
    fn one_message_that_is_never_taken_holds_up_no_other() {
        let slow: Came<'_> = &[("slow", false)];
        assert_eq!(rests(&[slow, slow, slow, &[("b", true)], slow, slow]), [0; 6]);
    }

    #[test]
    fn a_receiver_that_takes_nothing_is_left_alone_longer_and_longer() {
        let (a, b): (Came<'_>, Came<'_>) = (&[("a", false)], &[("b", false)]);
        let both: Came<'_> = &[("a", false), ("b", false)];
        assert_eq!(rests(&[a, b, b, b, b, b, b]), [0, 1, 2, 4, 8, 16, 30]);
        assert_eq!(rests(&[both, &[("a", true), ("b", false)], both]), [1, 0, 1]);
    }
}
