//! Every limit of the lifecycle, in one place.

pub use crate::time::HORIZON_MS;
use crate::time::{DAY_MS, HOUR_MS};

/// The notice a reviewer's cancellation, stop or unpublish leaves the app at least: two days.
pub const NOTICE_MS: i64 = 2 * DAY_MS;

/// When a confirmed notice takes effect if the app's side names no time: after three days, but
/// never after the notice's deadline.
pub const CONFIRM_DEFAULT_MS: i64 = 3 * DAY_MS;

/// The apps one batch authorization may name.
pub const BATCH_APPS: usize = 1_000;

/// The applications one verdict may decide.
pub const BATCH_APPLICATIONS: usize = 1_000;

/// The APIs one delete may name.
pub const BATCH_APIS: usize = 1_000;

/// The longest id, in characters.
pub const ID_CHARS: usize = 64;

/// The longest comment or description, in characters.
pub const TEXT_CHARS: usize = 255;

/// A retention period, in hours, lasts ten years at most.
pub const RETENTION_HOURS: u32 = 87_600;

/// The longest window of a throttling policy, in seconds: a day. Gates count in memory, so a longer
/// one would promise what a restart breaks.
pub const THROTTLE_WINDOW_SECONDS: u32 = 86_400;

/// The largest limit of a throttling policy, in calls.
pub const THROTTLE_CALLS: u32 = 1_000_000_000;

/// How often a call may be tried again at most.
pub const RETRIES: u8 = 3;

/// The longest time a connection to a backend may take, in milliseconds: a minute.
pub const CONNECT_TIMEOUT_MS: u32 = 60_000;

/// The longest time a backend's answer may stand still, in milliseconds: ten minutes.
pub const READ_TIMEOUT_MS: u32 = 600_000;

/// The longest time a whole call may take, in milliseconds: an hour.
pub const TOTAL_TIMEOUT_MS: u32 = 3_600_000;

/// The most further backends of an API.
pub const MORE_BACKENDS: usize = 16;

/// The longest host name, in characters.
pub const HOST_CHARS: usize = 253;

/// The longest part of a host name between two dots.
pub const HOST_LABEL_CHARS: usize = 63;

/// The most hosts one instance may name.
pub const HOSTS: usize = 32;

const _: () = assert!(NOTICE_MS <= CONFIRM_DEFAULT_MS);
const _: () = assert!(HORIZON_MS % HOUR_MS == 0);
