//! The one table from refusals to what goes over the wire, and the answers that come before any use
//! case.

mod fault;
mod table;
pub(crate) mod text;

pub use fault::Fault;
pub use table::Rung;

use serde::Serialize;
use tidegate_domain::{Refusal, UserId};

use crate::quirks::REFUSAL_STATUS;

/// An answer that says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The vendor's code, or one of ours.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub text: String,
}

impl Answer {
    /// The body that carries it.
    pub fn body(&self) -> ErrorBody<'_> {
        ErrorBody { error_code: self.code, error_msg: &self.text }
    }
}

/// The body of an answer that says no (ErrorResponse). Clients need both fields to find either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ErrorBody<'a> {
    /// The code.
    pub error_code: &'a str,
    /// What is wrong and what to do.
    pub error_msg: &'a str,
}

/// What a refusal looks like on the wire. People appear by their ids; [`refusal_naming`] knows
/// better.
pub fn refusal(refusal: &Refusal) -> Answer {
    refusal_naming(refusal, |_| None)
}

/// What a refusal looks like on the wire, with the names of people where `name_of` knows them.
pub fn refusal_naming(refusal: &Refusal, name_of: impl Fn(&UserId) -> Option<String>) -> Answer {
    Answer {
        status: REFUSAL_STATUS,
        code: table::line(refusal).code,
        text: text::text(refusal, &name_of),
    }
}

/// The refusal's name, for logs, metrics and documents: `not-reviewer`.
pub fn reason(refusal: &Refusal) -> &'static str {
    table::line(refusal).reason
}

/// The refusal's place in the order of checks.
pub fn rung(refusal: &Refusal) -> Rung {
    table::line(refusal).rung
}

#[cfg(test)]
mod tests;
