//! What time alone brings about. The gate needs none of this, for it compares moments; settling
//! only closes what has become history, so that records and lists say so.

use super::{Cut, CutCause, Event, Standing, evolve};
use crate::application::{ApplicationKind, VoidCause};
use crate::notice::{NoticeKind, NoticeOutcome};
use crate::time::Timestamp;

/// The events that have come due by `now`. Applying them changes nobody's access.
pub fn settle(standing: &Standing, now: Timestamp) -> Vec<Event> {
    let mut events = Vec::new();
    settle_shutdown(standing, now, &mut events);
    // An unpublish that has come ends the grant, and with it all that hangs on the grant.
    let rest = events.iter().cloned().fold(standing.clone(), |s, event| evolve(s, event, now));
    settle_cancellation(&rest, now, &mut events);
    settle_application(&rest, now, &mut events);
    events
}

/// The moment the grant ended, if it has.
fn ended_at(standing: &Standing, now: Timestamp) -> Option<Timestamp> {
    standing.grant.as_ref().map(super::Grant::end).filter(|end| *end <= now)
}

fn settle_shutdown(standing: &Standing, now: Timestamp, events: &mut Vec<Event>) {
    let Some(notice) = &standing.shutdown else {
        return;
    };
    let ended = ended_at(standing, now);
    let due = Some(notice.takes_effect()).filter(|at| *at <= now);
    match (ended, due) {
        (Some(end), due) if due.is_none_or(|due| end < due) => {
            events.push(Event::NoticeClosed(notice.clone().closed(
                NoticeOutcome::Released,
                end,
                None,
            )));
        }
        (_, Some(_)) => events.push(Event::NoticeClosed(notice.clone().carried_out())),
        (_, None) => {}
    }
    // An unpublish takes the grant along at its deadline, whoever answered and whoever did not.
    let outlives = standing.grant.as_ref().is_some_and(|grant| notice.deadline < grant.end());
    if notice.kind == NoticeKind::Unpublish && notice.deadline <= now && outlives {
        let cause = CutCause::Unpublished;
        events.push(Event::Cut(Cut { at: notice.deadline, cause }));
    }
}

fn settle_cancellation(standing: &Standing, now: Timestamp, events: &mut Vec<Event>) {
    let Some(notice) = &standing.cancellation else {
        return;
    };
    let Some(end) = ended_at(standing, now) else {
        return;
    };
    let closed = if notice.takes_effect() <= end {
        notice.clone().carried_out()
    } else {
        notice.clone().closed(NoticeOutcome::Released, end, None)
    };
    events.push(Event::NoticeClosed(closed));
}

fn settle_application(standing: &Standing, now: Timestamp, events: &mut Vec<Event>) {
    let Some(application) = &standing.application else {
        return;
    };
    let grant_ended = match application.kind {
        ApplicationKind::Renew => ended_at(standing, now),
        ApplicationKind::Apply | ApplicationKind::Publish | ApplicationKind::Recover => None,
    };
    let end_passed = application.until.filter(|until| *until <= now);
    let void = match (grant_ended, end_passed) {
        (Some(at), _) => application.clone().void(why_ended(standing), at),
        (None, Some(at)) => application.clone().void(VoidCause::EndPassed, at),
        (None, None) => return,
    };
    events.push(Event::ApplicationClosed(void));
}

/// Why an application to renew a grant that has ended is void.
fn why_ended(standing: &Standing) -> VoidCause {
    let cut = standing.grant.as_ref().and_then(|grant| grant.cut);
    match cut.map(|cut| cut.cause) {
        Some(CutCause::Unpublished) => VoidCause::Unpublished,
        Some(CutCause::Reviewer | CutCause::App) | None => VoidCause::GrantEnded,
    }
}
