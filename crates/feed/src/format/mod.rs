//! Batches as messages, and back.
//!
//! Strict: a kind, value or field that is not known here is an error, never left out, for it could be what
//! ends somebody's right. So a change of the format has a number ([`FORMAT`]), and an end that speaks
//! another one says so.

mod codes;
mod read;
mod write;

use prost::Message;

pub(crate) use self::read::put;
pub(crate) use self::write::{count, records};
use crate::limits::FORMAT;

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
    /// It speaks another format.
    #[error(
        "it speaks format {0} of the feed, and here it is format {FORMAT}: the versions are too far apart"
    )]
    OtherFormat(u32),
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

/// Reads a message. Whoever takes it looks whether it is [`whole`], once it is known to be of the same
/// format.
pub(crate) fn message<M: Message + Default>(bytes: &[u8]) -> Result<M, FormatError> {
    M::decode(bytes).map_err(|error| FormatError::Malformed(error.to_string()))
}

/// Was everything in these bytes understood? The encoding leaves out what has its default, so whatever was
/// skipped, or told twice, shows in the length.
pub(crate) fn whole<M: Message>(message: &M, bytes: &[u8]) -> Result<(), FormatError> {
    if message.encoded_len() == bytes.len() { Ok(()) } else { Err(FormatError::Unknown("a field")) }
}

/// Only one format is spoken here.
pub(crate) fn same_format(theirs: u32) -> Result<(), FormatError> {
    if theirs == FORMAT { Ok(()) } else { Err(FormatError::OtherFormat(theirs)) }
}
