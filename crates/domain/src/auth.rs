//! What an API asks of its callers.

/// What an API asks of its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthType {
    /// An app's signature.
    App,
    /// An IAM token.
    Iam,
    /// Nothing.
    None,
}

impl AuthType {
    /// The name in the journal. A name that was given out stays what it is.
    pub const fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Iam => "iam",
            Self::None => "none",
        }
    }
}
