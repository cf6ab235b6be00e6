//! The gate: it lets a call in only under a live grant, decides from memory, and forwards.
//!
//! ```text
//! feed      what the gate follows: batches of what is true, from a Source
//! follower  asks for changes, applies them, publishes a new index
//! index     all that is known, as one immutable snapshot with its revision
//! snapshot  the same in a file, sealed, so that a start need not learn it all anew
//! compare   now and then: is what is known what is told?
//! check     identify -> authenticate -> admit; synchronous
//! proxy     read strictly -> check -> forward -> account
//!
//! told          a call that another proxy forwards, and its verdict
//! forward_auth  that proxy asks over HTTP (nginx, Caddy, Traefik, APISIX, Envoy)
//! ext_authz     that proxy asks over gRPC (Envoy)
//! ```
//!
//! The gate knows neither the store nor the control side: a call can never wait for them. It is
//! closed by default, and every no has a name ([`Reason`]).

mod backend;
mod body;
mod check;
mod compare;
mod denial;
mod ext_authz;
pub mod feed;
mod follower;
mod forward_auth;
mod gate;
pub mod headers;
mod index;
mod lease;
mod limits;
mod metrics;
mod plan;
mod proxy;
mod request_id;
mod routes;
mod sealed;
mod server;
mod snapshot;
mod told;

pub use body::{AnyBody, BoxError};
pub use check::{Admitted, Question, check};
pub use denial::{Denial, Reason, Row};
pub use ext_authz::ExtAuthz;
pub use feed::{
    Backend, Batch, Constant, FeedApi, FeedApp, FeedPublication, FeedStanding, FeedToken, Moved,
    Position, Rules, Source, SourceError, Throttle,
};
pub use forward_auth::ForwardAuth;
pub use gate::{Clock, Counters, Gate, GateConfig, GateService, SetupError, Status};
pub use index::{Api, Applied, Broken, Change, Digest, Grants, Index, Pair, Serves, Sizes};
pub use limits::{BadLimits, Limits};
pub use sealed::{SealError, SealingKey};
pub use server::{Peer, serve};
pub use snapshot::{SnapshotFile, SnapshotStatus};
