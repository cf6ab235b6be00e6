//! Grants: the five actions, the batch, and the two lists.

use tidegate_control::{Command, GrantAction};
use tidegate_wire::answers::{AuthorizedAppRecord, BoundApiRecord, Records};
use tidegate_wire::enums::ActionKind;
use tidegate_wire::ids;
use tidegate_wire::paging::List;
use tidegate_wire::requests::{ActionBody, BatchAuthorizeBody};

use super::{Answer, paging, window};
use crate::call::Call;
use crate::reply::Reply;

pub async fn act(call: Call) -> Answer {
    let wanted = call.body::<ActionBody>()?.parse()?;
    let action = match wanted.kind {
        ActionKind::Authorize => GrantAction::Authorize(wanted.time),
        ActionKind::Apply => GrantAction::Apply(wanted.time),
        ActionKind::Renew => GrantAction::Renew(wanted.time),
        ActionKind::Cancel => GrantAction::Cancel(wanted.time),
        ActionKind::GiveBack => GrantAction::GiveBack,
    };
    let (api, instance, app) = (wanted.api, wanted.instance, wanted.app);
    let receipt = call.execute(Command::Grant { api, instance, app, action }).await?;
    Ok(Reply::no_content().at(&receipt))
}

pub async fn authorize_many(call: Call) -> Answer {
    let wanted = call.body::<BatchAuthorizeBody>()?.parse()?;
    let (api, instance) = (ids::api(call.path("api_id"))?, call.instance()?);
    let (apps, until) = (wanted.apps, Some(wanted.until));
    let receipt = call.execute(Command::AuthorizeMany { api, instance, apps, until }).await?;
    Ok(Reply::no_content().at(&receipt))
}

pub async fn list_apps_of_api(call: Call) -> Answer {
    let api = ids::api(call.path("api_id"))?;
    let part = paging(window(&call, List::Plain)?);
    let page = call.control().list_granted_apps(&call.caller, &api, part, call.now).await?;
    let records = page.items.iter().filter_map(|granted| {
        let (app, instance) = (&granted.app_name, &granted.instance_name);
        AuthorizedAppRecord::of(&granted.standing, app, instance, call.now)
    });
    Ok(Reply::json(&Records::new(page.total, records.collect())))
}

pub async fn list_apis_of_app(call: Call) -> Answer {
    let app = ids::app(call.path("app_id"))?;
    let part = paging(window(&call, List::Plain)?);
    let page = call.control().list_bound_apis(&call.caller, &app, part, call.now).await?;
    let records = page.items.iter().filter_map(|bound| {
        let (manager, instance) = (&bound.manager, &bound.instance_name);
        BoundApiRecord::of(&bound.standing, &bound.api, manager, instance, call.now)
    });
    Ok(Reply::json(&Records::new(page.total, records.collect())))
}
