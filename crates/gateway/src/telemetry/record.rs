//! What is told of a call when it is over.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use http::Version;
use tidegate_domain::Timestamp;

use super::Trace;
use crate::denial::Reason;

/// How a call came to the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By itself; the gate forwards it.
    Call,
    /// Another proxy asked about it, and forwards it.
    Check,
}

impl Kind {
    /// Its name in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Check => "check",
        }
    }
}

/// Who broke a call off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aborted {
    /// The caller went away, or the gate closed his connection when it was told to stop.
    Caller,
    /// The backend's answer broke off.
    Backend,
    /// The gateway, for the right to call had ended.
    Gateway,
}

impl Aborted {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Caller, Self::Backend, Self::Gateway];

    /// Its name in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Backend => "backend",
            Self::Gateway => "gateway",
        }
    }
}

/// How long the phases of a call took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// Waiting for a body that had to be held before the verdict.
    pub read: Duration,
    /// The verdict, without that wait.
    pub check: Duration,
    /// From the verdict to the head of the backend's answer, connecting included.
    pub backend: Duration,
    /// The answer's body.
    pub transfer: Duration,
    /// All of it.
    pub total: Duration,
}

/// A call that is over. It holds no header, no parameter and no secret.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// How it came.
    pub kind: Kind,
    /// When it began, by the wall clock.
    pub time: Timestamp,
    /// Its id.
    pub request_id: &'a str,
    /// Its place in a trace, if traces are made.
    pub trace: Option<&'a Trace>,
    /// Its method, if it could be read.
    pub method: Option<&'a str>,
    /// Its canonical path, if it could be read.
    pub path: Option<&'a str>,
    /// How many parameters its query had.
    pub parameters: usize,
    /// The version of HTTP it came in.
    pub version: Option<Version>,
    /// Who connected: the caller, or the proxy that asks.
    pub peer: Option<SocketAddr>,
    /// The API; of a denied call, the first one on its route.
    pub api: Option<&'a str>,
    /// The API's name.
    pub api_name: Option<&'a str>,
    /// The instance.
    pub instance: Option<&'a str>,
    /// The app that proved that it calls.
    pub app: Option<&'a str>,
    /// The app that was named, of a call that did not prove it.
    pub claimed_app: Option<&'a str>,
    /// The revision the verdict was made on.
    pub revision: Option<u64>,
    /// When the right to call ends.
    pub grant_end: Option<Timestamp>,
    /// The verdict; none if the caller went away before it.
    pub verdict: Option<Result<(), Reason>>,
    /// The answer's status; none if the caller went away before it.
    pub status: Option<u16>,
    /// What went wrong behind the gate.
    pub fault: Option<&'a str>,
    /// Who broke it off; none if it came to its end.
    pub aborted: Option<Aborted>,
    /// The size of the body that came.
    pub bytes_in: u64,
    /// The size of the answer's body, as far as it went out.
    pub bytes_out: u64,
    /// How long it took.
    pub times: Times,
}

impl Record<'_> {
    /// Was it admitted, and answered well and whole?
    pub fn is_success(&self) -> bool {
        let is_good = self.status.is_some_and(|status| status < 400);
        self.verdict == Some(Ok(())) && is_good && self.aborted.is_none()
    }

    /// The verdict's name: `admitted`, the reason of a denial, or `none`.
    pub fn verdict_name(&self) -> &'static str {
        match self.verdict {
            None => "none",
            Some(Ok(())) => "admitted",
            Some(Err(reason)) => reason.row().name,
        }
    }
}

/// What became of records, for the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Who took them.
    pub sink: &'static str,
    /// What became of them.
    pub outcome: &'static str,
    /// How many.
    pub count: u64,
}

/// Somebody who is told of every call. He is asked on the way of the call, so he must not wait.
pub trait Sink: fmt::Debug + Send + Sync {
    /// Does he want to hear of a call with this verdict?
    fn wants(&self, _verdict: Option<Result<(), Reason>>) -> bool {
        true
    }

    /// A call is over.
    fn tell(&self, record: &Record<'_>);

    /// What became of the records so far.
    fn outcomes(&self) -> Vec<Outcome> {
        Vec::new()
    }
}
