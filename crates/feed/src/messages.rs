//! The messages of the feed, in the encoding of protocol buffers. What they mean, and what is refused, is
//! said in [`format`](crate::format). A message has what its oldest format has, but where a later one is named; whatever
//! is added belongs to a new format, and its writer asks which one the answer is in.

use std::fmt;

use prost::{Message, Oneof};

/// What a gateway asks, and says of itself.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Poll {
    /// The highest format the gateway reads, which the question is written in. In every format.
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    #[prost(uint64, tag = "2")]
    pub(crate) number: u64,
    #[prost(string, tag = "3")]
    pub(crate) id: String,
    #[prost(string, tag = "4")]
    pub(crate) name: String,
    #[prost(string, tag = "5")]
    pub(crate) boot: String,
    /// In every format.
    #[prost(string, tag = "6")]
    pub(crate) version: String,
    #[prost(uint64, tag = "7")]
    pub(crate) lease_ms: u64,
    #[prost(string, tag = "8")]
    pub(crate) epoch: String,
    #[prost(uint64, optional, tag = "9")]
    pub(crate) enforced: Option<u64>,
    #[prost(uint64, tag = "10")]
    pub(crate) since: u64,
    #[prost(uint64, tag = "11")]
    pub(crate) wait_ms: u64,
    #[prost(sint64, tag = "12")]
    pub(crate) wall_ms: i64,
    /// The stamp of the revision that is asked from.
    #[prost(string, tag = "20")]
    pub(crate) stamp: String,
    /// The stamp of the revision that is enforced.
    #[prost(string, tag = "21")]
    pub(crate) enforced_stamp: String,
    /// The lowest format the gateway reads; 0 if that is the highest, too. From format 3 on, in every one.
    #[prost(uint32, tag = "50")]
    pub(crate) lowest: u32,
}

/// One part of an answer.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Part {
    #[prost(oneof = "PartKind", tags = "1, 2, 3, 50")]
    pub(crate) kind: Option<PartKind>,
}

/// A head, records, an end: in this order. Or, wherever the control side cannot go on, why.
#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum PartKind {
    #[prost(message, tag = "1")]
    Head(Head),
    #[prost(message, tag = "2")]
    Records(Records),
    #[prost(message, tag = "3")]
    End(End),
    /// From format 3 on.
    #[prost(message, tag = "50")]
    Ended(Ended),
}

/// What an answer is about.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Head {
    /// The format the answer is written in.
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    /// The number of the question.
    #[prost(uint64, tag = "2")]
    pub(crate) number: u64,
    #[prost(string, tag = "3")]
    pub(crate) epoch: String,
    #[prost(uint64, tag = "4")]
    pub(crate) since: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) head: u64,
    /// How old the proof is that this node may speak.
    #[prost(uint64, tag = "6")]
    pub(crate) age_ms: u64,
    /// The decision time.
    #[prost(sint64, tag = "7")]
    pub(crate) now_ms: i64,
    /// The wall clock.
    #[prost(sint64, tag = "8")]
    pub(crate) wall_ms: i64,
    /// How long after the question came these times were read.
    #[prost(uint64, tag = "9")]
    pub(crate) held_ms: u64,
    /// The stamp of the head.
    #[prost(string, tag = "20")]
    pub(crate) stamp: String,
    /// The stamp of the revision that was asked from, in the history that answers.
    #[prost(string, tag = "21")]
    pub(crate) since_stamp: String,
}

/// Some of what has changed.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Records {
    #[prost(message, repeated, tag = "1")]
    pub(crate) records: Vec<Record>,
}

/// Nothing follows; so many records came before.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct End {
    #[prost(uint64, tag = "1")]
    pub(crate) records: u64,
}

/// Nothing follows, though not all has been sent.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Ended {
    #[prost(string, tag = "1")]
    pub(crate) why: String,
}

