//! What is refused of the feed, and why.

use super::versions::{Formats, NoCommonFormat};

/// Why something that came over the feed is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It ended before its end.
    #[error("it was cut off")]
    Cut,
    /// A part is larger than any may be.
    #[error("a part of it is too large")]
    TooLarge,
    /// It has more records than any may have.
    #[error("it has too many records")]
    TooMany,
    /// It cannot be unpacked.
    #[error("a part of it is damaged")]
    Damaged,
    /// It is no message of this kind.
    #[error("a message of it is malformed: {0}")]
    Malformed(String),
    /// A gateway reads no format that is written here.
    #[error("{0}")]
    NoCommonFormat(Box<NoCommonFormat>),
    /// An answer is in a format that is not read here.
    #[error("it is in format {0} of the feed, and this gateway reads {here}", here = Formats::HERE)]
    OtherFormat(u32),
    /// The control side could not send all of it. The text is its reason.
    #[error("the control side ended it: {0}")]
    Ended(String),
    /// There is something in it that is not known here.
    #[error("there is something in it that is not known here: {0}")]
    Unknown(&'static str),
    /// A value is out of its bounds, or missing.
    #[error("it has a bad value: {0}")]
    BadValue(&'static str),
    /// Its parts are out of order.
    #[error("its parts are out of order")]
    OutOfOrder,
    /// The number of records is another one than its end says.
    #[error("records of it are missing")]
    Missing,
    /// It answers another question.
    #[error("it is the answer to another question")]
    OtherQuestion,
}
