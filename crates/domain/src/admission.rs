//! Admission: what the gate asks on every call.

use crate::grant::{CutCause, Term};
use crate::publication::Status;
use crate::time::Timestamp;

/// Proof that a call was admitted. Only [`admit`] and [`admit_open`] make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit {
    end: Timestamp,
    cancelled_at: Option<Timestamp>,
}

impl Permit {
    /// When the right to call ends, as things stand; [`Timestamp::MAX`] for an API that asks nobody.
    pub const fn end(&self) -> Timestamp {
        self.end
    }

    /// While a notice runs: when access ends because of it.
    pub const fn cancelled_at(&self) -> Option<Timestamp> {
        self.cancelled_at
    }
}

/// Why the rule of admission denies a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Denied {
    /// The API is not published on the instance.
    NotPublished,
    /// The API is stopped, for all or, as its side agreed, for this app.
    Stopped,
    /// The app has no grant.
    NoGrant,
    /// The app applied and waits for the reviewer.
    Pending,
    /// The grant has not begun.
    NotYet {
        /// When it begins.
        from: Timestamp,
    },
    /// The grant's validity is over.
    Expired {
        /// Since when.
        at: Timestamp,
    },
    /// The grant was cancelled or given back.
    Cancelled {
        /// Since when.
        at: Timestamp,
    },
}

/// What the gate knows of an app's standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The time of the live grant, or of the last one.
    pub grant: Option<Term>,
    /// From when on the app's side does without the API.
    pub paused_from: Option<Timestamp>,
    /// While an application for a new grant waits: the end it asks for. From then on it is void.
    pub applied_until: Option<Timestamp>,
    /// When a running notice of a stop or unpublish takes effect.
    pub shutdown_at: Option<Timestamp>,
}

/// May an app that holds `held` call, at `now`, an API whose state on the instance is `status`?
pub fn admit(status: Status, held: Option<Held>, now: Timestamp) -> Result<Permit, Denied> {
    let announced = open(status, now)?;
    let held = held.ok_or(Denied::NoGrant)?;
    let waits = held.applied_until.is_some_and(|until| now < until);
    let without = if waits { Denied::Pending } else { Denied::NoGrant };
    let grant = held.grant.ok_or(without)?;
    if now < grant.since {
        return Err(Denied::NotYet { from: grant.since });
    }
    let end = grant.end();
    if end <= now {
        return Err(if waits { Denied::Pending } else { ended(&grant, end) });
    }
    if held.paused_from.is_some_and(|from| from <= now) {
        return Err(Denied::Stopped);
    }
    let notices = [announced, held.paused_from, held.shutdown_at, grant.cut.map(|cut| cut.at)];
    let cancelled_at = notices.into_iter().flatten().min();
    Ok(Permit { end: cancelled_at.map_or(end, |at| at.min(end)), cancelled_at })
}

/// May anybody call, at `now`, an API that asks nobody's proof?
pub fn admit_open(status: Status, now: Timestamp) -> Result<Permit, Denied> {
    let announced = open(status, now)?;
    Ok(Permit { end: announced.unwrap_or(Timestamp::MAX), cancelled_at: announced })
}

/// Does the API answer at `now`, and until when at the latest if its end is announced?
fn open(status: Status, now: Timestamp) -> Result<Option<Timestamp>, Denied> {
    match status.as_of(now) {
        Status::Published => Ok(None),
        Status::Stopping { at } | Status::Unpublishing { at } => Ok(Some(at)),
        Status::Stopped | Status::RecoverPending => Err(Denied::Stopped),
        Status::Created | Status::PublishPending | Status::PublishRejected | Status::Offline => {
            Err(Denied::NotPublished)
        }
    }
}

