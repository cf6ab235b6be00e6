//! The headers that say to caller and backend when the right to call ends.

use http::{HeaderName, HeaderValue};
use tidegate_domain::Timestamp;

use crate::check::Admitted;
use crate::headers::{CANCELLED_AT, GRANT_END, Sets};

/// The moments there are, formatted once for both.
pub(crate) struct ExpiryHeaders {
    grant: Option<HeaderValue>,
    cancelled: Option<HeaderValue>,
}

impl ExpiryHeaders {
    /// Those of an admitted call.
    pub(crate) fn from_admitted(admitted: &Admitted) -> Self {
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

    /// Sets them.
    pub(crate) fn set(&self, headers: &mut impl Sets) {
        for (name, value) in self.iter() {
            headers.set_value(name, value);
        }
    }
}
