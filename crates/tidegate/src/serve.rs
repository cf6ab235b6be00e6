//! `tidegate serve` and `tidegate config`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use tidegate_control::Settings;

use crate::clock::{self, Clock};
use crate::config::{self, Config, Loaded};
use crate::data::DataDir;
use crate::node::{Core, Node, Options, Ports};
use crate::out::say;

/// Where the configuration is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate config default > tidegate.toml
  tidegate serve --config tidegate.toml
  TIDEGATE_DATA_DIR=/var/lib/tidegate tidegate serve

Both addresses, and `check_addr` if there is one, answer GET /healthz and GET /readyz. SIGTERM ends
it in order.")]
pub struct Serve {
    /// The configuration file; without one, defaults and the environment count.
    #[arg(short, long, env = "TIDEGATE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// About the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the default configuration, with every key explained.
    Default,
    /// Print the JSON schema of the configuration file, for editors and checkers.
    Schema,
    /// Check a configuration file and the environment, and tell all that is wrong at once.
    Check(Serve),
}

impl Serve {
    fn load(&self) -> anyhow::Result<Loaded> {
        Ok(Config::load(self.config.as_deref(), texts(std::env::vars_os()))?)
    }

    /// Runs the server until it is told to stop.
    pub async fn run(self) -> anyhow::Result<()> {
        let Loaded { config, warnings } = self.load()?;
        crate::log::init(&config.log.level, config.log.format)?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        let data = DataDir::create(&config.data_dir)?;
        warn_of_moved_clock(&data)?;
        let ports = Ports::bind(config.addresses()).await?;
        let settings = Settings {
            admin_is_reviewer: config.admin_is_reviewer,
            secrets_in_lists: config.secrets_in_lists,
        };
        let core = Core::open(data, &config.database, settings).await?;
        let clock = Arc::new(Clock::fixed());
        let options = Options {
            gate: config.gate(),
            threads: config.threads(),
            wanted: config.wanted,
            notify: config.notify,
            shutdown_delay: config.shutdown_delay,
            dev: false,
        };
        Node::start(core, clock, ports, options)?.run().await
    }
}

impl ConfigCommand {
    /// Carries it out.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Default => say(config::default_text().trim_end()),
            Self::Schema => say(format!("{:#}", config::schema())),
            Self::Check(serve) => {
                for warning in serve.load()?.warnings {
                    eprintln!("warning: {warning}");
                }
                say("the configuration is fine");
            }
        }
        Ok(())
    }
}

/// A folder a development server has moved into the future goes on there: decisions never go back.
fn warn_of_moved_clock(data: &DataDir) -> anyhow::Result<()> {
    let seconds = clock::advanced_in(&data.clock())?;
    if seconds > 0 {
        tracing::warn!(
            seconds,
            "this data folder was used by a development server whose clock was moved; its last \
             decisions lie in the future, and no decision is made at an earlier time"
        );
    }
    Ok(())
}

/// The variables that are text; others cannot be ours.
pub fn texts(
    vars: impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
) -> Vec<(String, String)> {
    vars.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
