//! What a gateway reports of itself.

use std::fmt;
use std::sync::Weak;

use tidegate_domain::Refusal;
use tidegate_store::{Point, Revision};

use crate::limits::{GATEWAY_CHARS, LEASE_MS};

/// What a gateway tells of itself whenever it asks for changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayHeard {
    /// Its id, kept over its restarts. No two gateways have the same.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// The history its revision belongs to.
    pub epoch: String,
    /// The revision it enforces: the one it decides at, or would if its lease held.
    pub revision: Option<u64>,
    /// The stamp of that revision; empty if it knows none.
    pub stamp: String,
    /// The point of that history after which it asks for changes, where that is another one: what it knows since
    /// before it was started, and does not decide by yet.
    pub asks_after: Option<(u64, String)>,
    /// How long it decides on after it asked, in milliseconds.
    pub lease_ms: u64,
    /// How far its clock is ahead, in milliseconds.
    pub clock_ahead_ms: i64,
    /// Its version of the program.
    pub version: String,
    /// The process that asks, drawn anew at each start.
    pub boot: String,
    /// The name in the certificate it shows; empty if it shows none.
    pub certificate: String,
    /// The connection it asks on.
    pub line: Line,
    /// Is it the gateway of the only process on this store? Then no other can speak for it: on a store that lets
    /// several in, another may have a copy of its folder.
    pub is_alone: bool,
}

/// The connection a gateway asks on, for as long as it is open. The default is none.
#[derive(Clone, Default)]
pub struct Line(pub Weak<()>);

impl Line {
    pub(super) fn is_open(&self) -> bool {
        self.0.strong_count() > 0
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line(open: {})", self.is_open())
    }
}

impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
}

impl Eq for Line {}

impl GatewayHeard {
    /// The points of a history that it knows but does not decide at: the store must have them all the same.
    pub(crate) fn asked_point(&self) -> Option<Point> {
        let (revision, stamp) = self.asks_after.as_ref()?;
        let is_other = self.revision != Some(*revision) && *revision > 0;
        is_other.then(|| Point {
            epoch: self.epoch.clone(),
            revision: Revision(*revision),
            stamp: stamp.clone(),
        })
    }

    /// The point of a history it decides at, or would if its lease held.
    pub(crate) fn point(&self) -> Option<Point> {
        let revision = Revision(self.revision?);
        Some(Point { epoch: self.epoch.clone(), revision, stamp: self.stamp.clone() })
    }
}

/// What cannot be believed is not registered, and so gets no answer and no lease.
pub(crate) fn check(heard: &GatewayHeard) -> Result<(), Refusal> {
    let malformed = |what: String| Err(Refusal::Malformed { what });
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if heard.id.is_empty() || !heard.id.chars().all(is_plain) {
        return malformed("a gateway's id has letters, digits, `.`, `_` and `-`".to_owned());
    }
    let texts = [
        &heard.id,
        &heard.name,
        &heard.version,
        &heard.epoch,
        &heard.stamp,
        &heard.boot,
        &heard.certificate,
    ];
    let is_long = |text: &&String| text.chars().count() > GATEWAY_CHARS;
    if texts.iter().any(|text| is_long(text) || text.chars().any(char::is_control)) {
        return malformed(format!("what a gateway tells has {GATEWAY_CHARS} characters at most"));
    }
    if heard.lease_ms > LEASE_MS {
        return malformed(format!("a gateway's lease is {LEASE_MS} ms at most"));
    }
    Ok(())
}
