//! The gate: it lets a call in only under a live grant, decides from memory, and forwards.
//!
//! The modules are layers: each uses those above it in this list, and none below.
//!
//! ```text
//! feed         what is followed: batches of what is true, from a Source
//! headers      what each header is to a gateway; one strict reading of a request
//! plan         how a call becomes a request to its backend
//! upstream     the backends of an API: which one gets the next call; no connection is known here
//! index        all that is known, as one immutable snapshot with its revision
//! snapshot     the same in a file, sealed, so that a start need not learn it all anew
//! check        identify -> authenticate -> admit; synchronous
//! expected     the canonical request, shown to a caller who signed another one
//!
//! body         bodies on their way through
//! backend      connections to backends: pools, retries, TLS, HTTP/2
//! slots, tls   room for connections, and callers' TLS
//! telemetry    what is measured and reported of calls
//! state        what a gateway knows and counts, shared by all that follows
//!
//! limit        after admission: throttle and nonce, of the APIs that have them
//! right        whether a call whose answer streams is admitted still
//! account      what is found out about a call along the way
//! call         what all calls have in common: the verdict, what goes on
//! screen       HTTP/1 ahead of hyper: heads nobody can answer are refused by name
//! server       accepting connections and serving them
//! proxy        read strictly -> check -> limit -> forward -> account; by hyper, for any call
//! upgrade      calls that become WebSockets
//! straight     the same as proxy without hyper, for the plainest calls
//!
//! follower     asks for changes, applies them, publishes a new index
//! compare      now and then: does the index hold what the source has
//! gate         the handles that the composition holds
//!
//! told          a call that another proxy forwards, and its verdict
//! forward_auth  that proxy asks over HTTP (nginx, Caddy, Traefik, APISIX, Envoy)
//! ext_authz     that proxy asks over gRPC (Envoy)
//! access_log, lines, metrics
//! ```
//!
//! The gate knows neither the store nor the control side: a call can never wait for them. It is
//! closed by default, and every no has a name ([`Reason`]).

mod access_log;
mod account;
mod backend;
mod body;
mod call;
mod caller;
mod check;
mod compare;
mod connections;
mod denial;
mod denial_response;
mod evidence;
mod expected;
mod expiry_headers;
mod ext_authz;
pub mod feed;
mod follower;
mod forward_auth;
mod framing;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod gate;
pub mod headers;
mod held;
mod hop_by_hop;
mod identity_headers;
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
mod probes;
mod proxy;
mod rate;
mod reconcile;
mod reply;
mod request_id;
mod rewound;
mod right;
mod routes;
mod screen;
mod server;
mod slots;
mod snapshot;
mod space;
mod state;
mod straight;
mod telemetry;
mod throttle;
mod tls;
mod told;
mod upgrade;
mod upstream;
mod websocket;
mod words;
mod workers;

pub use access_log::{AccessLog, FIELDS};
pub use account::Watched;
pub use backend::{BackendConfig, BackendCounters, BadNetwork, Networks, OwnListeners};
pub use body::{AnyBody, BoxError};
pub use caller::Caller;
pub use check::{Admitted, Question, check};
pub use connections::{ConnectionFigures, Connections, Listener, Listeners};
pub use denial::{Denial, Reason, Row};
pub use ext_authz::ExtAuthz;
pub use feed::{
    Answer, Backend, Batch, Constant, FeedApi, FeedApp, FeedInstance, FeedPublication,
    FeedStanding, FeedToken, Moved, Number, Poll, Position, Rules, Source, SourceError, Throttle,
};
pub use forward_auth::ForwardAuth;
pub use gate::{Connected, Counters, Gate, GateConfig, GateService, SetupError, Status, Telling};
pub use index::{Api, Applied, Broken, Change, Digest, Grants, Index, Pair, Serves, Sizes};
pub use limits::{BadLimits, Limits};
pub use moment::Moment;
pub use peer::PeerCertificate;
pub use rate::Rate;
pub use reply::Reply;
pub use server::{Accepted, Answers, Speaks, Terms, serve, serve_tls, serve_within};
pub use slots::{Hold, Use};
pub use snapshot::{SnapshotFile, SnapshotStatus};
pub use state::Clock;
pub use telemetry::{
    Aborted, CallLines, Counts, Kind, Outcome, Record, Share, Sink, Statistics, StatisticsRow,
    Times, Trace,
};
pub use tidegate_seal::{SealError, SealingKey};
pub use tls::{Acceptor, TlsCounters, TlsError, TlsFiles, mutual_client};
pub use words::{system_words, tls_words, tls_words_of};
pub use workers::Workers;
