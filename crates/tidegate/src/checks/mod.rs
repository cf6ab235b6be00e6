//! What a server needs beside a configuration that is well formed: asked when it starts, by `config check`,
//! and by `doctor`, in the same words.

mod certificates;
mod findings;
mod listeners;
mod machine;
mod peers;
mod settings;
mod store;

pub use self::certificates::{Kept, ends_of};
pub use self::findings::{Finding, Findings, Level};
pub use self::machine::open_all_files;
pub use self::store::look as look_at_store;
use crate::config::{Config, Faults, Kind};
use crate::data::DataDir;

/// Everything that can be asked without the store and without changing anything.
pub fn look(config: &Config, kind: Kind, data: &DataDir) -> Findings {
    let mut findings = Findings::default();
    settings::look(config, kind, data, &mut findings);
    certificates::look(config, kind, &mut findings);
    peers::look(config, kind, data, &mut findings);
    listeners::look(config, kind, &mut findings);
    machine::look(config, data, &mut findings);
    findings
}

/// The same when a server starts: what nobody would believe is not begun with, and the rest is logged.
pub fn at_start(config: &Config, kind: Kind, data: &DataDir) -> Result<(), Faults> {
    let mut faults = Vec::new();
    for finding in look(config, kind, data).0 {
        let (found, advice) = (&finding.found, finding.advice.as_deref().unwrap_or_default());
        match finding.level {
            Level::Ok => {}
            Level::Fault if finding.is_of_settings => faults.push(format!("{found}: {advice}")),
            Level::Fault => tracing::error!(check = finding.check, advice, "{found}"),
            Level::Warning => tracing::warn!(check = finding.check, advice, "{found}"),
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
}
