//! `tidegate apps`: the identities that call APIs.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Common;
use crate::ask::confirmed;
use crate::control::encoded;
use crate::out::{Table, cell, moment, records, say};

/// Apps.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate apps list
  tidegate apps create billing --description 'Sends the invoices' --as owner
  tidegate apps show billing --as owner          the owner sees the secret
  tidegate apps reset-secret billing --as admin  the old secret is worthless at once
  tidegate apps delete billing --force           gives back what grants it has
  tidegate apps delete billing --yes             for scripts: asks nothing")]
pub struct Apps {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the apps of your workspace.
    List {
        /// Whose name contains this.
        #[arg(long)]
        name: Option<String>,
    },
    /// Make an app; you own it.
    Create {
        /// Its name.
        name: String,
        /// What it is for.
        #[arg(long, default_value = "")]
        description: String,
        /// An app that stands for the users of your account, who prove themselves by a token.
        #[arg(long)]
        iam: bool,
    },
    /// Show an app; its owner sees the secret.
    Show {
        /// Its name or id.
        app: String,
    },
    /// Delete an app. For its owner, and for admins; asks before it does.
    Delete {
        /// Its name or id.
        app: String,
        /// Give back what grants it has.
        #[arg(long)]
        force: bool,
        /// Do not ask; for scripts.
        #[arg(long)]
        yes: bool,
    },
    /// Make a new secret; the old one is worthless at once. For admins.
    ResetSecret {
        /// Its name or id.
        app: String,
    },
}

impl Apps {
    /// Carries it out.
    pub async fn run(self) -> anyhow::Result<()> {
        let output = self.common.output;
        let usual = if matches!(self.what, What::ResetSecret { .. }) { "admin" } else { "owner" };
        let control = self.common.control(usual)?;
        match self.what {
            What::List { name } => {
                let name = name.unwrap_or_default();
                let path = match name.is_empty() {
                    true => "/apps".to_owned(),
                    false => format!("/apps?name={}", encoded(&name)),
                };
                output.print(&control.list(&path, "apps").await?, list);
            }
            What::Create { name, description, iam } => {
                let kind = if iam { "IAM" } else { "APP" };
                let body = json!({ "name": name, "description": description, "app_type": kind });
                output.print(&control.post("/apps", &body).await?, one);
            }
            What::Show { app } => {
                let id = encoded(&control.app(&app).await?);
                output.print(&control.get(&format!("/apps/{id}")).await?, one);
            }
            What::Delete { app, force, yes } => {
                let id = encoded(&control.app(&app).await?);
                if !yes {
                    let shown = control.get(&format!("/apps/{id}")).await?;
                    let grants = control.list(&format!("/authorize/apps/{id}"), "records").await?;
                    let count = records(&grants, "records").len();
                    confirmed(&question(&shown, count, force))?;
                }
                let force = if force { "?force=true" } else { "" };
                control.delete(&format!("/apps/{id}{force}")).await?;
                say("deleted");
            }
            What::ResetSecret { app } => {
                let id = encoded(&control.app(&app).await?);
                let answer = control.post(&format!("/apps/{id}/reset-secret"), &json!({})).await?;
                output.print(&answer, one);
            }
        }
        Ok(())
    }
}

/// What is asked before an app is deleted.
fn question(app: &Value, grants: usize, force: bool) -> String {
    let (name, owner) = (cell(app, "name"), cell(app, "create_user"));
    let loss = match (grants, force) {
        (0, _) | (_, false) => "its key is good for nothing from then on".to_owned(),
        (1, true) => "its grant or application is given back".to_owned(),
        (count, true) => format!("its {count} grants and applications are given back"),
    };
    format!("Delete the app {name} of {owner}? There is no way back: {loss}.")
}

fn list(answer: &Value) -> String {
    let mut table = Table::new(&["name", "id", "type", "owner", "made"]);
    for app in records(answer, "apps") {
        let mut row: Vec<String> =
            ["name", "id", "app_type", "create_user"].iter().map(|f| cell(app, f)).collect();
        row.push(moment(app, "register_time"));
        table.row(row);
    }
    table.text()
}

fn one(app: &Value) -> String {
    let fields = [
        ("name", "name"),
        ("id", "id"),
        ("type", "app_type"),
        ("description", "description"),
        ("owner", "create_user"),
        ("key", "app_key"),
        ("secret", "app_secret"),
    ];
    let lines = fields
        .iter()
        .map(|(label, field)| (label, cell(app, field)))
        .filter(|(_, value)| !value.is_empty())
        .map(|(label, value)| format!("{label:<12} {value}"));
    lines.collect::<Vec<_>>().join("\n")
}
