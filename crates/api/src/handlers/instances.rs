//! Instances and reviewers.

use tidegate_control::{InstanceFilter, InstanceShown};
use tidegate_wire::answers::{
    ApproverRecord, Approvers, InstanceDetailDto, InstanceFacts, InstanceOverviewDto,
    InstanceOverviews, Instances,
};
use tidegate_wire::ids;
use tidegate_wire::paging::{List, Window};

use super::{Answer, paging, text, window};
use crate::call::Call;
use crate::reply::Reply;

pub async fn list(call: Call) -> Answer {
    let part = paging(window(&call, List::Plain)?);
    let page = call.control().list_instances(&call.caller, &wanted(&call), part).await?;
    let instances =
        page.items.iter().map(|shown| InstanceDetailDto::of(&shown.instance, &facts(shown)));
    Ok(Reply::json(&Instances::new(page.total, instances.collect())))
}

pub async fn list_overview(call: Call) -> Answer {
    let part = paging(window(&call, List::Plain)?);
    let page = call.control().list_instances(&call.caller, &wanted(&call), part).await?;
    let instances =
        page.items.iter().map(|shown| InstanceOverviewDto::of(&shown.instance, &facts(shown)));
    Ok(Reply::json(&InstanceOverviews::new(page.total, instances.collect())))
}

pub async fn show(call: Call) -> Answer {
    let id = ids::instance_to_show(call.path("instance_id"))?;
    let shown = call.control().show_instance(&call.caller, &id).await?;
    Ok(Reply::json(&InstanceDetailDto::of(&shown.instance, &facts(&shown))))
}

pub async fn list_approvers(call: Call) -> Answer {
    let part = paging(Window::parse_page(call.query("page"), call.query("size"))?);
    let name = text(&call, "approver_name");
    let page = call.control().list_approvers(&call.caller, name, part).await?;
    let project = &call.caller.project;
    let approvers =
        page.items.iter().map(|shown| ApproverRecord::of(&shown.user, &shown.name, project));
    Ok(Reply::json(&Approvers::new(page.total, approvers.collect())))
}

fn wanted(call: &Call) -> InstanceFilter {
    InstanceFilter { name: text(call, "name"), creator: text(call, "create_user") }
}

fn facts(shown: &InstanceShown) -> InstanceFacts {
    InstanceFacts {
        creator: String::new(),
        address: None,
        published_here: u64::from(shown.published_here),
        published: u64::from(shown.published_here),
        nodes: Vec::new(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
