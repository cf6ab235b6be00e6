//! `tidegate notices`: announced ends of access.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tidegate_domain::Timestamp;
use tidegate_wire::format_iso;

use super::Common;
use super::applications::{kind, state};
use crate::control::encoded;
use crate::out::{Table, cell, moment, records, say};
use crate::when;

/// Notices.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate notices list --as owner
  tidegate notices confirm ID --as owner                           do without it from now on
  tidegate notices confirm ID --at 2026-12-01T10:00Z --as owner    from then on
  tidegate notices withdraw ID --as reviewer

A notice cannot be refused: the app's side may only bring its moment forward.")]
pub struct Notices {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the notices that concern you.
    List {
        /// About APIs whose name contains this.
        #[arg(long)]
        api_name: Option<String>,
    },
    /// Let a notice take effect now, or at a moment before its own. For the app's owner.
    Confirm {
        /// The notice.
        id: String,
        /// When; now, if not said.
        #[arg(long, value_name = "MOMENT", value_parser = when::moment)]
        at: Option<Timestamp>,
    },
    /// Take a notice back; access goes on. For who sent it.
    Withdraw {
        /// The notice.
        id: String,
    },
}

impl Notices {
    /// Carries it out.
    pub async fn run(self) -> anyhow::Result<()> {
        let usual = if matches!(self.what, What::Withdraw { .. }) { "reviewer" } else { "owner" };
        let control = self.common.control(usual)?;
        match self.what {
            What::List { api_name } => {
                let path = match api_name {
                    None => "/messages".to_owned(),
                    Some(name) => format!("/messages?api_name={}", encoded(&name)),
                };
                let answer = control.list(&path, "records").await?;
                self.common.output.print(&answer, table);
            }
            What::Confirm { id, at: None } => {
                control.post("/messages", &json!({ "message_id": id, "action": 0 })).await?;
                say("done: it has taken effect");
            }
            What::Confirm { id, at: Some(at) } => {
                let at = format_iso(at);
                let body = json!({ "message_id": id, "action": 1, "time": at });
                control.post("/messages", &body).await?;
                say(format!("confirmed: it takes effect at {at}, rounded up to the hour"));
            }
            What::Withdraw { id } => {
                control.post(&format!("/messages/{}/withdraw", encoded(&id)), &json!({})).await?;
                say("withdrawn: access goes on");
            }
        }
        Ok(())
    }
}

fn table(answer: &Value) -> String {
    let mut table =
        Table::new(&["id", "what", "state", "api", "app", "from", "to", "sent", "ends"]);
    for record in records(answer, "records") {
        table.row(vec![
            cell(record, "id"),
            kind(record),
            state(record),
            cell(record, "api_name"),
            cell(record, "app_name"),
            cell(record, "approver_name"),
            cell(record, "user_name"),
            moment(record, "apply_time"),
            moment(record, "api_using_time"),
        ]);
    }
    table.text()
}
