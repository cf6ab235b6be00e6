//! The messages of the feed, in the encoding of protocol buffers, generated from `proto/feed.proto`. What they mean, and
//! what is refused, is said in [`format`](crate::format).

#[rustfmt::skip]
mod generated;

use std::fmt;

pub(crate) use self::generated::part::Kind as PartKind;
pub(crate) use self::generated::record::Kind as RecordKind;
pub(crate) use self::generated::*;

/// An app has a secret, which is shown nowhere.
impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("id", &self.id).finish_non_exhaustive()
    }
}
