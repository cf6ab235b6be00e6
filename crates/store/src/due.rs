//! When time will have something to record: the moment kept with a row, so that what is due is found
//! by one look at an index.

use tidegate_domain::publication::Status;
use tidegate_domain::standing::settle;
use tidegate_domain::{Grant, Publication, Standing, Timestamp};

/// The first moment at which [`settle`] finds something; none when it never will. Nothing but the
/// moments written in a standing can matter, and which of them do is asked of `settle` itself.
pub fn standing_due_at(standing: &Standing) -> Option<Timestamp> {
    let grant = standing.grant.iter().map(Grant::end);
    let notices = [&standing.shutdown, &standing.cancellation];
    let notices = notices.into_iter().flatten();
    let notices = notices.flat_map(|notice| [notice.takes_effect(), notice.deadline]);
    let application = standing.application.iter().filter_map(|asked| asked.until);
    let mut moments: Vec<_> = grant.chain(notices).chain(application).collect();
    moments.sort_unstable();
    moments.into_iter().find(|at| !settle(standing, *at).is_empty())
}

/// The first moment at which [`settle`](tidegate_domain::publication::settle) finds something.
pub fn publication_due_at(publication: &Publication) -> Option<Timestamp> {
    match publication.status {
        Status::Stopping { at } | Status::Unpublishing { at } => Some(at),
        Status::Created
        | Status::PublishPending
        | Status::PublishRejected
        | Status::Published
        | Status::Stopped
        | Status::RecoverPending
        | Status::Offline => None,
    }
}
