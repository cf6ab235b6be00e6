//! Every limit of the gate, in one place.

use std::time::Duration;

/// The limits an operator may set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long a caller may take to send a request's head; an idle connection is closed after it.
    pub header_read: Duration,
    /// The most headers a request may have.
    pub headers: usize,
    /// The largest head of a request, in bytes.
    pub head_bytes: usize,
    /// How long a connection may go on without a call; for one of HTTP/1.1, a shorter `header_read` counts.
    pub idle: Duration,
    /// The most connections at a time. For further ones those are closed that were of no use for longest;
    /// where all are in use, callers wait in the kernel's queue.
    pub connections: usize,
    /// The most of them that one peer address may have; this machine's own have no bound.
    pub connections_per_peer: usize,
    /// The most requests at a time on one HTTP/2 connection.
    pub streams: u32,
    /// How long running requests may take to end after the order to stop.
    pub drain: Duration,

    /// How long a caller may take to come to an agreement about TLS.
    pub tls_handshake: Duration,
    /// The most callers at a time that have said what they want of it and have not come to one yet. For
    /// further ones the oldest are closed.
    pub tls_handshakes: usize,

    /// The largest body that is held in memory to be hashed, in bytes.
    pub buffered_body: u32,
    /// The memory for all held bodies together, in bytes.
    pub buffered_total: u32,
    /// How long a body that is held may take to arrive.
    pub buffered_read: Duration,
    /// How long a streamed body may stand still.
    pub body_idle: Duration,

    /// How long a connection to a backend may take, the name's lookup included.
    pub connect: Duration,
    /// How long a backend may take to begin its answer, if the API does not say.
    pub backend: Duration,
    /// How long a backend's answer may stand still, if the API does not say.
    pub answer_idle: Duration,
    /// The most calls at a time that one API's backend gets.
    pub calls_per_api: usize,
    /// How long an idle connection to a backend is kept.
    pub pool_idle: Duration,
    /// The most idle connections kept per backend.
    pub pool_per_host: usize,

    /// How often it is looked at whether a WebSocket may go on.
    pub recheck: Duration,

    /// How far `X-Sdk-Date` may be away from the wall clock, in seconds.
    pub clock_skew_seconds: i64,

    /// The most nonces that are remembered, of all APIs that ask for them. One takes about 30 bytes,
    /// for as long as its signature could be good: a quarter of an hour.
    pub nonces: usize,
    /// The most callers that are counted, of all APIs that are throttled. One takes about 200 bytes.
    pub throttle_counters: usize,

    /// How long the gate decides on since it sent the last poll that was answered.
    pub lease: Duration,
    /// How often the gate looks for changes when no bell rings.
    pub poll: Duration,
    /// The shortest time between two polls, however often the bell rings.
    pub poll_gap: Duration,
    /// How long a poll may take.
    pub poll_timeout: Duration,
    /// The longest pause after failed polls.
    pub poll_backoff: Duration,
    /// The shortest time between two snapshots, however much changes.
    pub snapshot: Duration,
    /// How often the gate asks for everything, to see whether that is what it holds.
    pub compare: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_read: Duration::from_secs(30),
            headers: 100,
            head_bytes: 64 * 1024,
            idle: Duration::from_secs(60),
            connections: 10_000,
            connections_per_peer: 2_500,
            streams: 128,
            drain: Duration::from_secs(30),
            tls_handshake: Duration::from_secs(10),
            tls_handshakes: 256,
            buffered_body: 2 * MIB,
            buffered_total: 256 * MIB,
            buffered_read: Duration::from_secs(30),
            body_idle: Duration::from_secs(60),
            connect: Duration::from_secs(5),
            backend: Duration::from_secs(50),
            answer_idle: Duration::from_secs(60),
            calls_per_api: 1_024,
            pool_idle: Duration::from_secs(60),
            pool_per_host: 64,
            recheck: Duration::from_secs(1),
            clock_skew_seconds: 15 * 60,
            nonces: 900_000,
            throttle_counters: 100_000,
            lease: Duration::from_secs(5 * 60),
            poll: Duration::from_secs(1),
            poll_gap: Duration::from_millis(2),
            poll_timeout: Duration::from_secs(10),
            poll_backoff: Duration::from_secs(10),
            snapshot: Duration::from_secs(5 * 60),
            compare: Duration::from_secs(10 * 60),
        }
    }
}

/// Limits that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the gate's limits do not go together: {0}")]
pub struct BadLimits(&'static str);

impl Limits {
    /// Do the limits go together?
    pub fn check(&self) -> Result<(), BadLimits> {
        let rules = [
            (self.connections > 0, "no connection is allowed"),
            (self.connections <= MOST_PERMITS, "too many connections"),
            (self.connections_per_peer > 0, "no connection is allowed to a peer"),
            (self.streams > 0, "no request is allowed on a connection"),
            (self.tls_handshakes > 0, "no caller may agree about TLS"),
            (self.tls_handshakes <= MOST_PERMITS, "too many callers agree about TLS at a time"),
            (self.calls_per_api > 0, "no call is allowed per API"),
            (self.calls_per_api <= MOST_PERMITS, "too many calls per API"),
            (self.head_bytes >= LEAST_HEAD_BYTES, "a head needs 8 KiB at least"),
            (
                self.buffered_body <= self.buffered_total,
                "one held body is larger than all together may be",
            ),
            (self.connect <= self.backend, "a connection may take longer than an answer"),
            (self.poll < self.lease, "the lease ends before the next poll"),
            (self.poll_timeout < self.lease, "the lease ends before a poll times out"),
            (self.poll_backoff < self.lease, "the lease ends before the next try"),
            (self.poll < self.compare, "the gate is compared more often than it polls"),
            (self.poll_gap <= self.poll, "the gap is longer than a poll"),
            (!self.recheck.is_zero(), "a WebSocket is looked at all the time"),
            (self.clock_skew_seconds >= 0, "the clock skew is negative"),
            (self.nonces > 0, "no nonce is remembered"),
            (self.throttle_counters > 0, "no caller is counted"),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, broken)) => Err(BadLimits(broken)),
            None => Ok(()),
        }
    }
}

