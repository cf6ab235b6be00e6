//! `tidegate throttles`: how many calls there may be.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Common;
use crate::control::encoded;
use crate::out::{Table, cell, records, say};
use crate::when;

/// Throttling policies.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate throttles set slow --window 1m --per-api 100 --per-app 20
  tidegate apis rules weather --throttle slow
  tidegate throttles list
  tidegate throttles delete slow                      no API may be bound to it any more

A policy limits each API bound to it by itself: all its calls, those of each user (the account of the
app that calls) and those of each app. An API's limit is at least a user's, and a user's at least an
app's. Gateways count for themselves: several let through several times as many.")]
pub struct Throttles {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the policies of your workspace.
    List,
    /// Show a policy and the APIs bound to it.
    Show {
        /// Its name.
        throttle: String,
    },
    /// Make a policy, or replace what it allows; the APIs bound to it follow at once.
    Set(Set),
    /// Delete a policy to which no API is bound.
    Delete {
        /// Its name.
        throttle: String,
    },
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("limit").required(true).multiple(true)))]
struct Set {
    /// Its name.
    throttle: String,
    /// The length of the window, such as 10s, 1m or 1d.
    #[arg(long, value_name = "SPAN", value_parser = when::span)]
    window: i64,
    /// How many calls of each API bound to it.
    #[arg(long, value_name = "CALLS", group = "limit")]
    per_api: Option<u32>,
    /// How many of them from one user.
    #[arg(long, value_name = "CALLS", group = "limit")]
    per_user: Option<u32>,
    /// How many of them from one app.
    #[arg(long, value_name = "CALLS", group = "limit")]
    per_app: Option<u32>,
}

impl Throttles {
    /// Carries it out.
    pub async fn run(self) -> anyhow::Result<()> {
        let output = self.common.output;
        let control = self.common.control("reviewer")?;
        match self.what {
            What::List => output.print(&control.list("/throttles", "throttles").await?, list),
            What::Show { throttle } => {
                output.print(&control.get(&path(&throttle)).await?, one);
            }
            What::Set(set) => {
                let body = json!({
                    "window_seconds": set.window,
                    "per_api": set.per_api,
                    "per_user": set.per_user,
                    "per_app": set.per_app,
                });
                let path = path(&set.throttle);
                control.put(&path, &body).await?;
                output.print(&control.get(&path).await?, one);
            }
            What::Delete { throttle } => {
                control.delete(&path(&throttle)).await?;
                say("deleted");
            }
        }
        Ok(())
    }
}

fn path(throttle: &str) -> String {
    format!("/throttles/{}", encoded(throttle))
}

fn list(answer: &Value) -> String {
    let mut table = Table::new(&["name", "window", "per api", "per user", "per app", "apis"]);
    for throttle in records(answer, "throttles") {
        let mut row = vec![cell(throttle, "name"), window(throttle)];
        row.extend(["per_api", "per_user", "per_app"].map(|limit| cell(throttle, limit)));
        row.push(apis(throttle));
        table.row(row);
    }
    table.text()
}

fn one(throttle: &Value) -> String {
    let lines = [
        ("name", cell(throttle, "name")),
        ("window", window(throttle)),
        ("per API", cell(throttle, "per_api")),
        ("per user", cell(throttle, "per_user")),
        ("per app", cell(throttle, "per_app")),
        ("APIs", apis(throttle)),
    ];
    let lines = lines.iter().filter(|(_, value)| !value.is_empty());
    lines.map(|(label, value)| format!("{label:<12} {value}")).collect::<Vec<_>>().join("\n")
}

fn window(throttle: &Value) -> String {
    format!("{} s", cell(throttle, "window_seconds"))
}

fn apis(throttle: &Value) -> String {
    let names = records(throttle, "apis").iter().map(|api| cell(api, "name"));
    names.collect::<Vec<_>>().join(", ")
}
