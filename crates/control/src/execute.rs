//! From a command to the use case that carries it out.

use tidegate_domain::{Refusal, Timestamp};

use crate::caller::Caller;
use crate::command::{Command, GrantAction, Outcome, Receipt};
use crate::control::Control;
use crate::error::Result;
use crate::turn::{Turn, whole};
use crate::{apis, apps, grants, publications, rules, verdicts};

async fn dispatch(turn: &mut Turn<'_>, caller: &Caller, command: Command) -> Result<Outcome> {
    check_form(&command)?;
    match command {
        Command::Grant { api, instance, app, action } => {
            grants::act(turn, caller, &api, &instance, &app, action).await
        }
        Command::AuthorizeMany { api, instance, apps, until } => {
            grants::authorize_many(turn, caller, &api, &instance, apps, until).await
        }
        Command::Decide { applications, pass, comment } => {
            verdicts::decide(turn, caller, applications, pass, comment).await
        }
        Command::WithdrawApplication(id) => verdicts::withdraw(turn, caller, &id).await,
        Command::ConfirmNotice { notice, choice } => {
            verdicts::confirm(turn, caller, &notice, choice).await
        }
        Command::WithdrawNotice(id) => verdicts::withdraw_notice(turn, caller, &id).await,
        Command::CreateApp { name, description, kind } => {
            apps::create(turn, caller, name, description, kind).await
        }
        Command::UpdateApp { app, name, description } => {
            apps::update(turn, caller, &app, name, description).await
        }
        Command::DeleteApp { app, force } => apps::delete(turn, caller, &app, force).await,
        Command::ResetSecret(app) => apps::reset_secret(turn, caller, &app).await,
        Command::CreateApi(draft) => apis::create(turn, caller, draft).await,
        Command::UpdateApi { api, draft } => apis::update(turn, caller, &api, draft).await,
        Command::TransferApi { api, to } => apis::transfer(turn, caller, &api, &to).await,
        Command::SetRules { api, rules } => rules::set(turn, caller, &api, rules).await,
        Command::SetThrottle { throttle, quota } => {
            rules::set_throttle(turn, caller, throttle, quota).await
        }
        Command::DeleteThrottle(throttle) => rules::delete_throttle(turn, caller, &throttle).await,
        Command::DeleteApis(ids) => apis::delete(turn, caller, ids).await,
        Command::Publish { api, instance } => {
            publications::publish(turn, caller, &api, &instance).await
        }
        Command::ActOnApi { api, instance, action } => {
            publications::act(turn, caller, &api, &instance, action).await
        }
    }
}

/// Form comes before all else, so that a malformed command is told the same whoever sends it.
fn check_form(command: &Command) -> Result<(), Refusal> {
    use tidegate_domain::limits::{BATCH_APIS, BATCH_APPLICATIONS, BATCH_APPS};
    match command {
        Command::Grant { action, .. } => match action {
            GrantAction::Authorize(time)
            | GrantAction::Apply(time)
            | GrantAction::Renew(time)
            | GrantAction::Cancel(time) => check_time(*time),
            GrantAction::GiveBack => Ok(()),
        },
        Command::AuthorizeMany { apps, until, instance, .. } => {
            check_time(*until)?;
            check_many(apps.len(), "apps", "app_ids", BATCH_APPS)?;
            if instance.is_shared() { Err(Refusal::ExclusiveOnly) } else { Ok(()) }
        }
        Command::Decide { applications, .. } => {
            check_many(applications.len(), "applications", "apply_ids", BATCH_APPLICATIONS)
        }
        Command::SetRules { rules, .. } => rules.check(),
        Command::SetThrottle { quota, .. } => quota.check(),
        Command::DeleteApis(ids) => check_many(ids.len(), "APIs", "api ids", BATCH_APIS),
        Command::WithdrawApplication(_)
        | Command::ConfirmNotice { .. }
        | Command::WithdrawNotice(_)
        | Command::CreateApp { .. }
        | Command::UpdateApp { .. }
        | Command::DeleteApp { .. }
        | Command::ResetSecret(_)
        | Command::CreateApi(_)
        | Command::UpdateApi { .. }
        | Command::TransferApi { .. }
        | Command::DeleteThrottle(_)
        | Command::Publish { .. }
        | Command::ActOnApi { .. } => Ok(()),
    }
}

fn check_time(time: Option<Timestamp>) -> Result<(), Refusal> {
    match time {
        None => Err(Refusal::FieldMissing { field: "time" }),
        Some(time) if time.is_beyond_horizon() => Err(Refusal::EndTooFar),
        Some(_) => Ok(()),
    }
}

fn check_many(
    count: usize,
    what: &'static str,
    field: &'static str,
    max: usize,
) -> Result<(), Refusal> {
    match count {
        0 => Err(Refusal::FieldMissing { field }),
        n if n > max => Err(Refusal::TooMany { what, max }),
        _ => Ok(()),
    }
}

impl Control {
    /// Carries out a command of a caller at `now`, or refuses it and changes nothing.
    pub async fn execute(
        &self,
        caller: &Caller,
        command: Command,
        now: Timestamp,
    ) -> Result<Receipt> {
        whole(|| self.execute_once(caller, command.clone(), now)).await
    }

    async fn execute_once(
        &self,
        caller: &Caller,
        command: Command,
        now: Timestamp,
    ) -> Result<Receipt> {
        let actor = Some(caller.user.clone());
        let mut turn = Turn::begin(self, actor, now).await?;
        let takes_away = command.takes_away();
        let outcome = dispatch(&mut turn, caller, command).await?;
        let revision = self.commit_as(turn, takes_away).await?;
        Ok(Receipt { revision, outcome })
    }
}
