//! The same lifecycle, told in a few moments: when access begins and what ends it. It knows no
//! events, notices or settling, and is told only which commands were accepted.

use tidegate_domain::standing::{Choice, Command};
use tidegate_domain::time::{DAY_MS, HOUR_MS};
use tidegate_domain::{ApplicationKind, NoticeKind, Timestamp, publication};

use crate::cast::Who;

#[derive(Debug, Clone, Default)]
pub struct Model {
    /// From when until when the grant is good.
    granted: Option<(Timestamp, Timestamp)>,
    /// When the reviewer's cancellation bites.
    cancelled: Option<Timestamp>,
    /// From when on the app does without.
    paused: Option<Timestamp>,
    /// From when on the API does not answer.
    closed: Option<Timestamp>,
}

fn floor(t: Timestamp) -> Timestamp {
    Timestamp::from_ms(t.as_ms().div_euclid(HOUR_MS) * HOUR_MS)
}

fn ceil(t: Timestamp) -> Timestamp {
    Timestamp::from_ms((t.as_ms() + HOUR_MS - 1).div_euclid(HOUR_MS) * HOUR_MS)
}

impl Model {
    fn has_come(moment: Option<Timestamp>, now: Timestamp) -> bool {
        moment.is_some_and(|moment| moment <= now)
    }

    /// Is there a grant, whether or not it can be used?
    fn is_granted(&self, now: Timestamp) -> bool {
        let valid = |(from, until)| from <= now && now < until;
        self.granted.is_some_and(valid) && !Self::has_come(self.cancelled, now)
    }

    fn counts(&self, now: Timestamp) -> bool {
        self.is_granted(now) && !Self::has_come(self.paused, now)
    }

    /// Is a call let in?
    pub fn admits(&self, now: Timestamp) -> bool {
        self.counts(now) && !Self::has_come(self.closed, now)
    }

    /// The moments that matter.
    pub fn moments(&self) -> impl Iterator<Item = Timestamp> {
        let until = self.granted.map(|(_, until)| until);
        [until, self.cancelled, self.paused, self.closed].into_iter().flatten()
    }

    fn grant(&mut self, until: Timestamp, now: Timestamp) {
        let extended = self.granted.filter(|_| self.is_granted(now));
        if extended.is_none() {
            self.cancelled = None;
            self.paused = None;
        }
        let from = extended.map_or(now, |(from, _)| from);
        self.granted = Some((from, until));
    }

    /// A command to the standing was accepted.
    pub fn accepted(&mut self, command: &Command, now: Timestamp) {
        match command {
            Command::Authorize { until } => self.grant(floor(until.unwrap()), now),
            Command::Decide { application, pass: true, .. } => {
                self.grant(application.until.unwrap(), now)
            }
            Command::Cancel { at, .. } => self.cancelled = at.map(ceil),
            Command::GiveBack => self.cancelled = Some(now),
            Command::Confirm { notice, choice } => {
                let at = match choice {
                    Choice::Now => now,
                    Choice::At(Some(at)) => ceil(*at),
                    Choice::At(None) => ceil(now.plus_ms(3 * DAY_MS)).min(notice.takes_effect()),
                };
                match notice.kind {
                    NoticeKind::Cancel => self.cancelled = Some(at),
                    NoticeKind::Stop | NoticeKind::Unpublish => self.paused = Some(at),
                }
            }
            Command::WithdrawNotice { .. } => self.cancelled = None,
            Command::Decide { pass: false, .. }
            | Command::Apply { .. }
            | Command::Renew { .. }
            | Command::Withdraw { .. }
            | Command::Settle => {}
        }
    }

    /// A command of `who` to the publication was accepted, while so many other apps counted on the
    /// API.
    pub fn publication(
        &mut self,
        command: &publication::Command,
        who: Who,
        others: usize,
        now: Timestamp,
    ) {
        use publication::Command;
        match command {
            Command::Stop { at } | Command::Unpublish { at } => {
                let counts = others > 0 || self.counts(now);
                if !Self::has_come(self.closed, now) {
                    self.closed = Some(if counts { ceil(at.unwrap()) } else { now });
                }
            }
            // Who is no reviewer only asks.
            Command::Publish { .. } if who == Who::Reviewer => self.published(),
            Command::Recover { .. } if who == Who::Reviewer => self.reopened(),
            Command::Decide { application, pass: true, .. } => match application.kind {
                ApplicationKind::Publish => self.published(),
                ApplicationKind::Recover => self.reopened(),
                ApplicationKind::Apply | ApplicationKind::Renew => {
                    unreachable!("no request of an app is about the API")
                }
            },
            Command::WithdrawShutdown => self.reopened(),
            Command::Publish { .. }
            | Command::Recover { .. }
            | Command::Decide { pass: false, .. }
            | Command::Withdraw { .. }
            | Command::AppReleased => {}
        }
    }

    /// Who publishes again starts with no grants.
    fn published(&mut self) {
        *self = Self::default();
    }

    /// The API answers on, with the grants it has.
    fn reopened(&mut self) {
        self.closed = None;
        self.paused = None;
    }
}
