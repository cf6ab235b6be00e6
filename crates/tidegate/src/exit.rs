//! How a command ends.
//!
//! | Code | Meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | the service said no: a refusal or a denial |
//! | 2 | the command line or the configuration is wrong |
//! | 3 | something failed: no connection, a broken file |
//!
//! `tidegate doctor` ends as what it found wants it: 0 for nothing, 1 for warnings, 2 for faults.

use std::fmt;
use std::process::ExitCode;

use crate::config::Faults;

/// The service said no. Its text was or will be shown.
#[derive(Debug)]
pub struct SaidNo(pub String);

impl fmt::Display for SaidNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SaidNo {}

/// What was looked at is not as it should be. Shown already, but for this summary.
#[derive(Debug)]
pub struct Verdict {
    /// How it ends.
    pub code: u8,
    /// The summary.
    pub text: String,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Verdict {}

/// The code an error ends with.
pub fn code(error: &anyhow::Error) -> ExitCode {
    if let Some(verdict) = error.downcast_ref::<Verdict>() {
        ExitCode::from(verdict.code)
    } else if error.is::<SaidNo>() {
        ExitCode::from(1)
    } else if error.is::<Faults>() {
        ExitCode::from(2)
    } else {
        ExitCode::from(3)
    }
}