/// Of all connections one in so many is closed when there is no room for more, so that looking for them
/// costs a flood's connection next to nothing.
pub(crate) const EVICTED_OF_ALL: usize = 64;

/// The same of one peer's connections, when it has as many as it may.
pub(crate) const EVICTED_OF_PEER: usize = 16;

/// How long connections that are closed may take to be gone before others are closed as well.
pub(crate) const EVICTION_PAUSE: Duration = Duration::from_millis(100);

/// The least time between two lines about a lack of room for connections.
pub(crate) const LINE_PAUSE: Duration = Duration::from_secs(10);

/// How long a connection that was idle may take to leave.
pub(crate) const LEAVE: Duration = Duration::from_secs(5);

/// The share of the memory for held bodies that the calls of one connection may have: one in so many.
pub(crate) const HELD_PER_CONNECTION: usize = 16;

/// The same for the calls of one API.
pub(crate) const HELD_PER_API: usize = 2;

/// So many quarters of it are for bodies of which no key was looked for yet.
pub(crate) const HELD_UNKNOWN_QUARTERS: usize = 3;

/// How far ahead of the wall clock a call with a nonce may be dated, and so how long after a start
/// calls with a nonce are denied.
pub(crate) const NONCE_AHEAD_SECONDS: i64 = 60;

/// How many characters a nonce has.
pub(crate) const NONCE_CHARS: std::ops::RangeInclusive<usize> = 16..=64;

const MIB: u32 = 1024 * 1024;

/// What a message about a call may hold beside the body: the head, as text and as bytes, and what the
/// proxy knows of the connection.
pub(crate) const TOLD_HEAD_BYTES: usize = 512 * 1024;

/// The most headers that a proxy may tell of over gRPC: many times those that a call has.
pub(crate) const TOLD_HEADERS: usize = 1_000;

/// How much of one message about a call may be on its way at a time.
pub(crate) const MESSAGE_WINDOW: u32 = 256 * 1024;

/// How much of all messages on a connection may be on its way at a time.
pub(crate) const MESSAGES_WINDOW: u32 = 1024 * 1024;

/// The largest message that needs no room among the bodies that are held: usual calls without a body.
pub(crate) const SMALL_MESSAGE: usize = 16 * 1024;

/// The most lines a second about calls that were denied or went wrong; admitted ones are not counted.
pub(crate) const LINES_PER_SECOND: u32 = 1_000;

/// The most threads that read a snapshot file.
pub(crate) const MAX_START_THREADS: usize = 8;

/// The most bytes of access log that wait for the disk. What comes on top of it is dropped.
pub(crate) const LOG_QUEUE_BYTES: usize = 4 * 1024 * 1024;

/// The longest text of a line of the access log, in bytes; longer ones are cut off.
pub(crate) const LOG_TEXT_BYTES: usize = 2_048;

/// The largest body of a call that goes straight; one with a larger body is left to hyper.
pub(crate) const STRAIGHT_BODY_BYTES: usize = 64 * 1024;

/// The most headers of a call that goes straight.
pub(crate) const STRAIGHT_HEADERS: usize = 64;

/// So much is read at a time from a caller whose calls go straight.
pub(crate) const INBOX_BYTES: usize = 4 * 1024;

/// So much is read at a time from a backend whose answer goes straight.
pub(crate) const READ_BYTES: usize = 16 * 1024;

/// The largest head of an answer that goes straight, and the most headers in it.
pub(crate) const ANSWER_HEAD_BYTES: usize = 256 * 1024;
pub(crate) const ANSWER_HEADERS: usize = 100;

/// The longest address at a backend, path and query: as long as one may be for the types of `http`.
pub(crate) const ADDRESS_BYTES: usize = 65_534;

/// The longest line before a chunk of such an answer, and the most bytes behind its last chunk.
pub(crate) const CHUNK_LINE_BYTES: usize = 1024;
pub(crate) const TRAILER_BYTES: usize = 16 * 1024;

/// The most characters of a canonical request that one who signed another one is shown, and the largest body
/// that is hashed for it.
pub(crate) const EXPECTED_CHARS: usize = 4 * 1024;
pub(crate) const EXPECTED_BODY_BYTES: usize = 64 * 1024;

/// How much is read and dropped of a caller whose request's head was refused.
pub(crate) const LEFTOVER_BYTES: usize = 1024 * 1024;

/// The smallest buffer hyper takes for a head.
const LEAST_HEAD_BYTES: usize = 8 * 1024;

/// More than any machine has sockets for, less than a semaphore can count.
const MOST_PERMITS: usize = 1 << 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_go_together_and_a_contradiction_is_named() {
        assert_eq!(Limits::default().check(), Ok(()));
        let lease = Limits { lease: Duration::from_secs(1), ..Limits::default() };
        assert!(lease.check().unwrap_err().to_string().contains("lease"));
    }
}
