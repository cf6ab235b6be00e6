//! `tidegate applications`: what waits for a reviewer's verdict.

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{Common, words};
use crate::control::{Control, encoded};
use crate::out::{Table, cell, moment, raw, records, say};

/// Applications.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate applications list --as reviewer
  tidegate applications approve ID ID --as reviewer
  tidegate applications approve --all --as reviewer
  tidegate applications reject ID --reason 'Ask again with a shorter time' --as reviewer
  tidegate applications withdraw ID --as owner

A verdict on several applications is all or nothing.")]
pub struct Applications {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List applications.
    List {
        /// Which: what waits for you, what you decided, or what you sent.
        #[arg(long = "box", value_enum, default_value = "waiting", value_name = "BOX")]
        inbox: Inbox,
        /// About APIs whose name contains this.
        #[arg(long)]
        api_name: Option<String>,
    },
    /// Agree to applications. For the API's reviewer.
    Approve(Verdict),
    /// Refuse applications. For the API's reviewer.
    Reject(Verdict),
    /// Take an application back. For who sent it.
    Withdraw {
        /// The application.
        id: String,
    },
}

#[derive(Debug, Args)]
struct Verdict {
    /// The applications.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Vec<String>,
    /// All that wait for you.
    #[arg(long)]
    all: bool,
    /// Why; the applicant reads it.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Inbox {
    /// What waits for your verdict.
    Waiting,
    /// What you decided.
    Decided,
    /// What you sent for your apps.
    Sent,
    /// What you sent for your APIs.
    SentForApis,
}

impl Inbox {
    /// Its number on the wire.
    fn query_type(self) -> u8 {
        match self {
            Self::Waiting => 0,
            Self::Decided => 1,
            Self::SentForApis => 2,
            Self::Sent => 3,
        }
    }
}

impl Applications {
    /// Carries it out.
    pub async fn run(self) -> anyhow::Result<()> {
        let usual = match &self.what {
            What::List { inbox: Inbox::Sent, .. } | What::Withdraw { .. } => "owner",
            What::List { .. } | What::Approve(_) | What::Reject(_) => "reviewer",
        };
        let control = self.common.control(usual)?;
        match self.what {
            What::List { inbox, api_name } => {
                let answer = list(&control, inbox, api_name.as_deref()).await?;
                self.common.output.print(&answer, table);
            }
            What::Approve(verdict) => {
                let count = decide(&control, verdict, true).await?;
                say(format!("approved {count}"));
            }
            What::Reject(verdict) => {
                let count = decide(&control, verdict, false).await?;
                say(format!("rejected {count}"));
            }
            What::Withdraw { id } => {
                control.post(&format!("/applys/{}/withdraw", encoded(&id)), &json!({})).await?;
                say("withdrawn");
            }
        }
        Ok(())
    }
}

async fn list(control: &Control, inbox: Inbox, api_name: Option<&str>) -> anyhow::Result<Value> {
    let mut path = format!("/applys?query_type={}", inbox.query_type());
    if let Some(name) = api_name {
        path.push_str(&format!("&api_name={}", encoded(name)));
    }
    control.list(&path, "records").await
}

async fn decide(control: &Control, verdict: Verdict, pass: bool) -> anyhow::Result<usize> {
    let ids = match verdict.all {
        false => verdict.id,
        true => {
            let waiting = list(control, Inbox::Waiting, None).await?;
            records(&waiting, "records").iter().map(|record| raw(record, "id").to_owned()).collect()
        }
    };
    if ids.is_empty() {
        bail!("nothing waits for you");
    }
    let mut body = json!({ "apply_ids": ids, "apply_result": pass });
    if let (Some(reason), Some(fields)) = (verdict.reason, body.as_object_mut()) {
        fields.insert("comment".to_owned(), reason.into());
    }
    control.post("/applys", &body).await?;
    Ok(ids.len())
}

fn table(answer: &Value) -> String {
    let head = ["id", "what", "state", "api", "app", "by", "sent", "until", "comment"];
    let mut table = Table::new(&head);
    for record in records(answer, "records") {
        table.row(vec![
            cell(record, "id"),
            kind(record),
            state(record),
            cell(record, "api_name"),
            cell(record, "app_name"),
            cell(record, "user_name"),
            moment(record, "apply_time"),
            moment(record, "api_using_time"),
            cell(record, "comment"),
        ]);
    }
    table.text()
}

/// What an application or a notice is about, in words.
pub(super) fn kind(record: &Value) -> String {
    words::kind(&cell(record, "api_apply_type")).to_owned()
}

/// The state of an application or a notice, in words.
pub(super) fn state(record: &Value) -> String {
    words::record_status(&cell(record, "api_apply_status")).to_owned()
}
