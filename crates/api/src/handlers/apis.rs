//! APIs and their life on instances.

use tidegate_control::{
    ApiAction, ApiActionOn, ApiDraft, ApiFilter, ApiShown, Cause, Command, Outcome,
    PublicationShown,
};
use tidegate_domain::{AppId, Refusal};
use tidegate_wire::answers::{
    ApiDetail, ApiNames, ApiOverview, ApiPublishDto, CreatedApi, InstanceForApiActionDto,
    InstancesForAction, PublishMessages, Records,
};
use tidegate_wire::definition::Definition;
use tidegate_wire::enums::{
    ApiActionKind, ApiType, AuthorizationStatus, InstanceAction, InstanceCause, PublishFilter,
};
use tidegate_wire::errors::Fault as WireFault;
use tidegate_wire::paging::List;
use tidegate_wire::requests::{self, ApiActionBody, ApiBody, GatewayBody, TransferBody};
use tidegate_wire::{ids, query};

use super::{Answer, paging, text, window};
use crate::call::Call;
use crate::fault::Fault;
use crate::reply::Reply;

pub async fn create(call: Call) -> Answer {
    let receipt = call.execute(Command::CreateApi(draft(&call)?)).await?;
    match &receipt.outcome {
        Outcome::Api(id) => Ok(Reply::json(&CreatedApi { id: id.to_string() }).at(&receipt)),
        Outcome::Done | Outcome::App(..) => Err(Fault::from(WireFault::Internal)),
    }
}

pub async fn update(call: Call) -> Answer {
    let api = ids::api(call.path("api_id"))?;
    let receipt = call.execute(Command::UpdateApi { api, draft: draft(&call)? }).await?;
    Ok(Reply::no_content().at(&receipt))
}

pub async fn transfer(call: Call) -> Answer {
    let api = ids::api(call.path("api_id"))?;
    let to = call.body::<TransferBody>()?.parse()?;
    let receipt = call.execute(Command::TransferApi { api, to }).await?;
    Ok(Reply::no_content().at(&receipt))
}

fn draft(call: &Call) -> Result<ApiDraft, Refusal> {
    let wanted = Definition::from_body(call.body::<ApiBody>()?)?;
    Ok(ApiDraft {
        name: wanted.name,
        description: wanted.description,
        auth: wanted.auth,
        method: wanted.method,
        path: wanted.path,
        visibility: wanted.visibility,
        manager: wanted.manager_name,
        retention_hours: wanted.retention_hours,
        tags: wanted.tags,
        definition: wanted.json,
    })
}

pub async fn remove(call: Call) -> Answer {
    let ids = requests::apis_to_delete(&call.body)?;
    let receipt = call.execute(Command::DeleteApis(ids)).await?;
    Ok(Reply::no_content().at(&receipt))
}

pub async fn publish(call: Call) -> Answer {
    requests::optional_body::<GatewayBody>(&call.body)?.parse()?;
    let (api, instance) = (ids::api(call.path("api_id"))?, call.instance()?);
    let receipt = call.execute(Command::Publish { api, instance }).await?;
    Ok(Reply::no_content().at(&receipt))
}

pub async fn act(call: Call) -> Answer {
    let wanted = call.body::<ApiActionBody>()?.parse()?;
    let action = match wanted.kind {
        ApiActionKind::Stop => ApiAction::Stop(wanted.at),
        ApiActionKind::Unpublish => ApiAction::Unpublish(wanted.at),
        ApiActionKind::Recover => ApiAction::Recover,
    };
    let (api, instance) = (ids::api(call.path("api_id"))?, call.instance()?);
    let receipt = call.execute(Command::ActOnApi { api, instance, action }).await?;
    Ok(Reply::no_content().at(&receipt))
}

pub async fn list(call: Call) -> Answer {
    let published = text(&call, "publish_status")
        .map(|status| PublishFilter::parse("publish_status", &status))
        .transpose()?;
    let wanted = ApiFilter {
        name: text(&call, "name"),
        description: text(&call, "description"),
        creator: text(&call, "create_user"),
        tags: call.query_all("tags").filter(|tag| !tag.is_empty()).map(str::to_owned).collect(),
        created_from: query::moment("start_time", call.query("start_time"))?,
        created_to: query::moment("end_time", call.query("end_time"))?,
        published: published.map(|filter| filter == PublishFilter::Published),
        ..ApiFilter::default()
    };
    // Every API is a registered one, and has no table.
    let other_type = match text(&call, "api_type") {
        Some(text) => !ApiType::parse("api_type", &text)?.is_register(),
        None => false,
    };
    let finds_none = other_type || text(&call, "table_name").is_some();
    let with_messages =
        query::switch("x-return-publish-messages", call.header("x-return-publish-messages")?)?;
    let part = paging(window(&call, List::Plain)?);
    let page = call.control().list_apis(&call.caller, wanted, part, call.now).await?;
    if finds_none {
        return Ok(Reply::json(&Records::<ApiOverview>::new(0, Vec::new())));
    }
    let records = page.items.iter().map(|shown| overview(&call, shown, with_messages));
    Ok(Reply::json(&Records::new(page.total, records.collect())))
}

