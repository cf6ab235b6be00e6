//! `tidegate gateways`: who enforces, for the operator.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use http::Method;
use serde_json::Value;

use crate::client::{Client, Outgoing};
use crate::control::{answered, encoded};
use crate::data::DataDir;
use crate::exit::misused;
use crate::login::local_control;
use crate::out::{Output, Table, cell, moment, records, say};

/// Gateways.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate gateways list
  tidegate gateways list --output json
  tidegate gateways forget 6f1c2a...     one that has left for good

A gateway is current when it has acknowledged the last revision, behind until it has, and lapsed when
its lease is over: then it denies everything. Only a lapsed one can be forgotten. Works with the
operator's token, which lies in the data folder of the server.")]
pub struct Gateways {
    /// The data folder of the server.
    #[arg(
        long,
        global = true,
        env = "TIDEGATE_DATA_DIR",
        default_value = crate::data::for_commands(),
        value_name = "DIR"
    )]
    data_dir: PathBuf,

    /// How to print.
    #[arg(long, short, global = true, default_value = "table", value_name = "FORM")]
    output: Output,

    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the gateways, and what each has acknowledged.
    List,
    /// Forget a gateway that has left for good.
    Forget {
        /// Its id.
        id: String,
    },
}

impl Gateways {
    /// Carries it out.
    pub async fn run(self) -> anyhow::Result<()> {
        match &self.what {
            What::List => {
                let answer = self.ask(Method::GET, "/admin/gateways").await?;
                self.output.print(&answer, table);
            }
            What::Forget { id } => {
                let path = format!("/admin/gateways/{}", encoded(id));
                self.ask(Method::DELETE, &path).await?;
                say("forgotten");
            }
        }
        Ok(())
    }

    async fn ask(&self, method: Method, path: &str) -> anyhow::Result<Value> {
        let control = local_control(&self.data_dir)?;
        let token = DataDir::at(&self.data_dir).kept_operator_token()?;
        let Some(token) = token else {
            misused!("the data folder {} has no operator.token", self.data_dir.display());
        };
        let request = Outgoing::new(method, format!("{control}{path}"))
            .header("authorization", &format!("Bearer {}", token.expose()))
            .context("the operator's token cannot be sent")?;
        answered(Client::for_endpoint(&control)?.send(request).await?)
    }
}

fn table(answer: &Value) -> String {
    let head = ["gateway", "id", "state", "revision", "acknowledged", "heard", "version"];
    let mut table = Table::new(&head);
    for gateway in records(answer, "gateways") {
        let is_lapsed = gateway.get("lapsed") == Some(&Value::Bool(true));
        let state = match cell(gateway, "state").as_str() {
            _ if is_lapsed => "lapsed",
            "enforces" => "current",
            _ => "behind",
        };
        table.row(vec![
            cell(gateway, "name"),
            cell(gateway, "id"),
            state.to_owned(),
            cell(gateway, "revision"),
            moment(gateway, "acknowledged_at"),
            moment(gateway, "heard_at"),
            cell(gateway, "version"),
        ]);
    }
    table.text()
}
