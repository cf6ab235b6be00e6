//! A file system for SQLite that fails on purpose, and knows what would be left after a loss of power.
//!
//! [`FaultFs::register`] puts it between SQLite and the machine's own file system, under a name of
//! its own. It counts every call that writes or syncs, fails those a [`Plan`] names, and keeps for
//! each file what a successful sync has made durable. Writes before a failed sync are lost for good
//! unless they are written again, as on Linux.

mod state;
mod vfs;

use std::ffi::CString;
use std::path::Path;

use state::State;
pub use state::{Fault, Plan};

/// A registered file system. It stays for the life of the process.
#[derive(Debug, Clone, Copy)]
pub struct FaultFs {
    name: &'static str,
    state: &'static State,
}

impl FaultFs {
    /// Registers one under this name, which must be new.
    ///
    /// # Panics
    ///
    /// If SQLite does not take it.
    pub fn register(name: &str) -> Self {
        let state: &'static State = Box::leak(Box::default());
        let c_name = CString::new(name).expect("a name without NUL");
        vfs::register(Box::leak(c_name.into_boxed_c_str()), state);
        Self { name: Box::leak(name.to_owned().into_boxed_str()), state }
    }

    /// Its name, for SQLite.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Counts calls from now on, and fails those the plan names.
    pub fn arm(&self, plan: Plan) {
        self.state.arm(plan);
    }

    /// Lets all calls pass; returns how many were counted, and how many failed.
    pub fn disarm(&self) -> (u64, u64) {
        self.state.disarm()
    }

    /// Writes the files of a folder into another one as a loss of power would leave them.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub fn after_power_loss(&self, of: &Path, folder: &Path) -> std::io::Result<()> {
        self.state.after_power_loss(of, folder)
    }
}
