//! Rules of APIs, and throttling policies. The vendor's clients have no calls for these.

use tidegate_control::{Command, ThrottleShown};
use tidegate_wire::answers::{ThrottleDto, Throttles};
use tidegate_wire::ids;
use tidegate_wire::paging::List;
use tidegate_wire::requests::{RulesBody, ThrottleBody};

use super::{Answer, paging, window};
use crate::call::Call;
use crate::reply::Reply;

pub async fn show(call: Call) -> Answer {
    let api = ids::api(call.path("api_id"))?;
    let rules = call.control().show_rules(&call.caller, &api).await?;
    Ok(Reply::json(&RulesBody::of(&rules)))
}

pub async fn set(call: Call) -> Answer {
    let rules = call.body::<RulesBody>()?.parse()?;
    let api = ids::api(call.path("api_id"))?;
    let receipt = call.execute(Command::SetRules { api, rules }).await?;
    Ok(Reply::no_content().at(&receipt))
}

pub async fn list_throttles(call: Call) -> Answer {
    let part = paging(window(&call, List::Plain)?);
    let page = call.control().list_throttles(&call.caller, part).await?;
    Ok(Reply::json(&Throttles::new(page.total, page.items.iter().map(throttle).collect())))
}

pub async fn show_throttle(call: Call) -> Answer {
    let name = ids::throttle(call.path("throttle_name"))?;
    let shown = call.control().show_throttle(&call.caller, &name).await?;
    Ok(Reply::json(&throttle(&shown)))
}

pub async fn set_throttle(call: Call) -> Answer {
    let quota = call.body::<ThrottleBody>()?.parse()?;
    let throttle = ids::throttle_to_set(call.path("throttle_name"))?;
    let receipt = call.execute(Command::SetThrottle { throttle, quota }).await?;
    Ok(Reply::no_content().at(&receipt))
}

pub async fn delete_throttle(call: Call) -> Answer {
    let name = ids::throttle(call.path("throttle_name"))?;
    let receipt = call.execute(Command::DeleteThrottle(name)).await?;
    Ok(Reply::no_content().at(&receipt))
}

fn throttle(shown: &ThrottleShown) -> ThrottleDto {
    ThrottleDto::of(&shown.throttle, &shown.apis)
}
