//! Grants: the five actions, and the batch.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::standing::{self, Command as StandingCommand, Facts};
use tidegate_domain::{
    Api, ApiId, AppId, InstanceId, Key, Publication, Refusal, Standing, Task, Timestamp,
};
use tidegate_store::{AppRecord, View};

use crate::access::{self, Seat};
use crate::caller::Caller;
use crate::command::{GrantAction, Outcome};
use crate::error::Result;
use crate::ids::DrawnId;
use crate::turn::Turn;
use crate::{keep, publication_record};

/// One of the five actions.
pub(crate) async fn act(
    turn: &mut Turn<'_>,
    caller: &Caller,
    api: &ApiId,
    instance: &InstanceId,
    app: &AppId,
    action: GrantAction,
) -> Result<Outcome> {
    let seat = turn.seat(caller).await?;
    let key = Key { api: api.clone(), instance: instance.clone(), app: app.clone() };
    let view = turn.view();
    let (api, record) = match action {
        GrantAction::Authorize(_) | GrantAction::Cancel(_) => {
            let api = access::own_api(view, &seat, api).await?;
            access::instance(view, &seat, &api.project, instance).await?;
            (api, access::app_for_reviewer(view, &seat, &key).await?)
        }
        GrantAction::Apply(_) => {
            let api = access::visible_api(view, &seat, api).await?;
            access::instance(view, &seat, &api.project, instance).await?;
            (api, access::own_app(view, &seat, app).await?)
        }
        GrantAction::Renew(_) | GrantAction::GiveBack => {
            let record = access::own_app(view, &seat, app).await?;
            (held_api(view, &seat, &key).await?, record)
        }
    };
    seat.must(Task::Operate)?;
    let command = match action {
        GrantAction::Authorize(until) => StandingCommand::Authorize { until },
        GrantAction::Apply(until) => StandingCommand::Apply { id: DrawnId::draw()?, until },
        GrantAction::Renew(until) => StandingCommand::Renew { id: DrawnId::draw()?, until },
        GrantAction::Cancel(at) => StandingCommand::Cancel { id: DrawnId::draw()?, at },
        GrantAction::GiveBack => StandingCommand::GiveBack,
    };
    carry_out(turn, &seat, &api, &record, instance, &command).await?;
    Ok(Outcome::Done)
}

/// An API the app's side may go on dealing with: a visible one, or one its app already holds. That
/// an API was hidden later takes nothing from those who have it.
pub(crate) async fn held_api(view: &mut dyn View, seat: &Seat, key: &Key) -> Result<Api> {
    let api = match view.standing(key).await? {
        Some(_) => view.api(&key.api).await?.ok_or(Refusal::ApiUnknown)?,
        None => access::visible_api(view, seat, &key.api).await?,
    };
    access::instance(view, seat, &api.project, &key.instance).await?;
    Ok(api)
}

/// Grants to many apps at once: the first app that stands in the way refuses the whole.
pub(crate) async fn authorize_many(
    turn: &mut Turn<'_>,
    caller: &Caller,
    api: &ApiId,
    instance: &InstanceId,
    apps: Vec<AppId>,
    until: Option<Timestamp>,
) -> Result<Outcome> {
    let seat = turn.seat(caller).await?;
    let api = access::own_api(turn.view(), &seat, api).await?;
    access::instance(turn.view(), &seat, &api.project, instance).await?;
    // In the order of ids, so that the same batch is always refused for the same app.
    let apps: Vec<AppId> = BTreeSet::from_iter(apps).into_iter().collect();
    let found = turn.apps_among(&apps).await?;
    let mut records: BTreeMap<_, _> = found.into_iter().map(|r| (r.app.id.clone(), r)).collect();
    let held = turn.standings_among(&api.id, instance, &apps).await?;
    let mut held: BTreeMap<_, _> = held.into_iter().map(|s| (s.key.app.clone(), s)).collect();
    let mut concerned = Vec::with_capacity(apps.len());
    for app in apps {
        let standing = held.remove(&app);
        let record = records.remove(&app);
        let record = access::seen_by_reviewer(&seat, record, standing.is_some())
            .ok_or_else(|| access::app_unknown(&app))?;
        let key = Key { api: api.id.clone(), instance: instance.clone(), app };
        concerned.push((record, standing.unwrap_or_else(|| Standing::new(key))));
    }
    seat.must(Task::Operate)?;
    let command = StandingCommand::Authorize { until };
    let publication = publication_record::settled(turn, &api, instance).await?;
    let mut batch = keep::Batch::default();
    for (record, standing) in concerned {
        let facts = facts(&seat, &api, &record, &publication);
        let events = standing::decide(&standing, &facts, &command, turn.now)?;
        batch.add(turn, &api, &record, standing, events).await?;
    }
    batch.keep(turn).await?;
    publication_record::app_released(turn, &api, publication).await?;
    Ok(Outcome::Done)
}

/// Decides a command on one standing and keeps what it brings.
pub(crate) async fn carry_out(
    turn: &mut Turn<'_>,
    seat: &Seat,
    api: &Api,
    record: &AppRecord,
    instance: &InstanceId,
    command: &StandingCommand,
) -> Result<()> {
    let publication = publication_record::settled(turn, api, instance).await?;
    let key = Key { api: api.id.clone(), instance: instance.clone(), app: record.app.id.clone() };
    let standing = turn.standing(&key).await?.unwrap_or_else(|| Standing::new(key));
    let facts = facts(seat, api, record, &publication);
    let events = standing::decide(&standing, &facts, command, turn.now)?;
    keep::standing(turn, api, record, standing, events).await?;
    publication_record::app_released(turn, api, publication).await
}

/// What a command on a standing is decided by, beside the standing.
fn facts(seat: &Seat, api: &Api, record: &AppRecord, publication: &Publication) -> Facts {
    Facts {
        actor: seat.user.clone(),
        is_reviewer: seat.reviews(api),
        is_owner: seat.owns(record),
        answers_for_app: seat.answers_for(record),
        fit: record.app.kind.fit(api.auth),
        status: publication.status,
    }
}