/// One thing that has changed.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Record {
    #[prost(oneof = "RecordKind", tags = "1, 2, 3, 4, 5, 6, 7, 10, 11, 50")]
    pub(crate) kind: Option<RecordKind>,
}

/// What it is.
#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum RecordKind {
    #[prost(message, tag = "1")]
    App(App),
    #[prost(string, tag = "2")]
    AppDeleted(String),
    #[prost(message, tag = "3")]
    Api(Box<Api>),
    #[prost(string, tag = "4")]
    ApiDeleted(String),
    #[prost(message, tag = "5")]
    Publication(Publication),
    #[prost(message, tag = "6")]
    Standing(Standing),
    #[prost(message, tag = "7")]
    Token(Token),
    #[prost(message, tag = "10")]
    Instance(Instance),
    /// The project that serves calls to hosts which no instance names.
    #[prost(string, tag = "11")]
    DefaultProject(String),
    /// The hash of a token that was revoked before its end.
    #[prost(bytes = "vec", tag = "50")]
    TokenRevoked(Vec<u8>),
}

/// An app. Its `Debug` tells no secret.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(crate) struct App {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) domain: String,
    #[prost(string, tag = "3")]
    pub(crate) project: String,
    #[prost(uint32, tag = "4")]
    pub(crate) kind: u32,
    #[prost(string, tag = "5")]
    pub(crate) key: String,
    #[prost(string, optional, tag = "6")]
    pub(crate) secret: Option<String>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("id", &self.id).finish_non_exhaustive()
    }
}

/// An API.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Api {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) project: String,
    #[prost(string, tag = "3")]
    pub(crate) domain: String,
    #[prost(string, tag = "4")]
    pub(crate) name: String,
    #[prost(uint32, tag = "5")]
    pub(crate) auth: u32,
    #[prost(uint32, tag = "6")]
    pub(crate) method: u32,
    #[prost(string, tag = "7")]
    pub(crate) path: String,
    #[prost(message, optional, tag = "8")]
    pub(crate) backend: Option<Backend>,
    #[prost(message, optional, tag = "9")]
    pub(crate) rules: Option<Rules>,
}

/// The service behind an API.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Backend {
    #[prost(bool, tag = "1")]
    pub(crate) https: bool,
    #[prost(string, tag = "2")]
    pub(crate) authority: String,
    #[prost(uint32, tag = "3")]
    pub(crate) method: u32,
    #[prost(string, tag = "4")]
    pub(crate) path: String,
    #[prost(uint32, optional, tag = "5")]
    pub(crate) timeout_ms: Option<u32>,
    #[prost(message, repeated, tag = "6")]
    pub(crate) moved: Vec<Moved>,
    #[prost(message, repeated, tag = "7")]
    pub(crate) constants: Vec<Constant>,
    #[prost(message, repeated, tag = "40")]
    pub(crate) numbers: Vec<Number>,
}

/// A parameter that must be a number.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Number {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(uint32, tag = "2")]
    pub(crate) position: u32,
    #[prost(bool, tag = "3")]
    pub(crate) may_be_empty: bool,
}

/// A parameter, and where the backend wants it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Moved {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(uint32, tag = "2")]
    pub(crate) position: u32,
    #[prost(string, tag = "3")]
    pub(crate) backend_name: String,
    #[prost(uint32, tag = "4")]
    pub(crate) backend_position: u32,
    #[prost(bool, tag = "5")]
    pub(crate) required: bool,
    #[prost(string, optional, tag = "6")]
    pub(crate) default: Option<String>,
}

/// A parameter with one value for all callers.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Constant {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(uint32, tag = "2")]
    pub(crate) position: u32,
    #[prost(string, tag = "3")]
    pub(crate) value: String,
}

