//! The limits of the control side's HTTP.

use std::time::Duration;

/// The largest body a call may have, in bytes.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// The same before the caller is known: a log-in.
pub(crate) const UNKNOWN_BODY_LIMIT: usize = 64 * 1024;

/// How long a body may take to arrive.
pub(crate) const BODY_READ: Duration = Duration::from_secs(30);

/// The same before the caller is known.
pub(crate) const UNKNOWN_BODY_READ: Duration = Duration::from_secs(10);

/// The memory for the bodies of known callers, in KiB.
pub(crate) const KNOWN_BODIES_KIB: usize = 48 * 1024;

/// The memory for the bodies of callers that are not known yet, in KiB.
pub(crate) const UNKNOWN_BODIES_KIB: usize = 16 * 1024;

/// How old or how far ahead a signature may be, in seconds.
pub const SIGNATURE_WINDOW_SECONDS: i64 = 15 * 60;
