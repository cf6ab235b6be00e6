//! `tidegate doctor`: looks at all a server needs, changes nothing, and says what to do.

mod folder;
mod network;

use std::path::PathBuf;

use clap::Args;

use crate::checks::{self, Findings, Level};
use crate::config::{Config, Kind, Loaded};
use crate::data::DataDir;
use crate::exit::Verdict;
use crate::faults::Faults;
use crate::out::{say, say_json};
use crate::serve::texts;

/// Which server.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate doctor --config tidegate.toml
  tidegate doctor --role control --config control.toml
  sudo -u tidegate tidegate doctor --config /etc/tidegate/tidegate.toml --json

Run it as the user the server runs as, with the same file and environment, beside the server or
without it. It changes nothing and shows no secret.

Ends with 0 when all is well, 1 when there are warnings, 2 when there are faults.")]
pub struct Doctor {
    /// The configuration file; without one, defaults and the environment count.
    #[arg(short, long, env = "TIDEGATE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Which server it is for; `gateway` if it names whom to follow, else `serve`.
    #[arg(long, value_enum, value_name = "ROLE")]
    role: Option<Kind>,

    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Looks at everything, and ends as what it found wants it.
    pub async fn run(self) -> anyhow::Result<()> {
        let mut findings = Findings::default();
        match Config::load(self.config.as_deref(), texts(std::env::vars_os())) {
            Ok(Loaded { config, warnings }) => {
                findings.ok("configuration", "is fine");
                for warning in warnings {
                    findings.warning("configuration", &warning, "remove it if it is a slip");
                }
                let kind = self.role.unwrap_or_else(|| config.kind());
                if let Err(Faults(faults)) = config.suits(kind) {
                    let advice = "mend it; `tidegate config default` explains every key";
                    faults.iter().for_each(|fault| findings.fault("configuration", fault, advice));
                }
                look(&config, kind, &mut findings).await;
            }
            Err(Faults(faults)) => {
                for fault in faults {
                    let advice = "mend it; `tidegate config default` explains every key";
                    findings.fault("configuration", &fault, advice);
                }
            }
        }
        if self.json {
            say_json(&findings.json());
        } else {
            say(findings.text());
        }
        match findings.worst() {
            Level::Ok => Ok(()),
            Level::Warning => Err(Verdict { code: 1, text: findings.summary() }.into()),
            Level::Fault => Err(Verdict { code: 2, text: findings.summary() }.into()),
        }
    }
}

async fn look(config: &Config, kind: Kind, findings: &mut Findings) {
    let data = DataDir::at(&config.data_dir);
    let is_held = folder::look(&data, findings);
    findings.extend(checks::all(config, kind, &data).await);
    network::look(&data, is_held, findings).await;
}
