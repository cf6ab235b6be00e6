//! Apps.

use tidegate_control::{AppShown, Command, Outcome};
use tidegate_wire::answers::{AppDto, AppNames, Apps};
use tidegate_wire::enums::parse_app_kind;
use tidegate_wire::errors::Fault as WireFault;
use tidegate_wire::paging::List;
use tidegate_wire::requests::{AppBody, AppUpdateBody};
use tidegate_wire::{ids, query};

use super::{Answer, paging, text, window};
use crate::call::Call;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::wait::Carried;

pub async fn list(call: Call) -> Answer {
    let kind = text(&call, "app_type").map(|kind| parse_app_kind("app_type", &kind)).transpose()?;
    let part = paging(window(&call, List::Plain)?);
    let name = text(&call, "name");
    let page = call.control().list_apps(&call.caller, name, kind, part).await?;
    Ok(Reply::json(&Apps::new(page.total, page.items.iter().map(dto).collect())))
}

pub async fn show(call: Call) -> Answer {
    let app = ids::app(call.path("app_id"))?;
    Ok(Reply::json(&dto(&call.control().show_app(&call.caller, &app).await?)))
}

pub async fn create(call: Call) -> Answer {
    let wanted = call.body::<AppBody>()?.parse()?;
    let (name, description, kind) = (wanted.name, wanted.description, wanted.kind);
    let receipt = call.execute(Command::CreateApp { name, description, kind }).await?;
    changed(&receipt)
}

pub async fn update(call: Call) -> Answer {
    let app = ids::app(call.path("app_id"))?;
    let wanted = call.body::<AppUpdateBody>()?.parse()?;
    let (name, description) = (wanted.name, wanted.description);
    let receipt = call.execute(Command::UpdateApp { app, name, description }).await?;
    changed(&receipt)
}

pub async fn reset_secret(call: Call) -> Answer {
    let app = ids::app(call.path("app_id"))?;
    let receipt = call.execute(Command::ResetSecret(app)).await?;
    changed(&receipt)
}

pub async fn remove(call: Call) -> Answer {
    let app = ids::app(call.path("app_id"))?;
    let force = query::switch("force", call.query("force"))?;
    let receipt = call.execute(Command::DeleteApp { app, force }).await?;
    Ok(Reply::no_content().at(&receipt))
}

/// An app as a command has left it.
fn changed(receipt: &Carried) -> Answer {
    match &receipt.outcome {
        Outcome::App(shown) => Ok(Reply::json(&dto(shown)).at(receipt)),
        Outcome::Done | Outcome::Api(_) => Err(Fault::from(WireFault::Internal)),
    }
}

fn dto(shown: &AppShown) -> AppDto {
    let names = AppNames { owner: &shown.owner, updated_by: &shown.updated_by };
    AppDto::of(&shown.app, &names, shown.secret.as_ref().map(tidegate_sign::Secret::expose))
}
