//! The names under which one call is known.

use http::HeaderMap;

use super::{Share, Trace};
use crate::request_id::RequestId;

/// A call's id, and its place in a trace if traces are made.
pub(crate) struct Ids {
    pub(crate) request: RequestId,
    pub(crate) trace: Option<Trace>,
}

impl Ids {
    /// New ones. Of the calls that bring no trace, `traces` begin one.
    pub(crate) fn new(request: RequestId, traces: Option<Share>, headers: &HeaderMap) -> Self {
        let trace = traces.map(|share| Trace::of_call(share, headers, &request));
        Self { request, trace }
    }
}
