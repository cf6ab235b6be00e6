//! Apps: made, renamed, given a new secret, deleted.

use serde_json::json;
use tidegate_domain::refusal::Counted;
use tidegate_domain::standing::Command as StandingCommand;
use tidegate_domain::{App, AppId, AppKind, Refusal, Standing, Task, limits};
use tidegate_sign::Secret;
use tidegate_store::{AppFilter, AppRecord, Paging, Sealed};

use crate::access::{self, Seat};
use crate::app_shown::AppShown;
use crate::caller::Caller;
use crate::command::Outcome;
use crate::error::{Error, Result};
use crate::grants;
use crate::ids::{DrawnId, hex32};
use crate::turn::Turn;
use crate::vault::app_secret;

/// How long after a reset of its secret an app has to wait for the next.
const RESET_PAUSE_MS: i64 = 60_000;

/// Makes an app. Who makes it owns it.
pub(crate) async fn create(
    turn: &mut Turn<'_>,
    caller: &Caller,
    name: String,
    description: String,
    kind: AppKind,
) -> Result<Outcome> {
    check_texts(Some(&name), Some(&description))?;
    let seat = turn.seat(caller).await?;
    seat.must(Task::Edit)?;
    let name = match kind {
        AppKind::App => name,
        AppKind::Iam => iam_name(turn, &seat, name).await?,
    };
    must_be_free(turn, &seat, &name, None).await?;
    let (workspace, one) = (Some(seat.workspace.clone()), Paging { offset: 0, limit: 1 });
    let filter = AppFilter { workspace, kind: Some(AppKind::App), ..AppFilter::default() };
    let count = turn.apps(&filter, one).await?.total;
    turn.settings.quotas.must_have_room(Counted::Apps, count)?;
    let id = AppId::draw()?;
    let (app_key, secret) = match kind {
        AppKind::App => (hex32()?, Some(Secret::new(hex32()?))),
        AppKind::Iam => (String::new(), None),
    };
    let app = App {
        id: id.clone(),
        project: seat.project.clone(),
        workspace: seat.workspace.clone(),
        name,
        description,
        kind,
        app_key,
        owner: seat.user.clone(),
        created_at: turn.now,
        updated_at: turn.now,
        updated_by: seat.user.clone(),
        secret_reset_at: None,
    };
    let sealed = match &secret {
        Some(secret) => turn.vault.seal(secret, &app_secret(&id))?,
        None => Sealed(Vec::new()),
    };
    turn.put_app(&AppRecord { app: app.clone(), secret: sealed }).await?;
    turn.record("app.created", &id, json!({ "name": app.name })).await?;
    named(turn, app, secret).await
}

/// An IAM app stands for the account: it bears its name, and there is one in a project.
async fn iam_name(turn: &mut Turn<'_>, seat: &Seat, name: String) -> Result<String> {
    let project = turn.project(&seat.project).await?.ok_or(Refusal::WorkspaceUnknown)?;
    if name != project.domain_name {
        let what = format!("an IAM app bears the account's name, {}", project.domain_name);
        return Err(Refusal::Malformed { what }.into());
    }
    match turn.iam_app(&seat.project).await? {
        None => Ok(name),
        Some(_) => Err(Refusal::IamAppFixed.into()),
    }
}

/// Renames or describes an app.
pub(crate) async fn update(
    turn: &mut Turn<'_>,
    caller: &Caller,
    id: &AppId,
    name: Option<String>,
    description: Option<String>,
) -> Result<Outcome> {
    check_texts(name.as_deref(), description.as_deref())?;
    let seat = turn.seat(caller).await?;
    let mut record = access::own_app(turn.view(), &seat, id).await?;
    seat.must(Task::Edit)?;
    must_be_no_iam_app(&record)?;
    if let Some(name) = name {
        must_be_free(turn, &seat, &name, Some(id)).await?;
        record.app.name = name;
    }
    if let Some(description) = description {
        record.app.description = description;
    }
    record.app.updated_at = turn.now;
    record.app.updated_by = seat.user.clone();
    turn.put_app(&record).await?;
    turn.record("app.updated", id, json!({ "name": record.app.name })).await?;
    let secret = open_for(turn, &seat, &record)?;
    named(turn, record.app, secret).await
}

/// Makes a new secret. The old one is worthless from the commit on; grants stay.
pub(crate) async fn reset_secret(
    turn: &mut Turn<'_>,
    caller: &Caller,
    id: &AppId,
) -> Result<Outcome> {
    let seat = turn.seat(caller).await?;
    let mut record = access::own_app(turn.view(), &seat, id).await?;
    seat.must(Task::ResetSecret)?;
    must_be_no_iam_app(&record)?;
    if record.app.secret_reset_at.is_some_and(|at| turn.now < at.plus_ms(RESET_PAUSE_MS)) {
        return Err(Refusal::ResetTooSoon.into());
    }
    let secret = Secret::new(hex32()?);
    record.secret = turn.vault.seal(&secret, &app_secret(id))?;
    record.app.secret_reset_at = Some(turn.now);
    record.app.updated_at = turn.now;
    record.app.updated_by = seat.user.clone();
    turn.put_app(&record).await?;
    turn.record("app.secret-reset", id, json!({})).await?;
    turn.tell(&record.app.owner.clone(), "app.secret-reset", id, json!({})).await?;
    named(turn, record.app, Some(secret)).await
}