/// How calls of an API are treated.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Rules {
    #[prost(bool, tag = "1")]
    pub(crate) nonce: bool,
    #[prost(bool, tag = "2")]
    pub(crate) odd_paths: bool,
    #[prost(bool, tag = "3")]
    pub(crate) upgrade: bool,
    #[prost(message, optional, tag = "4")]
    pub(crate) throttle: Option<Throttle>,
    #[prost(uint32, tag = "5")]
    pub(crate) retries: u32,
    #[prost(bool, tag = "6")]
    pub(crate) http2: bool,
    #[prost(uint32, optional, tag = "7")]
    pub(crate) connect_timeout_ms: Option<u32>,
    #[prost(uint32, optional, tag = "8")]
    pub(crate) read_timeout_ms: Option<u32>,
    #[prost(uint32, optional, tag = "9")]
    pub(crate) total_timeout_ms: Option<u32>,
    #[prost(string, repeated, tag = "10")]
    pub(crate) more_backends: Vec<String>,
    #[prost(bool, tag = "30")]
    pub(crate) require_signed_host: bool,
    #[prost(bool, tag = "31")]
    pub(crate) forward_credentials: bool,
}

/// How many calls there may be.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Throttle {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(uint64, tag = "2")]
    pub(crate) window_ms: u64,
    #[prost(uint64, optional, tag = "3")]
    pub(crate) per_api: Option<u64>,
    #[prost(uint64, optional, tag = "4")]
    pub(crate) per_user: Option<u64>,
    #[prost(uint64, optional, tag = "5")]
    pub(crate) per_app: Option<u64>,
}

/// An API's state on an instance.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Publication {
    #[prost(string, tag = "1")]
    pub(crate) api: String,
    #[prost(string, tag = "2")]
    pub(crate) instance: String,
    #[prost(uint32, tag = "3")]
    pub(crate) status: u32,
    /// The end of a state that has one.
    #[prost(sint64, optional, tag = "4")]
    pub(crate) at_ms: Option<i64>,
    /// When it was last published.
    #[prost(sint64, optional, tag = "10")]
    pub(crate) published_at_ms: Option<i64>,
}

/// An instance, and the hosts whose calls are its own.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Instance {
    #[prost(string, tag = "1")]
    pub(crate) project: String,
    #[prost(string, tag = "2")]
    pub(crate) id: String,
    #[prost(string, repeated, tag = "3")]
    pub(crate) hosts: Vec<String>,
}

/// What a gateway must know of a standing.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Standing {
    #[prost(string, tag = "1")]
    pub(crate) api: String,
    #[prost(string, tag = "2")]
    pub(crate) instance: String,
    #[prost(string, tag = "3")]
    pub(crate) app: String,
    #[prost(message, optional, tag = "4")]
    pub(crate) grant: Option<Grant>,
    #[prost(sint64, optional, tag = "5")]
    pub(crate) paused_from_ms: Option<i64>,
    #[prost(sint64, optional, tag = "6")]
    pub(crate) applied_until_ms: Option<i64>,
    #[prost(sint64, optional, tag = "7")]
    pub(crate) shutdown_at_ms: Option<i64>,
}

/// A grant.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Grant {
    #[prost(sint64, tag = "1")]
    pub(crate) since_ms: i64,
    #[prost(sint64, tag = "2")]
    pub(crate) until_ms: i64,
    #[prost(string, tag = "3")]
    pub(crate) by: String,
    #[prost(message, optional, tag = "4")]
    pub(crate) cut: Option<Cut>,
}

/// An end before that of validity.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Cut {
    #[prost(sint64, tag = "1")]
    pub(crate) at_ms: i64,
    #[prost(uint32, tag = "2")]
    pub(crate) cause: u32,
}

/// A user's token, by its hash.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Token {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) hash: Vec<u8>,
    #[prost(string, tag = "2")]
    pub(crate) user: String,
    #[prost(string, tag = "3")]
    pub(crate) domain: String,
    #[prost(string, tag = "4")]
    pub(crate) project: String,
    #[prost(sint64, tag = "5")]
    pub(crate) expires_at_ms: i64,
}
