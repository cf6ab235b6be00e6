//! Applications and notices.

use tidegate_control::{ApplicationShown, Command, Inbox, NoticeShown};
use tidegate_domain::Refusal;
use tidegate_wire::answers::{ApplyRecord, Names, Records};
use tidegate_wire::enums::QueryType;
use tidegate_wire::ids;
use tidegate_wire::paging::List;
use tidegate_wire::requests::{ConfirmBody, DecideBody};

use super::{Answer, paging, text, window};
use crate::call::Call;
use crate::reply::Reply;

pub async fn list_applications(call: Call) -> Answer {
    let inbox = match QueryType::parse(call.query("query_type"))? {
        QueryType::ToDecide => Inbox::Waiting,
        QueryType::Decided => Inbox::Decided,
        QueryType::SentAsDeveloper => Inbox::SentForApis,
        QueryType::SentAsCaller => Inbox::SentForApps,
    };
    let part = paging(window(&call, List::Applications)?);
    let name = text(&call, "api_name");
    let page = call.control().list_applications(&call.caller, inbox, name, part, call.now).await?;
    let records = page.items.iter().filter_map(application).collect();
    Ok(Reply::json(&Records::new(page.total, records)))
}

pub async fn show_application(call: Call) -> Answer {
    let id = ids::application(call.path("apply_id"))?;
    let shown = call.control().show_application(&call.caller, &id, call.now).await?;
    Ok(Reply::json(&application(&shown).ok_or(Refusal::ApplicationUnknown)?))
}

pub async fn decide(call: Call) -> Answer {
    let wanted = call.body::<DecideBody>()?.parse()?;
    let (applications, pass, comment) = (wanted.applications, wanted.pass, wanted.comment);
    let receipt = call.execute(Command::Decide { applications, pass, comment }).await?;
    Ok(Reply::no_content().at(&receipt))
}

pub async fn withdraw_application(call: Call) -> Answer {
    let id = ids::application(call.path("apply_id"))?;
    let receipt = call.execute(Command::WithdrawApplication(id)).await?;
    Ok(Reply::no_content().at(&receipt))
}

pub async fn list_notices(call: Call) -> Answer {
    let name = text(&call, "api_name");
    let asked = window(&call, List::Notices)?;
    let list = |part| call.control().list_notices(&call.caller, name.clone(), part, call.now);
    let mut page = list(paging(asked)).await?;
    if let Some(first) = asked.again(List::Notices, page.total) {
        page = list(paging(first)).await?;
    }
    let records = page.items.iter().filter_map(notice).collect();
    Ok(Reply::json(&Records::new(page.total, records)))
}

pub async fn show_notice(call: Call) -> Answer {
    let id = ids::notice(call.path("message_id"))?;
    let shown = call.control().show_notice(&call.caller, &id, call.now).await?;
    Ok(Reply::json(&notice(&shown).ok_or(Refusal::NoticeUnknown)?))
}

pub async fn confirm(call: Call) -> Answer {
    let wanted = call.body::<ConfirmBody>()?.parse()?;
    let (notice, choice) = (wanted.notice, wanted.choice);
    let receipt = call.execute(Command::ConfirmNotice { notice, choice }).await?;
    Ok(Reply::no_content().at(&receipt))
}

pub async fn withdraw_notice(call: Call) -> Answer {
    let id = ids::notice(call.path("message_id"))?;
    let receipt = call.execute(Command::WithdrawNotice(id)).await?;
    Ok(Reply::no_content().at(&receipt))
}

fn application(shown: &ApplicationShown) -> Option<ApplyRecord> {
    let names = Names {
        api: &shown.api_name,
        app: shown.application.app.is_some().then_some(shown.app_name.as_str()),
        applicant: &shown.applicant,
        approver: Some(&shown.reviewer),
    };
    ApplyRecord::of_application(&shown.application, &names)
}

/// A notice has no applicant: its sender stands in the reviewer's place, the app's owner in his.
fn notice(shown: &NoticeShown) -> Option<ApplyRecord> {
    let names = Names {
        api: &shown.api_name,
        app: Some(&shown.app_name),
        applicant: &shown.owner,
        approver: Some(&shown.sender),
    };
    ApplyRecord::of_notice(&shown.notice, &names)
}
