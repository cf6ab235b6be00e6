//! Answers: a reviewer's to applications, an applicant's to his own, the app's side's to notices.

use std::collections::BTreeSet;

use tidegate_domain::publication::Command as PublicationCommand;
use tidegate_domain::standing::{Choice, Command as StandingCommand};
use tidegate_domain::{
    Api, Application, ApplicationId, Notice, NoticeId, NoticeKind, Refusal, Task,
};
use tidegate_store::AppRecord;

use crate::access::Seat;
use crate::caller::Caller;
use crate::command::Outcome;
use crate::error::Result;
use crate::turn::Turn;
use crate::{grants, publications};

/// Decides applications, all alike. The first that cannot be decided refuses the whole.
pub(crate) async fn decide(
    turn: &mut Turn<'_>,
    caller: &Caller,
    applications: Vec<ApplicationId>,
    pass: bool,
    comment: Option<String>,
) -> Result<Outcome> {
    let seat = turn.seat(caller).await?;
    // In the order of ids, so that no two batches can wait for each other.
    let mut cases = Vec::new();
    for id in applications.into_iter().collect::<BTreeSet<_>>() {
        cases.push(case_for_reviewer(turn, &seat, &id).await?);
    }
    seat.must(Task::Review)?;
    for case in cases {
        answer(turn, &seat, &case, &Answer::Verdict { pass, comment: comment.clone() }).await?;
    }
    Ok(Outcome::Done)
}

/// Takes an application back.
pub(crate) async fn withdraw(
    turn: &mut Turn<'_>,
    caller: &Caller,
    id: &ApplicationId,
) -> Result<Outcome> {
    let seat = turn.seat(caller).await?;
    let case = case_for_either_side(turn, &seat, id).await?;
    seat.must(Task::Operate)?;
    answer(turn, &seat, &case, &Answer::Withdrawal).await?;
    Ok(Outcome::Done)
}

/// An application with what it is about.
struct Case {
    application: Application,
    api: Api,
    record: Option<AppRecord>,
}

enum Answer {
    Verdict { pass: bool, comment: Option<String> },
    Withdrawal,
}

async fn load(turn: &mut Turn<'_>, id: &ApplicationId) -> Result<Case> {
    let application = turn.application(id).await?.ok_or(Refusal::ApplicationUnknown)?;
    let api = turn.api(&application.api).await?.ok_or(Refusal::ApplicationUnknown)?;
    let record = match &application.app {
        Some(app) => Some(turn.app(app).await?.ok_or(Refusal::ApplicationUnknown)?),
        None => None,
    };
    Ok(Case { application, api, record })
}

async fn case_for_reviewer(turn: &mut Turn<'_>, seat: &Seat, id: &ApplicationId) -> Result<Case> {
    let case = load(turn, id).await?;
    if case.api.workspace == seat.workspace {
        Ok(case)
    } else {
        Err(Refusal::ApplicationUnknown.into())
    }
}

async fn case_for_either_side(
    turn: &mut Turn<'_>,
    seat: &Seat,
    id: &ApplicationId,
) -> Result<Case> {
    let case = load(turn, id).await?;
    let of_app = case.record.as_ref().is_some_and(|record| seat.sees_app(record));
    if of_app || case.api.workspace == seat.workspace {
        Ok(case)
    } else {
        Err(Refusal::ApplicationUnknown.into())
    }
}

async fn answer(turn: &mut Turn<'_>, seat: &Seat, case: &Case, answer: &Answer) -> Result<()> {
    let Case { application, api, record } = case;
    let application = application.clone();
    match (record, answer) {
        (Some(record), Answer::Verdict { pass, comment }) => {
            let (pass, comment) = (*pass, comment.clone());
            let instance = application.instance.clone();
            let command = StandingCommand::Decide { application, pass, comment };
            grants::carry_out(turn, seat, api, record, &instance, &command).await
        }
        (Some(record), Answer::Withdrawal) => {
            let instance = application.instance.clone();
            let command = StandingCommand::Withdraw { application };
            grants::carry_out(turn, seat, api, record, &instance, &command).await
        }
        (None, Answer::Verdict { pass, comment }) => {
            let (pass, comment) = (*pass, comment.clone());
            let instance = application.instance.clone();
            let command = PublicationCommand::Decide { application, pass, comment };
            publications::carry_out(turn, seat, api, &instance, &command).await
        }
        (None, Answer::Withdrawal) => {
            let instance = application.instance.clone();
            let command = PublicationCommand::Withdraw { application };
            publications::carry_out(turn, seat, api, &instance, &command).await
        }
    }
}

/// Answers a notice for the app's side.
pub(crate) async fn confirm(
    turn: &mut Turn<'_>,
    caller: &Caller,
    id: &NoticeId,
    choice: Choice,
) -> Result<Outcome> {
    let seat = turn.seat(caller).await?;
    let (notice, api, record) = notice_for_either_side(turn, &seat, id).await?;
    seat.must(Task::Operate)?;
    let instance = notice.key.instance.clone();
    let command = StandingCommand::Confirm { notice, choice };
    grants::carry_out(turn, &seat, &api, &record, &instance, &command).await?;
    Ok(Outcome::Done)
}

/// Takes a notice back. A stop or unpublish was announced to all apps and is called off for all.
pub(crate) async fn withdraw_notice(
    turn: &mut Turn<'_>,
    caller: &Caller,
    id: &NoticeId,
) -> Result<Outcome> {
    let seat = turn.seat(caller).await?;
    let (notice, api, record) = notice_for_either_side(turn, &seat, id).await?;
    seat.must(Task::Operate)?;
    let instance = notice.key.instance.clone();
    match notice.kind {
        NoticeKind::Cancel => {
            let command = StandingCommand::WithdrawNotice { notice };
            grants::carry_out(turn, &seat, &api, &record, &instance, &command).await?;
        }
        NoticeKind::Stop | NoticeKind::Unpublish => {
            let command = PublicationCommand::WithdrawShutdown;
            publications::carry_out(turn, &seat, &api, &instance, &command).await?;
        }
    }
    Ok(Outcome::Done)
}

async fn notice_for_either_side(
    turn: &mut Turn<'_>,
    seat: &Seat,
    id: &NoticeId,
) -> Result<(Notice, Api, AppRecord)> {
    let notice = turn.notice(id).await?.ok_or(Refusal::NoticeUnknown)?;
    let api = turn.api(&notice.key.api).await?.ok_or(Refusal::NoticeUnknown)?;
    let record = turn.app(&notice.key.app).await?.ok_or(Refusal::NoticeUnknown)?;
    if seat.sees_app(&record) || api.workspace == seat.workspace {
        Ok((notice, api, record))
    } else {
        Err(Refusal::NoticeUnknown.into())
    }
}
