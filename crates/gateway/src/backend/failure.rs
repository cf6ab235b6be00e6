//! Why a backend gave no answer.

/// Why a backend gave no answer. The text is for the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// It did not begin in time.
    Late,
    /// It could not be reached, hung up, or spoke nonsense.
    Unreachable(String),
    /// It is where the gate may not connect to.
    Forbidden(String),
}

/// Why there is no connection. The text is for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoConnection {
    /// Nobody answers, or not in time, or with a certificate that is not believed.
    Failed(String),
    /// No address of the backend is one the gateway may connect to.
    Forbidden(String),
}

impl From<String> for NoConnection {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

/// Why there is no answer. The text is for the log.
pub(crate) enum Failure {
    /// There is no connection.
    Connection(NoConnection),
    /// The connection broke before a byte of an answer came, as far as can be told.
    Broken(String),
    /// What came is no answer.
    Nonsense(String),
}

impl From<NoConnection> for NoAnswer {
    fn from(why: NoConnection) -> Self {
        match why {
            NoConnection::Failed(why) => Self::Unreachable(why),
            NoConnection::Forbidden(why) => Self::Forbidden(why),
        }
    }
}

impl From<hyper::Error> for Failure {
    fn from(error: hyper::Error) -> Self {
        let text = causes(&error);
        if error.is_parse() { Self::Nonsense(text) } else { Self::Broken(text) }
    }
}

/// An error with all that caused it.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
