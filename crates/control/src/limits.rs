//! The limits of the use cases.

use std::time::Duration;

/// A bucket of attempts: how many fit in, and how long one takes to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// How many may fail in a row.
    pub size: i64,
    /// Milliseconds until one more may.
    pub refill_ms: i64,
}

/// For so long after a gateway was heard of at another control node no other process may speak for it here.
/// A gateway asks every second, and what was heard is written down within another.
pub const GATEWAY_ELSEWHERE: Duration = Duration::from_secs(5);

/// How far the rate of a gateway's clock may be off, per mille. Its lease may last that much longer.
pub const CLOCK_RATE_ERROR: u32 = 1;

/// A gateway that is answered was written down as heard of no longer ago than this. Nobody who reads
/// it knows of answers given since, so he counts that much on top.
pub const GATEWAY_WRITTEN: Duration = Duration::from_secs(1);

/// How many changes wait at a time until they are enforced. Each holds a connection; another one is refused before it
/// is made.
pub const WAITERS: usize = 2_048;

/// How often a wait looks for what gateways told to other control nodes.
pub const GATEWAY_LOOK: Duration = Duration::from_millis(250);

/// How many grants a part of everything has: enough that few questions are needed, few enough to have at hand.
pub const GRANTS_A_PART: u64 = 50_000;

/// How many quarantined records are remembered.
pub const QUARANTINED: usize = 1_000;

/// The longest lease a gateway may have: a day. Whoever waits may have to wait for its end.
pub const LEASE_MS: u64 = 86_400_000;

/// The most gateways of an installation.
pub const GATEWAYS: usize = 10_000;

/// The longest id, name, version or epoch of a gateway, in characters.
pub const GATEWAY_CHARS: usize = 128;

/// How long a gateway is silent before it is forgotten by itself: 30 days.
pub const GATEWAY_FORGOTTEN_MS: i64 = 30 * 86_400_000;

/// How many acknowledgements of a gateway are remembered with their time.
pub const ACKNOWLEDGEMENTS: usize = 256;

/// How many stamps of past revisions a node remembers, so that it need not look them up.
pub const STAMPS: usize = 4_096;

/// How many contradictions of the history a node reports.
pub const CONTRADICTIONS: usize = 256;

/// How many commits that are not enforced yet are remembered with their time.
pub const COMMITS: usize = 4_096;

/// How many log-ins may be wrong for a user: so many in a row, and then four a minute.
pub(crate) const BUCKET_OF_USER: Bucket = Bucket { size: 20, refill_ms: 15_000 };

/// The same for an access key, which is too long to be guessed.
pub(crate) const BUCKET_OF_KEY: Bucket = Bucket { size: 100, refill_ms: 1_000 };

/// The same from a peer address, whoever is meant.
pub(crate) const BUCKET_OF_ADDRESS: Bucket = Bucket { size: 200, refill_ms: 500 };

/// The most log-ins of a user, or from an address where they have logged in before, that are checked or wait
/// to be checked.
pub(crate) const ATTEMPTS_PER_SUBJECT: usize = 2;

/// The same of all users who have not logged in from where they come.
pub(crate) const ATTEMPTS_AT_A_TIME: usize = 32;

/// The same of those who have.
pub(crate) const ATTEMPTS_OF_KNOWN: usize = 16;

/// The most users, addresses and pairs of both that are remembered.
pub(crate) const ATTEMPT_KEYS: usize = 10_000;

const _: () = assert!(GATEWAY_LOOK.as_millis() < GATEWAY_WRITTEN.as_millis());

/// How far a clock may be ahead of what the boot-time clock has counted since it was right, or behind the last
/// decision, in milliseconds.
pub const CLOCK_LEAP_MS: i64 = 3_600_000;

/// How far a clock may be ahead of the last decision where it is not known how long ago that was, in milliseconds.
pub const CLOCK_PAUSE_MS: i64 = 31 * 86_400_000;
