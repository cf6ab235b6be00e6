//! Batches as messages, and back.
//!
//! What an answer has is read strictly: a kind, value or field that is not known here is an error, never left out,
//! for it could be what ends somebody's right. So whatever is new has a format of its own ([`FORMAT`](crate::FORMAT)), and is written
//! only to gateways that read that.
//!
//! What a question has is the gateway's word about itself. A gateway of a newer version may say more than is known
//! here: that is ignored if it reads a format that is written here as well, for then it can do without.
//!
//! Versions that follow each other have a format in common. A question names the lowest and the highest one the
//! gateway reads, the answer the one it is written in: the highest both know. The number of the format, the version
//! and the lowest format have the same places in questions of every format.

mod codes;
mod error;
mod read;
mod versions;
mod write;

use prost::Message;

pub use self::error::FormatError;
pub(crate) use self::read::put;
pub use self::versions::{Formats, NoCommonFormat};
pub(crate) use self::write::{count, records};

/// Reads a message. Whoever takes it looks whether it is [`whole`], once its format is known to be one that is
/// read here.
pub(crate) fn message<M: Message + Default>(bytes: &[u8]) -> Result<M, FormatError> {
    M::decode(bytes).map_err(|error| FormatError::Malformed(error.to_string()))
}

/// Was everything in these bytes understood? The encoding leaves out what has its default, so whatever was
/// skipped, or told twice, shows in the length.
pub(crate) fn whole<M: Message>(message: &M, bytes: &[u8]) -> Result<(), FormatError> {
    if message.encoded_len() == bytes.len() { Ok(()) } else { Err(FormatError::Unknown("a field")) }
}
