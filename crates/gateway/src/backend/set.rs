//! The backends of one API, and how they are to be called.

use std::time::Duration;

use super::endpoint::Endpoint;
use crate::feed::FeedApi;

/// The backends behind one API.
#[derive(Debug)]
pub(crate) struct Set {
    endpoint: Endpoint,
    pub(super) times: Times,
}

/// How long things may take; the gate's limit where nothing is said.
#[derive(Debug)]
pub(super) struct Times {
    /// A connection.
    pub(super) connect: Option<Duration>,
    /// Until the answer begins.
    pub(super) head: Option<Duration>,
    /// While the answer stands still.
    pub(super) idle: Option<Duration>,
    /// From the call's head to the answer's end. Nothing said is no limit.
    pub(super) total: Option<Duration>,
}

impl Set {
    /// Reads an API's definition and rules.
    pub(crate) fn read(feed: &FeedApi) -> Result<Self, String> {
        let (backend, rules) = (&feed.backend, &feed.rules);
        let time =
            |ms: Option<u32>| ms.filter(|ms| *ms > 0).map(|ms| Duration::from_millis(ms.into()));
        Ok(Self {
            endpoint: Endpoint::read(backend.https, rules.http2, &backend.authority)?,
            times: Times {
                connect: time(rules.connect_timeout_ms),
                head: time(backend.timeout_ms),
                idle: time(rules.read_timeout_ms),
                total: time(rules.total_timeout_ms),
            },
        })
    }

    /// The backend for the next call.
    pub(super) fn choose(&self) -> &Endpoint {
        &self.endpoint
    }
}