pub async fn show(call: Call) -> Answer {
    let api = ids::api(call.path("api_id"))?;
    let shown = call.control().show_api(&call.caller, &api, call.now).await?;
    let definition = Definition::from_json(&shown.api.definition).map_err(|error| {
        tracing::error!(api = %shown.api.id, %error, "a stored definition cannot be read");
        WireFault::Internal
    })?;
    let messages = shown.publications.iter().map(|p| publication(&call, p)).collect();
    let mut detail =
        ApiDetail::of(&shown.api, definition, &names(&shown)).with_publish_messages(messages);
    if let Some(shared) = shared(&shown) {
        detail = detail.with_status(shared.publication.status.into(), None);
    }
    if is_terraform(&call) {
        detail = detail.for_terraform();
    }
    Ok(Reply::json(&detail))
}

/// Whether the vendor's Terraform provider calls.
fn is_terraform(call: &Call) -> bool {
    let agent = call.parts.headers.get(http::header::USER_AGENT);
    agent.is_some_and(|agent| agent.as_bytes().starts_with(b"terraform-provider-"))
}

pub async fn list_publications(call: Call) -> Answer {
    let api = ids::api(call.path("api_id"))?;
    let part = paging(window(&call, List::Plain)?);
    let page = call.control().list_publications(&call.caller, &api, part, call.now).await?;
    let messages = page.items.iter().map(|shown| publication(&call, shown)).collect();
    Ok(Reply::json(&PublishMessages::new(page.total, messages)))
}

pub async fn list_choices(call: Call) -> Answer {
    let api = ids::api(call.path("api_id"))?;
    let Some(action) = text(&call, "action") else {
        return Err(Refusal::FieldMissing { field: "action" }.into());
    };
    let action = InstanceAction::parse("action", &action)?;
    let show_all = query::switch("show_all", call.query("show_all"))?;
    let app: Option<AppId> = text(&call, "app_id").map(|app| ids::app(&app)).transpose()?;
    let on = match action {
        InstanceAction::Publish => ApiActionOn::Publish,
        InstanceAction::Unpublish => ApiActionOn::Unpublish,
        InstanceAction::Stop => ApiActionOn::Stop,
        InstanceAction::Recover => ApiActionOn::Recover,
        InstanceAction::Whitelist => ApiActionOn::Whitelist,
        InstanceAction::Authorize => ApiActionOn::Authorize,
    };
    let window = window(&call, List::Choices)?;
    let choices = call
        .control()
        .list_choices(&call.caller, &api, on, app.as_ref(), show_all, call.now)
        .await?;
    let instances = window.of(&choices).iter().map(|choice| {
        let cause = choice.cause.map(|cause| match cause {
            Cause::ApiStatus => InstanceCause::ApiStatusError,
            Cause::TypeMismatch => InstanceCause::TypeMismatch,
        });
        InstanceForApiActionDto::of(&choice.instance, action, choice.status, cause)
    });
    Ok(Reply::json(&InstancesForAction::new(instances.collect())))
}

fn names(shown: &ApiShown) -> ApiNames<'_> {
    ApiNames { manager: &shown.manager, creator: &shown.creator }
}

/// The API's life on the one instance of the SHARED edition, which its own fields tell.
fn shared(shown: &ApiShown) -> Option<&PublicationShown> {
    shown.publications.iter().find(|shown| shown.publication.instance.is_shared())
}

fn overview(call: &Call, shown: &ApiShown, with_messages: bool) -> ApiOverview {
    let authorization = AuthorizationStatus::of(shown.api.auth, shown.is_granted);
    let mut overview = ApiOverview::of(&shown.api, &names(shown), authorization);
    if let Some(shared) = shared(shown) {
        overview = overview.with_status(shared.publication.status.into());
    }
    if with_messages {
        let messages = shown.publications.iter().map(|p| publication(call, p)).collect();
        overview = overview.with_publish_messages(messages);
    }
    overview
}

fn publication(call: &Call, shown: &PublicationShown) -> ApiPublishDto {
    ApiPublishDto::of(&shown.publication, &shown.instance_name, call.now)
}
