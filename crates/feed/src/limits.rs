//! Every limit of the feed, in one place.

use std::time::Duration;

/// The newest format that is read and written here. What a format has never changes: what is new has a new number.
pub const FORMAT: u32 = 3;

/// The oldest one: that of the version before.
pub const OLDEST_FORMAT: u32 = 2;

/// The format from which on an answer that is not sent to its end says why.
pub(crate) const SAYS_WHY: u32 = 3;

/// A part is full when it has this many bytes, before it is packed.
pub(crate) const PART_BYTES: usize = 256 * 1024;

/// The largest part, packed or not: a full one, and one more record.
pub(crate) const MOST_PART_BYTES: usize = 8 * 1024 * 1024;

/// The largest part as it is sent: with its length, and how it is packed.
pub(crate) const MOST_FRAME_BYTES: usize = MOST_PART_BYTES + 16;

/// The most records of one answer. Ten million grants are a tenth of it.
pub(crate) const MOST_RECORDS: u64 = 100_000_000;

/// The largest question.
pub(crate) const QUESTION_BYTES: usize = 8 * 1024;

/// How long a question may take to arrive.
pub(crate) const QUESTION_READ: Duration = Duration::from_secs(5);

/// The longest text a gateway may say of itself, in bytes.
pub(crate) const SAID_BYTES: usize = 128;

/// The longest wait for something to change that is granted.
pub(crate) const MOST_WAIT: Duration = Duration::from_secs(30);

/// The most questions that are answered at a time.
pub(crate) const QUESTIONS: usize = 4_096;

/// The most answers at a time that tell everything: each holds all there is.
pub(crate) const WHOLES: usize = 4;

/// The most parts of an answer that wait to be sent.
pub(crate) const PARTS_AHEAD: usize = 2;

/// How long a gateway may take no part of its answer.
pub(crate) const PART_TAKEN: Duration = Duration::from_secs(20);

/// How long a gateway may keep the control side waiting over one answer in all, whatever it takes of it.
pub(crate) const ANSWER_GRACE: Duration = Duration::from_secs(30);

/// For each so many bytes it has taken, a gateway may keep the control side waiting for a second more.
pub(crate) const SLOWEST_RATE: u64 = 64 * 1024;

/// How long an answer may take in all, the reading of the store included. Ten million grants, packed, need 1.4 MB
/// a second.
pub(crate) const ANSWER_TAKEN: Duration = Duration::from_secs(10 * 60);

/// The least time between two lines of the log about gateways that take answers too slowly.
pub(crate) const LINE_PAUSE: Duration = Duration::from_secs(10);

/// How long a gateway that stops waits for its goodbye to be taken.
pub(crate) const GOODBYE: Duration = Duration::from_secs(2);

/// How long a connection may take, TLS included.
pub(crate) const CONNECT: Duration = Duration::from_secs(3);

/// How often a connection is looked at by an HTTP/2 ping, and how long that may go without an answer.
pub(crate) const PING: Duration = Duration::from_secs(2);

/// A gateway makes a new connection after this long, so that both ends look at certificates again.
pub(crate) const CONNECTION: Duration = Duration::from_secs(30 * 60);

/// A control node answers no question on a connection that is older.
pub(crate) const OLD_CONNECTION: Duration = Duration::from_secs(60 * 60);

/// The longest text of a refusal that is shown.
pub(crate) const REFUSAL_BYTES: usize = 512;

/// How many refused questions leave a line in the log, a second.
pub(crate) const REFUSAL_LINES: u32 = 10;

/// How long a node that failed is not asked while another one answers, the first time.
pub(crate) const BACKOFF: Duration = Duration::from_secs(1);

/// The same, at most.
pub(crate) const MOST_BACKOFF: Duration = Duration::from_secs(30);

/// The most nodes of a control side.
pub const NODES: usize = 16;

/// How far a gateway's own clock may be away from the control side's before that is worth a warning.
pub(crate) const CLOCKS_APART_MS: i64 = 2_000;

/// How much faster or slower than the control side's clock a gateway's may go: one part in this many.
pub(crate) const DRIFT: i64 = 10_000;

const _: () = {
    assert!(OLDEST_FORMAT <= FORMAT);
    assert!(PART_BYTES < MOST_PART_BYTES);
    assert!(PART_TAKEN.as_secs() < ANSWER_GRACE.as_secs());
    assert!(ANSWER_GRACE.as_secs() < ANSWER_TAKEN.as_secs());
    assert!(CONNECTION.as_secs() < OLD_CONNECTION.as_secs());
    assert!(BACKOFF.as_secs() <= MOST_BACKOFF.as_secs());
};
