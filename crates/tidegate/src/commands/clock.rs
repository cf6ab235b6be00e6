//! `tidegate clock`: the clock of a development server.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, Outgoing};
use crate::control::answered;
use crate::exit::misused;
use crate::login::local_control;
use crate::out::{cell, say};
use crate::when;

/// The clock.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate clock                 what time it is at the development server
  tidegate clock advance 49h     two days and an hour pass

The clock only moves forward, and stays moved when the server starts again.")]
pub struct Clock {
    /// The data folder of the server.
    #[arg(
        long,
        global = true,
        env = "TIDEGATE_DATA_DIR",
        default_value = crate::data::for_commands(),
        value_name = "DIR"
    )]
    data_dir: PathBuf,

    /// The control address, such as http://127.0.0.1:8787.
    #[arg(long, global = true, env = "TIDEGATE_ENDPOINT", value_name = "URL")]
    endpoint: Option<String>,

    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Let time pass.
    Advance {
        /// How much, such as 49h, 30m or 2d.
        #[arg(value_parser = when::span)]
        span: i64,
    },
}

impl Clock {
    /// Carries it out.
    pub async fn run(self) -> anyhow::Result<()> {
        let endpoint = match self.endpoint {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None => local_control(&self.data_dir)?,
        };
        let address = format!("{endpoint}/dev/clock");
        let request = match self.what {
            None => Outgoing::new(Method::GET, address),
            Some(What::Advance { span }) => {
                Outgoing::new(Method::POST, address).json(&json!({ "advance_seconds": span }))
            }
        };
        let answer = Client::for_endpoint(&endpoint)?.send(request).await?;
        if answer.status == StatusCode::NOT_FOUND {
            misused!("{endpoint} is no development server; its clock is the real one");
        }
        let told = answered(answer)?;
        let advanced = told.get("advanced_seconds").and_then(Value::as_i64);
        let advanced = advanced.context("the server told no time")?;
        let (days, hours) = (advanced / 86_400, advanced % 86_400 / 3_600);
        let minutes = advanced % 3_600 / 60;
        let now = cell(&told, "now_iso");
        say(format!("it is {now}, {days}d {hours}h {minutes}m ahead of the real time"));
        Ok(())
    }
}
