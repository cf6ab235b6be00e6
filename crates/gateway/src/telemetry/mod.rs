//! What is measured and reported of calls: plain values and counts, which know nothing of how a call is answered.
//!
//! ```text
//! Record      what a Sink sees of a finished call: no header, no query, no secret
//! Sink        who gets it: the log of calls, the access log, the traces
//! Tally       verdicts, phases and bytes, counted for metrics
//! Statistics  calls per pair of API and app
//! ```

mod ids;
mod lines;
mod record;
mod share;
mod statistics;
mod tally;
mod trace;

pub(crate) use self::ids::Ids;
pub use self::lines::CallLines;
pub use self::record::{Aborted, Kind, Outcome, Record, Sink, Times};
pub use self::share::Share;
pub(crate) use self::statistics::Pairs;
pub use self::statistics::{Counts, Row as StatisticsRow, Statistics};
pub(crate) use self::tally::{BOUNDS_US, Phase, Spread, Tally};
pub use self::trace::Trace;
