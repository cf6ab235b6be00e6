//! DataArts JSON, headers, codes and quirks: text to domain and back.
//!
//! ```text
//! bytes  -> requests::body -> a body, all fields optional -> parse() -> plain values | Refusal
//! domain -> answers        -> a value that serialises to the vendor's field names
//! Refusal -> errors::refusal -> status, code, text
//! ```
//!
//! Form comes first: a body is checked from end to end before any of the ids in it is looked at, and
//! an id that cannot be read simply does not exist.

pub mod answers;
pub mod definition;
pub mod enums;
pub mod errors;
mod host;
pub mod iam;
pub mod ids;
pub mod limits;
pub mod paging;
pub mod query;
pub mod quirks;
pub mod requests;
mod text;
pub mod time;

pub use definition::{BackendSpec, Definition};
pub use errors::{Answer, ErrorBody, refusal};
pub use time::{BadTime, format_iso, parse_iso};