/// An app as a command leaves it, with the names of people.
async fn named(turn: &mut Turn<'_>, app: App, secret: Option<Secret>) -> Result<Outcome> {
    let mut name = async |id| Ok::<_, Error>(turn.user(id).await?.map(|user| user.name));
    let owner = name(&app.owner).await?.unwrap_or_default();
    let updated_by = name(&app.updated_by).await?.unwrap_or_default();
    Ok(Outcome::App(Box::new(AppShown { app, owner, updated_by, secret })))
}

/// Deletes an app, for its owner or an admin of its workspace. One with live grants only when forced: then
/// they are given back first.
pub(crate) async fn delete(
    turn: &mut Turn<'_>,
    caller: &Caller,
    id: &AppId,
    force: bool,
) -> Result<Outcome> {
    let seat = turn.seat(caller).await?;
    let record = access::own_app(turn.view(), &seat, id).await?;
    seat.must(Task::Edit)?;
    if !seat.answers_for(&record) {
        return Err(Refusal::NotAppOwner.into());
    }
    let standings = turn.standings_of_app(id).await?;
    let live = standings.iter().filter(|standing| standing.live_grant(turn.now).is_some()).count();
    if live > 0 && !force {
        return Err(Refusal::AppInUse { count: live }.into());
    }
    for standing in standings {
        let_go(turn, &seat, &record, standing).await?;
    }
    turn.delete_app(id).await?;
    turn.record("app.deleted", id, json!({ "name": record.app.name })).await?;
    Ok(Outcome::Done)
}

/// Ends what an app that is deleted holds or waits for, as its owner would.
async fn let_go(
    turn: &mut Turn<'_>,
    seat: &Seat,
    record: &AppRecord,
    standing: Standing,
) -> Result<()> {
    let Some(api) = turn.api(&standing.key.api).await? else {
        return Ok(());
    };
    let current = standing.as_of(turn.now);
    let is_live = current.live_grant(turn.now).is_some();
    let command = match current.application {
        _ if is_live => StandingCommand::GiveBack,
        Some(application) => StandingCommand::Withdraw { application },
        None => return Ok(()),
    };
    // Whoever may delete the app acts for its owner and its applicants here.
    let actor = match &command {
        StandingCommand::Withdraw { application } => application.applicant.clone(),
        _ => record.app.owner.clone(),
    };
    let seat = Seat { user: actor, ..seat.clone() };
    let instance = standing.key.instance;
    grants::carry_out(turn, &seat, &api, record, &instance, &command).await
}

/// The secret, for those who may see it: the app's owner.
pub(crate) fn open_for(turn: &Turn<'_>, seat: &Seat, record: &AppRecord) -> Result<Option<Secret>> {
    if record.app.kind == AppKind::Iam || !seat.owns(record) {
        return Ok(None);
    }
    Ok(Some(turn.vault.open(&record.secret, &app_secret(&record.app.id))?))
}

fn must_be_no_iam_app(record: &AppRecord) -> Result<(), Refusal> {
    match record.app.kind {
        AppKind::App => Ok(()),
        AppKind::Iam => Err(Refusal::IamAppFixed),
    }
}

async fn must_be_free(
    turn: &mut Turn<'_>,
    seat: &Seat,
    name: &str,
    but: Option<&AppId>,
) -> Result<()> {
    let named = turn.app_named(&seat.workspace, name).await?;
    // The app that stands for the account is listed in every workspace.
    let iam = turn.iam_app(&seat.project).await?.filter(|iam| iam.app.name == name);
    let taken = named.into_iter().chain(iam).any(|other| Some(&other.app.id) != but);
    if taken { Err(Refusal::NameTaken.into()) } else { Ok(()) }
}

fn check_texts(name: Option<&str>, description: Option<&str>) -> Result<(), Refusal> {
    let malformed = |what: String| Err(Refusal::Malformed { what });
    if let Some(name) = name {
        let length = name.chars().count();
        if !(1..=limits::ID_CHARS).contains(&length) || name.chars().any(char::is_control) {
            return malformed(format!("`name` has 1 to {} characters", limits::ID_CHARS));
        }
    }
    if description.is_some_and(|text| text.chars().count() > limits::TEXT_CHARS) {
        return malformed(format!("`description` has at most {} characters", limits::TEXT_CHARS));
    }
    Ok(())
}
