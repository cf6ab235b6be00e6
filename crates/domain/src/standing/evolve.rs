//! What an event does to a standing. Cannot fail.

use super::{Event, Grant, Standing};
use crate::notice::{Notice, NoticeKind};
use crate::time::Timestamp;

/// The standing after `event`, which happened at `now`.
#[must_use]
pub fn evolve(mut standing: Standing, event: Event, now: Timestamp) -> Standing {
    match event {
        Event::Granted { until, by } => {
            standing.grant = Some(Grant { since: now, until, by, cut: None });
            standing.paused_from = None;
        }
        Event::Extended { until, by } => {
            if let Some(grant) = &mut standing.grant {
                grant.until = until;
                grant.by = by;
            }
        }
        Event::Cut(cut) => {
            if let Some(grant) = &mut standing.grant {
                grant.cut = Some(cut);
            }
        }
        Event::CutWithdrawn => {
            if let Some(grant) = &mut standing.grant {
                grant.cut = None;
            }
        }
        Event::Applied(application) => standing.application = Some(application),
        Event::ApplicationClosed(_) => standing.application = None,
        Event::NoticeSent(notice) | Event::NoticeScheduled(notice) => {
            slot(&mut standing, notice.kind).replace(notice);
        }
        Event::NoticeClosed(notice) => *slot(&mut standing, notice.kind) = None,
        Event::Paused { from } => standing.paused_from = Some(from),
        Event::PauseEnded => standing.paused_from = None,
    }
    standing
}

/// Where a standing keeps a notice of this kind.
fn slot(standing: &mut Standing, kind: NoticeKind) -> &mut Option<Notice> {
    match kind {
        NoticeKind::Cancel => &mut standing.cancellation,
        NoticeKind::Stop | NoticeKind::Unpublish => &mut standing.shutdown,
    }
}
