//! A shared secret, kept from logs and from memory that is no longer needed.

use std::sync::OnceLock;

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

/// A shared secret: the SK of a user's key or the secret of an app.
///
/// It has no `Debug`, no `Display`, no serialiser and no `PartialEq`, so it cannot slip into a log
/// line or an answer, and its memory is cleared when it is dropped. Its UTF-8 bytes are the HMAC
/// key as they are; there is no derivation.
#[derive(Clone)]
pub struct Secret {
    text: Zeroizing<String>,
    decoy: bool,
    /// Made when the first signature is checked or made; most secrets of a table are never used.
    /// Its memory is cleared by its own crate.
    key: OnceLock<Box<hmac::Key>>,
}

impl Secret {
    /// Takes over a secret. The given `String` becomes the secret's own memory; clearing a copy
    /// that a `&str` was taken from is the caller's part.
    ///
    /// An empty secret is taken too, but nothing can be signed with it and no signature is valid
    /// under it, so that a missing value in a store never opens a door.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: Zeroizing::new(text.into()), decoy: false, key: OnceLock::new() }
    }

    /// Stands in for the secret of an unknown key: [`check`](crate::check()) does the same work
    /// with it, and refuses every signature with the same error as a wrong one.
    ///
    /// The refusal does not rest on anything being unknown: a signature made with the decoy's own
    /// bytes is refused as well.
    #[must_use]
    pub fn decoy() -> Self {
        // As long as a vendor's SK, so the HMAC costs the same.
        Self { decoy: true, ..Self::new("0".repeat(40)) }
    }

    /// The secret itself: only for sealing it and for showing it to its owner.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The secret as the key of an HMAC.
    pub(crate) fn key(&self) -> &hmac::Key {
        let new = || Box::new(hmac::Key::new(hmac::HMAC_SHA256, self.text.as_bytes()));
        self.key.get_or_init(new)
    }

    /// Whether a signature can be valid under it. HMAC pads its key with zero bytes, so a key of
    /// zero bytes is the empty key.
    pub(crate) fn is_usable(&self) -> bool {
        !self.decoy && self.text.bytes().any(|byte| byte != 0)
    }
}
