//! The connection a call came on, as far as it matters here.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Who is at the other end of a connection. Whoever serves the routes puts it among the extensions of a
/// request.
#[derive(Clone)]
pub struct Peer {
    /// Its address, as the socket sees it.
    pub address: IpAddr,
    /// Keeps the connection from being closed for another one, until what it gives is dropped. It is
    /// called once the caller is known.
    pub hold: Arc<dyn Fn() -> Hold + Send + Sync>,
}

/// What keeps a connection.
pub type Hold = Box<dyn Send + Sync>;

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("address", &self.address).finish_non_exhaustive()
    }
}
