//! The feed between machines: what a gateway follows, over a network.
//!
//! ```text
//! format    batches of what is true as bytes, and back; strict
//! frames    an answer as a stream of packed parts, with an end of its own
//! poll      what a gateway asks, and says of itself
//! serve     the control side's end: polls are answered from a Provider
//! sending   an answer on its way, part by part
//! pace      how long a gateway may take over an answer
//! refused   the questions that get no answer: why, and how often
//! woken     one reading of it for all whom a change wakes
//! names     the name in a certificate, which a gateway's id is bound to
//! remote    the gateway's end: a Source that asks several nodes of the control side
//! time      what time it is at the control side
//! peers     mutual TLS between both
//! token     the secret both share on one machine: proofs of questions, sealed answers
//! ```
//!
//! One question, one answer: "I am this gateway and decide at revision E; what has changed after R?" It is
//! answered at once when something has, else when something does or the wait is over. So the poll that
//! follows an applied batch acknowledges it. Whatever is not understood is an error that renews no lease.

mod counters;
mod figures;
mod format;
mod frames;
mod limits;
mod messages;
mod metrics;
mod names;
mod pace;
mod peers;
mod poll;
mod refused;
mod remote;
mod sending;
mod serve;
mod time;
mod token;
mod woken;

pub use figures::FeedFigures;
pub use format::{FormatError, Formats, NoCommonFormat};
pub use frames::{Answered, Reader, Told, pack};
pub use limits::{FORMAT, NODES, OLDEST_FORMAT};
pub use peers::PeerFiles;
pub use poll::{Heard, Me, Question};
pub use refused::Refusals;
pub use remote::{BadUrl, ControlUrl, Remote, RemoteSource};
pub use sending::Everything;
pub use serve::{Admission, Feed, HeardError, Provider, Times};
pub use time::ControlTime;
pub use token::FeedToken;
