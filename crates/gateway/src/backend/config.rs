//! How backends may be reached.

use std::path::PathBuf;

use super::networks::Networks;
use super::own::OwnListeners;

/// How a gateway may reach backends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackendConfig {
    /// A file of authorities (PEM) that are trusted beside the machine's own.
    pub ca: Option<PathBuf>,
    /// Where backends may be.
    pub networks: Networks,
    /// The listeners that are no backends, whatever the networks say.
    pub own: OwnListeners,
}