fn ended(grant: &Term, end: Timestamp) -> Denied {
    match grant.cut {
        Some(cut) if cut.at <= grant.until => match cut.cause {
            CutCause::Reviewer | CutCause::App => Denied::Cancelled { at: end },
            CutCause::Unpublished => Denied::NoGrant,
        },
        _ => Denied::Expired { at: end },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standing::Cut;

    const H: i64 = crate::time::HOUR_MS;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_ms(hour * H)
    }

    fn grant(since: i64, until: i64, cut: Option<(i64, CutCause)>) -> Term {
        let cut = cut.map(|(hour, cause)| Cut { at: at(hour), cause });
        Term { since: at(since), until: at(until), cut }
    }

    fn held(grant: Option<Term>) -> Held {
        Held { grant, paused_from: None, applied_until: None, shutdown_at: None }
    }

    #[test]
    fn a_grant_is_good_from_its_start_until_just_before_its_end() {
        let g = grant(10, 20, None);
        let ask = |now| admit(Status::Published, Some(held(Some(g))), now);
        assert_eq!(ask(at(10).plus_ms(-1)), Err(Denied::NotYet { from: at(10) }));
        assert!(ask(at(10)).is_ok());
        assert_eq!(ask(at(20).plus_ms(-1)).unwrap().end(), at(20));
        assert_eq!(ask(at(20)), Err(Denied::Expired { at: at(20) }));
    }

    #[test]
    fn the_earliest_of_all_ends_counts() {
        for (until, cut, denial) in [
            (20, Some((15, CutCause::Reviewer)), Denied::Cancelled { at: at(15) }),
            (20, Some((15, CutCause::App)), Denied::Cancelled { at: at(15) }),
            (20, Some((15, CutCause::Unpublished)), Denied::NoGrant),
            (15, Some((20, CutCause::Reviewer)), Denied::Expired { at: at(15) }),
        ] {
            let g = grant(10, until, cut);
            let permit = admit(Status::Published, Some(held(Some(g))), at(15).plus_ms(-1)).unwrap();
            assert_eq!(permit.end(), at(15));
            assert_eq!(admit(Status::Published, Some(held(Some(g))), at(15)), Err(denial));
        }
    }

    #[test]
    fn the_publication_bounds_every_grant() {
        let g = grant(10, 20, None);
        let ask = |status, now| admit(status, Some(held(Some(g))), now);
        for (status, answer) in [
            (Status::Created, Err(Denied::NotPublished)),
            (Status::PublishPending, Err(Denied::NotPublished)),
            (Status::PublishRejected, Err(Denied::NotPublished)),
            (Status::Offline, Err(Denied::NotPublished)),
            (Status::Stopped, Err(Denied::Stopped)),
            (Status::RecoverPending, Err(Denied::Stopped)),
            (Status::Published, Ok(at(20))),
            (Status::Stopping { at: at(15) }, Ok(at(15))),
            (Status::Unpublishing { at: at(15) }, Ok(at(15))),
            (Status::Stopping { at: at(12) }, Err(Denied::Stopped)),
            (Status::Unpublishing { at: at(12) }, Err(Denied::NotPublished)),
        ] {
            assert_eq!(ask(status, at(12)).map(|p| p.end()), answer, "{status:?}");
            let anybody = admit_open(status, at(12)).map(|_| ());
            assert_eq!(anybody, answer.map(|_| ()), "{status:?}");
        }
    }

    #[test]
    fn who_waits_is_told_so() {
        let over = grant(1, 5, None);
        for grant in [None, Some(over)] {
            let held = Held { applied_until: Some(at(13)), ..held(grant) };
            assert_eq!(admit(Status::Published, Some(held), at(12)), Err(Denied::Pending));
        }
        let lapsed = Held { applied_until: Some(at(12)), ..held(None) };
        assert_eq!(admit(Status::Published, Some(lapsed), at(12)), Err(Denied::NoGrant));
        assert_eq!(admit(Status::Published, None, at(12)), Err(Denied::NoGrant));
        assert_eq!(admit(Status::Published, Some(held(None)), at(12)), Err(Denied::NoGrant));
    }

    #[test]
    fn who_agreed_to_do_without_is_denied_from_then_on() {
        let g = grant(10, 20, None);
        let held = Held { paused_from: Some(at(12)), ..held(Some(g)) };
        let status = Status::Stopping { at: at(18) };
        assert_eq!(admit(status, Some(held), at(12).plus_ms(-1)).unwrap().end(), at(12));
        assert_eq!(admit(status, Some(held), at(12)), Err(Denied::Stopped));
    }
}
