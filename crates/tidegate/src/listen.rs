//! Why nobody can listen on an address, in words.

use std::io::{Error, ErrorKind};

use tidegate_gateway::system_words;

/// Why not.
pub struct Unbound {
    /// What is wrong, after "cannot listen on ...".
    pub why: String,
    /// What to do about it.
    pub advice: &'static str,
    /// Whether only another configuration helps.
    pub is_of_settings: bool,
}

/// Reads what the system said.
pub fn unbound(error: &Error) -> Unbound {
    let (why, advice, is_of_settings) = match error.kind() {
        ErrorKind::AddrInUse => {
            ("another program listens there", "end it, or choose another address", false)
        }
        ErrorKind::PermissionDenied => {
            ("this user may not", "choose a port above 1023, or grant CAP_NET_BIND_SERVICE", false)
        }
        ErrorKind::AddrNotAvailable => {
            ("this machine does not have the address", "choose an address of this machine", true)
        }
        _ => {
            let why = system_words(error);
            return Unbound {
                why,
                advice: "choose an address of this machine",
                is_of_settings: true,
            };
        }
    };
    Unbound { why: why.to_owned(), advice, is_of_settings }
}
