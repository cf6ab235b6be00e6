//! How a command ends.
//!
//! | Code | Meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | the service said no: a refusal or a denial |
//! | 2 | the command line or the configuration is wrong |
//! | 3 | something failed: no connection, a broken file |

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

/// The code an error ends with.
pub fn code(error: &anyhow::Error) -> ExitCode {
    if error.is::<SaidNo>() {
        ExitCode::from(1)
    } else if error.is::<Faults>() {
        ExitCode::from(2)
    } else {
        ExitCode::from(3)
    }
}
