//! Every limit of the lifecycle, in one place.

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

/// No end lies beyond 9999-12-31T23:00:00Z: later is a mistake, and four-digit years stay sortable.
pub const HORIZON_MS: i64 = 253_402_297_200_000;

const _: () = assert!(NOTICE_MS <= CONFIRM_DEFAULT_MS);
const _: () = assert!(HORIZON_MS % HOUR_MS == 0);
