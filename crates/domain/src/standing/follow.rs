//! What the API's own life means for one app. The app's side has no say in it.

use super::guards::release;
use super::{Cut, CutCause, Event, Standing};
use crate::application::VoidCause;
use crate::id::{NoticeId, UserId};
use crate::notice::{Notice, NoticeKind, NoticeOutcome};
use crate::time::Timestamp;

/// What the API's life on the instance means for one app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shutdown {
    /// A stop or unpublish is announced.
    Announced {
        /// The id the notice will have.
        id: NoticeId,
        /// Stop or unpublish.
        kind: NoticeKind,
        /// The reviewer.
        by: UserId,
        /// When it takes effect at the latest.
        deadline: Timestamp,
    },
    /// The API has stopped for all; grants are kept.
    Stopped,
    /// The API is unpublished; grants are gone.
    Unpublished,
    /// The announcement was withdrawn.
    Withdrawn {
        /// The reviewer.
        by: UserId,
    },
    /// The API answers again.
    Recovered,
}

/// What `change` of the API does to a standing at `now`. The app's side has no say in it, so there
/// is nothing to refuse.
pub fn follow(standing: &Standing, change: &Shutdown, now: Timestamp) -> Vec<Event> {
    let mut events = super::settle(standing, now);
    let standing = &standing.as_of(now);
    let pause_ended = standing.paused_from.map(|_| Event::PauseEnded);
    match change {
        Shutdown::Announced { id, kind, by, deadline } => {
            if standing.live_grant(now).is_some() {
                events.push(Event::NoticeSent(Notice {
                    id: id.clone(),
                    kind: *kind,
                    key: standing.key.clone(),
                    sent_by: by.clone(),
                    sent_at: now,
                    deadline: *deadline,
                    scheduled: None,
                    closed: None,
                }));
            }
        }
        Shutdown::Stopped => {
            events.extend(
                standing.shutdown.clone().map(|n| Event::NoticeClosed(n.carried_out_by(now))),
            );
            events.extend(pause_ended);
        }
        Shutdown::Unpublished => {
            if let Some(notice) = &standing.shutdown {
                events.push(Event::NoticeClosed(notice.clone().carried_out_by(now)));
            }
            let rest = Standing { shutdown: None, ..standing.clone() };
            events.extend(release(&rest, VoidCause::Unpublished, None, now));
            if standing.live_grant(now).is_some() {
                events.push(Event::Cut(Cut { at: now, cause: CutCause::Unpublished }));
            }
            events.extend(pause_ended);
        }
        Shutdown::Withdrawn { by } => {
            events.extend(standing.shutdown.clone().map(|n| {
                Event::NoticeClosed(n.closed(NoticeOutcome::Withdrawn, now, Some(by.clone())))
            }));
            events.extend(pause_ended);
        }
        Shutdown::Recovered => events.extend(pause_ended),
    }
    events
}
