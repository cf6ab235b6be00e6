//! Who is at the other end of a connection: an address, whether TLS is spoken, and how a call holds the connection.

use std::net::SocketAddr;

use crate::slots::Use;

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Its address, as the socket sees it.
    pub address: SocketAddr,
    /// Whether TLS is spoken.
    pub is_secure: bool,
    /// By which calls hold the connection.
    pub usage: Use,
}
