//! How a command that takes access away waits until it is enforced.

use std::time::Duration;

use anyhow::bail;
use clap::{Args, ValueEnum};
use http::HeaderMap;
use tidegate_api::LONGEST_SECONDS;

use crate::exit::SaidNo;
use crate::out::say;

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Until {
    /// It is kept, whatever happens.
    Durable,
    /// No gateway lets in any more what it takes away.
    Enforced,
}

/// Whether to wait, and how long.
#[derive(Debug, Args)]
pub struct Wait {
    /// What to wait for.
    #[arg(long, value_name = "WHAT", default_value = "durable")]
    wait: Until,

    /// How long to wait for gateways at most.
    #[arg(long, value_name = "SECONDS", default_value_t = 60,
          value_parser = clap::value_parser!(u64).range(1..=LONGEST_SECONDS))]
    wait_seconds: u64,
}

impl Wait {
    /// The headers that ask for it.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        match self.wait {
            Until::Durable => Vec::new(),
            Until::Enforced => vec![
                ("x-tidegate-wait", "enforced".to_owned()),
                ("x-tidegate-wait-seconds", self.wait_seconds.to_string()),
            ],
        }
    }

    /// How much longer than usual an answer may take.
    pub fn patience(&self) -> Duration {
        match self.wait {
            Until::Durable => Duration::ZERO,
            Until::Enforced => Duration::from_secs(self.wait_seconds),
        }
    }

    /// Says what came of it. That not all enforce it yet is told as a no, for scripts.
    pub fn tell(&self, headers: &HeaderMap) -> anyhow::Result<()> {
        if self.wait == Until::Durable {
            return Ok(());
        }
        let text = |name| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let revision = text("x-tidegate-revision");
        match text("x-tidegate-enforced") {
            "true" => say(format!("enforced by every gateway, at revision {revision}")),
            "false" => {
                let why = match text("x-tidegate-awaited") {
                    "" => "not all gateways have acknowledged it".to_owned(),
                    names => format!("it is awaited of {names}"),
                };
                let done = format!("done at revision {revision}, but not yet enforced: {why}");
                return Err(SaidNo(done).into());
            }
            _ => bail!(
                "the server does not say whether it is enforced; it is older than this program"
            ),
        }
        Ok(())
    }
}
