//! How the gate treats an API's calls, and the throttling policies that APIs are bound to.

use serde_json::json;
use tidegate_domain::{ApiId, Quota, Refusal, Rules, Task, Throttle, ThrottleName};
use tidegate_store::{ApiFilter, Paging};

use crate::caller::Caller;
use crate::command::Outcome;
use crate::error::Result;
use crate::publications;
use crate::turn::Turn;
use crate::{access, apis};

/// Changes how the gate treats an API's calls. This is possible while the API answers: a limit is no
/// use if it has to wait for a stop.
pub(crate) async fn set(
    turn: &mut Turn<'_>,
    caller: &Caller,
    id: &ApiId,
    rules: Rules,
) -> Result<Outcome> {
    let seat = turn.seat(caller).await?;
    let mut api = access::own_api(turn.view(), &seat, id).await?;
    if let Some(name) = &rules.throttle {
        known_throttle(turn, &api.workspace, name).await?;
    }
    // Who runs what others made may bind it to a policy they made.
    let binds_only = rules.equal_but_for_the_throttle(&api.rules);
    seat.must(if binds_only { Task::Operate } else { Task::Edit })?;
    // Its reviewer answers for what grants were given for: while it answers, or grants are kept, nobody else
    // changes that.
    if rules.change_what_was_granted(&api.rules) && !seat.reviews(&api) {
        let publications = turn.publications(id).await?;
        publications::must_allow_edit(&publications, turn.now).map_err(|_| Refusal::NotReviewer)?;
        apis::must_be_held_by_nobody(turn, id).await?;
    }
    rules.must_suit(api.auth)?;
    if rules == api.rules {
        return Ok(Outcome::Done);
    }
    let before = std::mem::replace(&mut api.rules, rules);
    api.updated_at = turn.now;
    turn.put_api(&api).await?;
    let changed = json!({ "old": details(&before), "new": details(&api.rules) });
    turn.record("api.rules-set", id, changed).await?;
    Ok(Outcome::Done)
}

/// Makes or changes a throttling policy of the caller's workspace. The APIs bound to it are limited
/// by it from then on.
pub(crate) async fn set_throttle(
    turn: &mut Turn<'_>,
    caller: &Caller,
    name: ThrottleName,
    quota: Quota,
) -> Result<Outcome> {
    let seat = turn.seat(caller).await?;
    seat.must(Task::Edit)?;
    let before = turn.throttle(&seat.workspace, &name).await?;
    if before.is_none() {
        let (count, max) =
            (turn.throttles(&seat.workspace).await?.len(), turn.settings.quotas.throttles);
        if count as u64 >= u64::from(max) {
            return Err(Refusal::ThrottlesFull { max }.into());
        }
    }
    let throttle = Throttle { workspace: seat.workspace, name, quota };
    if before.as_ref() == Some(&throttle) {
        return Ok(Outcome::Done);
    }
    turn.put_throttle(&throttle).await?;
    let what = if before.is_none() { "throttle.created" } else { "throttle.updated" };
    let details =
        json!({ "old": before.map(|before| limits_of(before.quota)), "new": limits_of(quota) });

    turn.record(what, subject(&throttle), details).await?;
    Ok(Outcome::Done)
}

/// Deletes a throttling policy to which no API is bound.
pub(crate) async fn delete_throttle(
    turn: &mut Turn<'_>,
    caller: &Caller,
    name: &ThrottleName,
) -> Result<Outcome> {
    let seat = turn.seat(caller).await?;
    let throttle = known_throttle(turn, &seat.workspace, name).await?;
    seat.must(Task::Edit)?;
    let bound = ApiFilter {
        workspace: Some(seat.workspace.clone()),
        throttle: Some(name.clone()),
        ..ApiFilter::default()
    };
    let bound = turn.apis(&bound, Paging { offset: 0, limit: 1 }).await?;
    if let Some(api) = bound.items.into_iter().next() {
        return Err(Refusal::ThrottleInUse { count: bound.total, api: api.name }.into());
    }
    turn.delete_throttle(&seat.workspace, name).await?;
    turn.record("throttle.deleted", subject(&throttle), json!({})).await?;
    Ok(Outcome::Done)
}

async fn known_throttle(
    turn: &mut Turn<'_>,
    workspace: &tidegate_domain::WorkspaceId,
    name: &ThrottleName,
) -> Result<Throttle> {
    let unknown = || Refusal::ThrottleUnknown { name: name.to_string() };
    Ok(turn.throttle(workspace, name).await?.ok_or_else(unknown)?)
}

fn subject(throttle: &Throttle) -> String {
    format!("{}/{}", throttle.workspace, throttle.name)
}

/// The limits of a policy, for the journal.
fn limits_of(quota: Quota) -> serde_json::Value {
    json!({
        "window_seconds": quota.window_seconds,
        "per_api": quota.per_api,
        "per_user": quota.per_user,
        "per_app": quota.per_app,
    })
}

/// All rules, for the journal.
fn details(rules: &Rules) -> serde_json::Value {
    json!({
        "throttle": rules.throttle.as_ref().map(ToString::to_string),
        "nonce": rules.nonce,
        "odd_paths": rules.odd_paths,
        "upgrade": rules.upgrade,
        "retries": rules.retries,
        "http2": rules.http2,
        "connect_timeout_ms": rules.connect_timeout_ms,
        "read_timeout_ms": rules.read_timeout_ms,
        "total_timeout_ms": rules.total_timeout_ms,
        "more_backends": rules.more_backends,
        "require_signed_host": rules.require_signed_host,
        "forward_credentials": rules.forward_credentials,
    })
}
