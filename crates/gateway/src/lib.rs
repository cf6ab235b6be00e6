//! The gate: it lets a call in only under a live grant, decides from memory, and forwards.
//!
//! ```text
//! feed      what the gate follows: batches of what is true, from a Source
//! follower  asks for changes, applies them, publishes a new index
//! index     all that is known, as one immutable snapshot with its revision
//! snapshot  the same in a file, sealed, so that a start need not learn it all anew
//! compare   now and then: is what is known what is told?
//! expected  the canonical request, for one whose signature is another one's
//! check     identify -> authenticate -> admit; synchronous
//! limit     after admission: throttle and nonce, of the APIs that have them
//! call      what all calls have in common: the verdict, what goes on
//! proxy     read strictly -> check -> limit -> forward -> account; by hyper, for any call
//! straight  the same without hyper, for the plainest calls
//! backend   connections to backends: pools, choice and health, retries, TLS, HTTP/2
//! upgrade   calls that become WebSockets
//! right     is a call whose answer streams admitted still?
//! screen    HTTP/1 ahead of hyper: heads nobody can answer are refused by name
//! server    accepting callers; tls: their TLS
//!
//! account     what is found out about a call, and told when it is over
//! access_log  a line a call
//! lines       what writes lines, and never makes anybody wait
//! metrics     what Prometheus reads
//!
//! told          a call that another proxy forwards, and its verdict
//! forward_auth  that proxy asks over HTTP (nginx, Caddy, Traefik, APISIX, Envoy)
//! ext_authz     that proxy asks over gRPC (Envoy)
//! ```
//!
//! The gate knows neither the store nor the control side: a call can never wait for them. It is
//! closed by default, and every no has a name ([`Reason`]).

mod access_log;
mod account;
mod backend;
mod body;
mod call;
mod check;
mod compare;
mod denial;
mod ends;
mod expected;
mod ext_authz;
pub mod feed;
mod follower;
mod forward_auth;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod gate;
pub mod headers;
mod held;
mod index;
mod json;
mod lease;
mod limit;
mod limits;
pub mod lines;
mod metrics;
mod moment;
mod nonce;
mod peer;
mod plan;
mod proxy;
mod rate;
mod request_id;
mod rewound;
mod right;
mod routes;
mod screen;
mod server;
mod snapshot;
mod space;
mod straight;
mod throttle;
mod tls;
mod told;
mod upgrade;
mod workers;

pub use access_log::{AccessLog, FIELDS};
pub use account::{
    Aborted, CallLines, Counts, Kind, Outcome, Record, Share, Sink, Statistics, StatisticsRow,
    Times, Trace, Watched,
};
pub use backend::{BackendConfig, BackendCounters, BadNetwork, Networks, OwnListeners};
pub use body::{AnyBody, BoxError, Reply};
pub use check::{Admitted, Question, check};
pub use denial::{Denial, Reason, Row};
pub use ext_authz::ExtAuthz;
pub use feed::{
    Answer, Backend, Batch, Constant, FeedApi, FeedApp, FeedInstance, FeedPublication,
    FeedStanding, FeedToken, Moved, Poll, Position, Rules, Source, SourceError, Throttle,
};
pub use forward_auth::ForwardAuth;
pub use gate::{
    Clock, Connected, Counters, Gate, GateConfig, GateService, SetupError, Status, Telling,
};
pub use index::{Api, Applied, Broken, Change, Digest, Grants, Index, Pair, Serves, Sizes};
pub use limits::{BadLimits, Limits};
pub use moment::Moment;
pub use peer::PeerCertificate;
pub use server::{
    Accepted, Answers, Caller, Connections, Hold, Listener, Speaks, Terms, Use, serve, serve_tls,
};
pub use snapshot::{SnapshotFile, SnapshotStatus};
pub use tidegate_seal::{SealError, SealingKey};
pub use tls::{Acceptor, TlsCounters, TlsError, TlsFiles, mutual_client};
pub use workers::Workers;
