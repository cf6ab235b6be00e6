//! `tidegate grants`: who may call what, until when.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tidegate_domain::Timestamp;
use tidegate_wire::format_iso;

use super::right::Show;
use super::subject::{On, state};
use super::{Common, End};
use crate::control::{Control, encoded};
use crate::exit::misused;
use crate::out::{Table, cell, moment, records, say};
use crate::wait::Wait;

/// Grants.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate grants list --api weather
  tidegate grants authorize --as reviewer --api weather --app wallboard --for 30d
  tidegate grants apply     --as owner    --api weather --app wallboard --until 2026-12-01T10:00Z
  tidegate grants cancel    --as reviewer --api weather --app wallboard
  tidegate grants give-back --as owner    --api weather --app wallboard --wait enforced
  tidegate grants show      --as owner    --api weather --app wallboard

An end of validity is rounded down to the hour, a cancellation up to it. A cancellation leaves the
app at least two days; giving back ends the grant at once. With `--wait enforced` a command returns
when no gateway acts on less; `show` tells which gateway does since when.")]
pub struct Grants {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the apps that may call an API, or the APIs an app may call.
    List(Of),
    /// Show one app's right to call one API, and which gateway enforces what was last said of it.
    Show(Show),
    /// Grant an app the right to call an API, or extend it. For the API's reviewer.
    Authorize(Act),
    /// Apply for the right to call an API. For the app's owner.
    Apply(Act),
    /// Apply for a later end. For the app's owner.
    Renew(Act),
    /// Announce the end of a grant; without a moment, in two days. For the API's reviewer.
    Cancel(Cancel),
    /// End a grant at once. For the app's owner.
    GiveBack(GiveBack),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Of {
    /// An API, by name or id.
    #[arg(long, value_name = "API")]
    api: Option<String>,
    /// An app, by name or id.
    #[arg(long, value_name = "APP")]
    app: Option<String>,
}

#[derive(Debug, Args)]
struct Act {
    #[command(flatten)]
    on: On,
    #[command(flatten)]
    end: End,
}

#[derive(Debug, Args)]
struct Cancel {
    #[command(flatten)]
    act: Act,
    #[command(flatten)]
    wait: Wait,
}

#[derive(Debug, Args)]
struct GiveBack {
    #[command(flatten)]
    on: On,
    #[command(flatten)]
    wait: Wait,
}

impl Grants {
    /// Carries it out.
    pub async fn run(self) -> anyhow::Result<()> {
        let usual = match &self.what {
            What::List(_) | What::Authorize(_) | What::Cancel(_) => "reviewer",
            What::Show(_) | What::Apply(_) | What::Renew(_) | What::GiveBack(_) => "owner",
        };
        let control = self.common.control(usual)?;
        match &self.what {
            What::List(of) => self.list(&control, of).await,
            What::Show(show) => show.run(&control, self.common.output).await,
            What::Authorize(act) if act.on.app.len() > 1 => authorize_many(&control, act).await,
            What::Authorize(act) => give(&control, act, "AUTHORIZE", "granted").await,
            What::Apply(act) => give(&control, act, "APPLY", "applied for a grant").await,
            What::Renew(act) => give(&control, act, "RENEW", "applied for a later end,").await,
            What::Cancel(wanted) => cancel(&control, wanted).await,
            What::GiveBack(wanted) => {
                let body = body(&control, &wanted.on, "APP_CANCEL_AUTHORIZE", None).await?;
                let headers = control.post_waiting(ACTION, &body, &wanted.wait).await?;
                say("given back");
                wanted.wait.tell(&headers)
            }
        }
    }

    async fn list(&self, control: &Control, of: &Of) -> anyhow::Result<()> {
        let path = match (&of.api, &of.app) {
            (Some(api), _) => format!("/authorize/apis/{}", encoded(&control.api(api).await?)),
            (None, Some(app)) => format!("/authorize/apps/{}", encoded(&control.app(app).await?)),
            (None, None) => misused!("name an API or an app"),
        };
        let answer = control.list(&path, "records").await?;
        let by_api = of.api.is_some();
        self.common.output.print(&answer, |answer| table(answer, by_api));
        Ok(())
    }
}

fn table(answer: &Value, by_api: bool) -> String {
    let head = if by_api {
        ["app", "app id", "instance", "state", "end"]
    } else {
        ["api", "api id", "reviewer", "state", "end"]
    };
    let mut table = Table::new(&head);
    for record in records(answer, "records") {
        let fields = if by_api {
            ["app_name", "app_id", "instance_name"]
        } else {
            ["name", "id", "manager"]
        };
        let mut row: Vec<String> = fields.iter().map(|field| cell(record, field)).collect();
        row.push(state(&cell(record, "relationship_type")).to_owned());
        row.push(moment(record, if by_api { "api_using_time" } else { "deadline" }));
        table.row(row);
    }
    table.text()
}

/// The end of validity that was asked for, as it will be kept.
async fn validity(control: &Control, end: &End) -> anyhow::Result<Timestamp> {
    let end = end.moment(control).await?;
    let Some(end) = end else { misused!("say until when: --until MOMENT or --for SPAN") };
    Ok(end.floor_hour())
}

async fn give(control: &Control, wanted: &Act, kind: &str, done: &str) -> anyhow::Result<()> {
    let end = validity(control, &wanted.end).await?;
    act(control, &wanted.on, kind, Some(end)).await?;
    say(format!("{done} until {end}"));
    Ok(())
}

async fn cancel(control: &Control, wanted: &Cancel) -> anyhow::Result<()> {
    let end = wanted.act.end.of_notice(control).await?.ceil_hour();
    let body = body(control, &wanted.act.on, "API_CANCEL_AUTHORIZE", Some(end)).await?;
    let headers = control.post_waiting(ACTION, &body, &wanted.wait).await?;
    say(format!("the app's side is told that access ends at {end}"));
    wanted.wait.tell(&headers)
}

/// Where the five actions are.
const ACTION: &str = "/apis/authorize/action";

async fn act(
    control: &Control,
    on: &On,
    kind: &str,
    time: Option<Timestamp>,
) -> anyhow::Result<()> {
    control.post(ACTION, &body(control, on, kind, time).await?).await?;
    Ok(())
}

async fn body(
    control: &Control,
    on: &On,
    kind: &str,
    time: Option<Timestamp>,
) -> anyhow::Result<Value> {
    let (api, app) = control.pair(&on.api, on.one_app()?).await?;
    let mut body = json!({
        "api_id": api,
        "instance_id": control.instance(on.instance.as_deref()).await?,
        "app_id": app,
        "apply_type": format!("APPLY_TYPE_{kind}"),
    });
    if let (Some(time), Some(fields)) = (time, body.as_object_mut()) {
        fields.insert("time".to_owned(), format_iso(time).into());
    }
    Ok(body)
}

async fn authorize_many(control: &Control, wanted: &Act) -> anyhow::Result<()> {
    let end = validity(control, &wanted.end).await?;
    let on = &wanted.on;
    let api = control.api(&on.api).await?;
    let mut apps = Vec::with_capacity(on.app.len());
    for app in &on.app {
        apps.push(control.app_beside(&on.api, &api, app).await?);
    }
    let api = encoded(&api);
    let instance = encoded(&control.instance(on.instance.as_deref()).await?);
    let path = format!("/apis/{api}/instances/{instance}/authorize");
    control.post(&path, &json!({ "time": format_iso(end), "app_ids": apps })).await?;
    say(format!("granted to {} apps until {end}", apps.len()));
    Ok(())
}
