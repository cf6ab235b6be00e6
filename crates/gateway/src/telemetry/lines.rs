//! The lines about calls in the ordinary log.

use tracing::Level;

use super::{Record, Sink};
use crate::denial::Reason;
use crate::limits::LINES_PER_SECOND;
use crate::rate::Rate;

/// A line per denied call at `info`, per admitted call at `debug`. It takes the place of an access log
/// where there is none.
#[derive(Debug, Default)]
pub struct CallLines(Rate);

impl Sink for CallLines {
    fn wants(&self, verdict: Option<Result<(), Reason>>) -> bool {
        match verdict {
            Some(Err(_)) => tracing::enabled!(target: "tidegate::call", Level::INFO),
            Some(Ok(())) | None => tracing::enabled!(target: "tidegate::call", Level::DEBUG),
        }
    }

    fn tell(&self, record: &Record<'_>) {
        let Record { request_id: id, method, api, app, instance, status, fault, .. } = *record;
        let kind = record.kind.name();
        let check_us = record.times.check.as_micros();
        let backend_us = record.times.backend.as_micros();
        match record.verdict {
            Some(Ok(())) | None => tracing::debug!(
                target: "tidegate::call",
                id, kind, method, api, app, instance, status, check_us, backend_us,
                aborted = record.aborted.map(super::Aborted::name),
                "{}", if record.verdict.is_some() { "allowed" } else { "gone before the verdict" }
            ),
            // Whoever sends forged calls must not fill the disk.
            Some(Err(_)) if !self.0.has_room(LINES_PER_SECOND, record.time) => {}
            Some(Err(reason)) => tracing::info!(
                target: "tidegate::call",
                id, kind, method, api, app, instance, status, check_us, backend_us, %reason, fault,
                "denied"
            ),
        }
    }
}
