//! The headers by which a backend learns who calls what.

use crate::check::Admitted;
use crate::expiry_headers::ExpiryHeaders;
use crate::headers::{self, Sets};
use crate::request_id::RequestId;

/// Sets them. Only a gateway may: whatever a caller sends under these names has been dropped.
pub(crate) fn set_identity_headers(
    headers: &mut impl Sets,
    id: &RequestId,
    admitted: &Admitted,
    expiry: &ExpiryHeaders,
) {
    headers.set_value(headers::REQUEST_ID, id.value());
    headers.set(headers::API, admitted.api.feed.id.as_str().as_bytes());
    if let Some(app) = &admitted.app {
        headers.set(headers::APP, app.as_str().as_bytes());
    }
    expiry.set(headers);
}
