//! `tidegate apis`: what can be called, and its life on instances.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tidegate_wire::format_iso;

use super::register::Register;
use super::rules::Rules;
use super::{Common, End, words};
use crate::control::{Control, encoded};
use crate::out::{Table, cell, is, records, say};

/// APIs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate apis list
  tidegate apis show weather
  tidegate apis register orders --backend 'http://10.0.0.7:8080/v1/orders/{id}' --path '/orders/{id}'
  tidegate apis publish weather --instance gate-1
  tidegate apis stop weather --instance gate-1        in two days, if any app counts on it
  tidegate apis recover weather --instance gate-1
  tidegate apis rules weather --throttle slow
  tidegate apis transfer weather --to ravi

A stopped API keeps its grants, an unpublished one loses them. Its apps are told, and have at least
two days; with no app to count on it, it ends at once.")]
pub struct Apis {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the APIs of your workspace.
    List {
        /// Whose name contains this.
        #[arg(long)]
        name: Option<String>,
    },
    /// Show an API: its definition and its state on every instance.
    Show {
        /// Its name or id.
        api: String,
    },
    /// Register an API: its name, its path and its backend.
    Register(Box<Register>),
    /// Show or change how the gateway treats an API's calls: throttle, nonce, timeouts and the like.
    Rules(Box<Rules>),
    /// Give an API to another reviewer. For its reviewer, and for admins.
    Transfer {
        /// Its name or id.
        api: String,
        /// The reviewer it gets.
        #[arg(long, value_name = "USER")]
        to: String,
    },
    /// Publish an API. A reviewer publishes at once; others apply.
    Publish(On),
    /// Stop an API; grants are kept. For its reviewer.
    Stop(Ending),
    /// Let a stopped API answer again.
    Recover(On),
    /// Take an API offline; grants go. For its reviewer.
    Unpublish(Ending),
}

#[derive(Debug, Args)]
struct On {
    /// The API, by name or id.
    api: String,
    /// The instance, by name or id; not needed where there is only one.
    #[arg(long, value_name = "INSTANCE")]
    instance: Option<String>,
}

#[derive(Debug, Args)]
struct Ending {
    #[command(flatten)]
    on: On,
    #[command(flatten)]
    end: End,
}

impl Apis {
    /// Carries it out.
    pub async fn run(self) -> anyhow::Result<()> {
        let control = self.common.control("reviewer")?;
        match &self.what {
            What::List { name } => {
                let path = match name.as_deref() {
                    None | Some("") => "/apis".to_owned(),
                    Some(name) => format!("/apis?name={}", encoded(name)),
                };
                let answer = control.list(&path, "records").await?;
                self.common.output.print(&answer, list);
            }
            What::Show { api } => {
                let id = encoded(&control.api(api).await?);
                let answer = control.get(&format!("/apis/{id}")).await?;
                self.common.output.print(&answer, one);
            }
            What::Register(register) => {
                register.run(&control, self.common.actor("reviewer")).await?
            }
            What::Rules(rules) => rules.run(&control, self.common.output).await?,
            What::Transfer { api, to } => {
                let id = encoded(&control.api(api).await?);
                control.post(&format!("/apis/{id}/transfer"), &json!({ "manager": to })).await?;
                say(format!("{api} has the reviewer {to}"));
            }
            What::Publish(on) => {
                let path = place(&control, on).await?;
                control.post(&format!("{path}/publish"), &json!({})).await?;
                let state = state(&control, on).await?;
                say(format!("now {state}"));
            }
            What::Recover(on) => act(&control, on, "RECOVER", None).await?,
            What::Stop(ending) => end(&control, ending, "STOP").await?,
            What::Unpublish(ending) => end(&control, ending, "UNPUBLISH").await?,
        }
        Ok(())
    }
}

async fn place(control: &Control, on: &On) -> anyhow::Result<String> {
    let api = encoded(&control.api(&on.api).await?);
    let instance = encoded(&control.instance(on.instance.as_deref()).await?);
    Ok(format!("/apis/{api}/instances/{instance}"))
}

async fn end(control: &Control, ending: &Ending, action: &str) -> anyhow::Result<()> {
    let time = ending.end.of_notice(control).await?.ceil_hour();
    act(control, &ending.on, action, Some(format_iso(time))).await
}

async fn act(control: &Control, on: &On, action: &str, time: Option<String>) -> anyhow::Result<()> {
    let path = place(control, on).await?;
    let body = match time {
        Some(time) => json!({ "action": action, "time": time }),
        None => json!({ "action": action }),
    };
    control.post(&format!("{path}/action"), &body).await?;
    let state = state(control, on).await?;
    say(format!("now {state}"));
    Ok(())
}

/// The API's state on the instance, in words.
async fn state(control: &Control, on: &On) -> anyhow::Result<String> {
    let api = encoded(&control.api(&on.api).await?);
    let instance = control.instance(on.instance.as_deref()).await?;
    let info = control.list(&format!("/apis/{api}/publish-info"), "publish_messages").await?;
    let here = records(&info, "publish_messages")
        .iter()
        .find(|record| is(record, "instance_id", &instance));
    Ok(here.map_or_else(
        || "unknown".to_owned(),
        |record| words::api_status(&cell(record, "api_status")).to_owned(),
    ))
}

fn list(answer: &Value) -> String {
    let mut table = Table::new(&["name", "id", "reviewer", "made by", "description"]);
    for api in records(answer, "records") {
        let fields = ["name", "id", "manager", "create_user", "description"];
        table.row(fields.iter().map(|field| cell(api, field)).collect());
    }
    table.text()
}

fn one(api: &Value) -> String {
    let backend = api.get("backend_config").unwrap_or(&Value::Null);
    let method = |value: &Value, field: &str| {
        cell(value, field).trim_start_matches("REQUEST_TYPE_").to_owned()
    };
    let scheme = cell(backend, "protocol").trim_start_matches("PROTOCOL_TYPE_").to_lowercase();
    let mut lines = vec![
        format!("name         {}", cell(api, "name")),
        format!("id           {}", cell(api, "id")),
        format!("description  {}", cell(api, "description")),
        format!("reviewer     {}", cell(api, "manager")),
        format!("call         {} {}", method(api, "request_type"), cell(api, "path")),
        format!(
            "backend      {} {scheme}://{}{}",
            method(backend, "type"),
            cell(backend, "host"),
            cell(backend, "path")
        ),
    ];
    for on in records(api, "publish_messages") {
        let (name, status) = (cell(on, "instance_name"), cell(on, "api_status"));
        lines.push(format!("on {name:<9} {}", words::api_status(&status)));
    }
    lines.join("\n")
}
