//! When the right to call ends, as headers tell it to caller and backend.

use http::{HeaderName, HeaderValue};
use tidegate_domain::Timestamp;

use crate::check::Admitted;
use crate::headers::{CANCELLED_AT, GRANT_END, Sets};

/// The moments there are, written once for both who are told.
pub(crate) struct Ends {
    grant: Option<HeaderValue>,
    cancelled: Option<HeaderValue>,
}

impl Ends {
    pub(crate) fn of(admitted: &Admitted) -> Self {
        let written = |at: Timestamp| HeaderValue::try_from(at.to_string()).ok();
        Self {
            grant: admitted.end().and_then(written),
            cancelled: admitted.permit.cancelled_at().and_then(written),
        }
    }

    /// The headers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (HeaderName, &HeaderValue)> {
        let grant = self.grant.iter().map(|at| (GRANT_END, at));
        grant.chain(self.cancelled.iter().map(|at| (CANCELLED_AT, at)))
    }

    /// Tells them.
    pub(crate) fn tell(&self, headers: &mut impl Sets) {
        for (name, value) in self.iter() {
            headers.set_value(name, value);
        }
    }
}
