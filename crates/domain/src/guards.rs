//! What commands about a standing and about a publication demand alike.

use crate::application::Application;
use crate::limits::NOTICE_MS;
use crate::refusal::Refusal;
use crate::time::Timestamp;

/// The application that waits, if it is the one the caller found and has no verdict yet.
pub(crate) fn waiting<'a>(
    waits: Option<&'a Application>,
    found: &Application,
) -> Result<&'a Application, Refusal> {
    if let Some(verdict) = &found.verdict {
        return Err(Refusal::AlreadyDecided { verdict: verdict.clone() });
    }
    waits.filter(|application| application.id == found.id).ok_or(Refusal::ApplicationUnknown)
}

/// A moment of cancellation as it is kept: on the hour, never earlier than asked.
pub(crate) fn moment_of_cancellation(asked: Option<Timestamp>) -> Result<Timestamp, Refusal> {
    let at = asked.ok_or(Refusal::FieldMissing { field: "time" })?.ceil_hour();
    if at.is_beyond_horizon() { Err(Refusal::EndTooFar) } else { Ok(at) }
}

/// Does an end of access at `at` leave the two days, and the retention period if there is one?
pub(crate) fn must_leave_notice(
    at: Timestamp,
    now: Timestamp,
    retained_until: Option<Timestamp>,
) -> Result<(), Refusal> {
    let notice_over = now.plus_ms(NOTICE_MS);
    let earliest = retained_until.map_or(notice_over, |until| until.max(notice_over));
    if at >= earliest {
        Ok(())
    } else {
        Err(Refusal::NoticeTooShort { earliest: earliest.ceil_hour() })
    }
}
