//! The limits of the use cases.

use std::time::Duration;

/// For so long after a gateway was heard of at another control node no other process may speak for it here.
/// A gateway asks every second, and what was heard is written down within another.
pub const GATEWAY_ELSEWHERE: Duration = Duration::from_secs(5);

/// How far the rate of a gateway's clock may be off, per mille. Its lease may last that much longer.
pub const CLOCK_RATE_ERROR: u32 = 1;

/// A gateway that is answered was written down as heard of no longer ago than this. Nobody who reads
/// it knows of answers given since, so he counts that much on top.
pub const GATEWAY_WRITTEN: Duration = Duration::from_secs(1);

/// How often a wait looks for what gateways told to other control nodes.
pub const GATEWAY_LOOK: Duration = Duration::from_millis(250);

/// How many grants a part of everything has: enough that few questions are needed, few enough to have at hand.
pub const GRANTS_A_PART: u64 = 50_000;

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

/// How many commits that are not enforced yet are remembered with their time.
pub const COMMITS: usize = 4_096;

const _: () = assert!(GATEWAY_LOOK.as_millis() < GATEWAY_WRITTEN.as_millis());
