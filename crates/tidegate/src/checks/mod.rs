//! What a server needs beside a configuration that is well formed: one list of questions, asked when it starts,
//! by `config check` and by `doctor`, in the same words and of the same weight.
//!
//! | | a fault that stops | another fault | a warning |
//! |---|---|---|---|
//! | a start | ends with it | logs it as an error | logs it |
//! | `config check` | ends with it | ends with it | prints it |
//! | `doctor` | prints it | prints it | prints it |
//!
//! A start does not ask about the store, the ports and the snapshot: it opens and takes them, and says the same when
//! it cannot.

mod certificates;
mod files;
mod findings;
mod listeners;
mod machine;
mod peers;
mod rights;
mod settings;
mod store;

pub use self::certificates::{Kept, ends_of};
pub use self::findings::{Finding, Findings, Level, Stop};
pub use self::machine::open_all_files;
pub use self::store::{FEED_TOKEN_ADVICE, FEED_TOKEN_MISSING, FEED_TOKEN_OTHER};
use crate::config::{Config, Kind};
use crate::data::DataDir;
use crate::exit::Unfit;
use crate::faults::Faults;

/// Everything that can be asked without changing anything.
pub async fn all(config: &Config, kind: Kind, data: &DataDir) -> Findings {
    let mut findings = Findings::default();
    if kind != Kind::Gateway {
        store::look(config, data, &mut findings).await;
    }
    findings.extend(look(config, kind, data));
    if kind != Kind::Control {
        files::snapshot(config, data, &mut findings);
    }
    listeners::free(config, kind, data, &mut findings);
    findings.once();
    findings
}

/// What a start asks before it begins.
fn look(config: &Config, kind: Kind, data: &DataDir) -> Findings {
    let mut findings = Findings::default();
    settings::look(config, kind, data, &mut findings);
    files::look(kind, data, &mut findings);
    rights::look(config, kind, data, &mut findings);
    certificates::look(config, kind, &mut findings);
    peers::look(config, kind, data, &mut findings);
    listeners::look(config, kind, &mut findings);
    machine::look(config, data, &mut findings);
    findings.once();
    findings
}

/// Asks when a server starts: fails with what nothing can begin with, and logs the rest.
pub fn at_start(config: &Config, kind: Kind, data: &DataDir) -> anyhow::Result<()> {
    let (stopping, others): (Vec<_>, Vec<_>) =
        look(config, kind, data).0.into_iter().partition(|finding| finding.stops.is_some());
    for finding in others {
        let (found, advice) = (&finding.found, finding.advice.as_deref().unwrap_or_default());
        match finding.level {
            Level::Ok => {}
            Level::Fault => tracing::error!(check = finding.check, advice, "{found}"),
            Level::Warning => tracing::warn!(check = finding.check, advice, "{found}"),
        }
    }
    refusal(&stopping)
}

/// The error that some faults are: of the configuration, if one of them is, for then it is for others to mend than
/// whoever looks after the machine.
pub fn refusal(faults: &[Finding]) -> anyhow::Result<()> {
    let lines = |of: &dyn Fn(&Finding) -> bool| -> Vec<String> {
        faults.iter().filter(|finding| of(finding)).map(Finding::line).collect()
    };
    let settings = lines(&|finding| finding.stops == Some(Stop::Settings));
    if !settings.is_empty() {
        return Err(Faults(settings).into());
    }
    match lines(&|_| true) {
        none if none.is_empty() => Ok(()),
        lines => Err(Unfit(lines).into()),
    }
}
