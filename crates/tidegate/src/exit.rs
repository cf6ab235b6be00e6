//! How a command ends.
//!
//! | Code | Meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | the service said no: a refusal or a denial |
//! | 2 | what was given is wrong: the command line, the configuration, or a file that one of them names |
//! | 3 | something failed: no connection, a port that is taken, a damaged store, `vault.key` of another store |
//!
//! The same fault ends every command with the same code. `tidegate doctor` alone ends as monitoring expects it:
//! 0 for nothing, 1 for warnings, 2 for faults.

use std::fmt;
use std::process::ExitCode;

use crate::faults::Faults;

/// What was given on the command line, or in a file that it names, is wrong: the same again fails again.
#[derive(Debug)]
pub struct Misused(pub String);

impl fmt::Display for Misused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misused {}

/// Ends a function with a [`Misused`] of this text.
macro_rules! misused {
    ($($text:tt)*) => {
        return Err($crate::exit::Misused(format!($($text)*)).into())
    };
}
pub(crate) use misused;

/// Nothing is begun: what is there does not fit together. A line each.
#[derive(Debug)]
pub struct Unfit(pub Vec<String>);

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Unfit {}

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
    } else if error.is::<Faults>() || error.is::<Misused>() {
        ExitCode::from(2)
    } else {
        ExitCode::from(3)
    }
}
