//! A grant's life, told as stories.

use tidegate_control::{Command, GrantAction, Inbox, OnDuty};
use tidegate_domain::standing::{Choice, Relationship};
use tidegate_domain::{
    ApplicationId, Denied, NoticeId, NoticeOutcome, Outcome, Refusal, VoidCause,
};
use tidegate_testkit::{World, hour};

async fn waiting(world: &World) -> Vec<ApplicationId> {
    let reviewer = world.caller("reviewer").await;
    let page = world
        .control
        .list_applications(&reviewer, Inbox::Waiting, None, World::ALL, world.now())
        .await
        .unwrap();
    page.items.into_iter().map(|shown| shown.application.id).collect()
}

async fn decide(world: &World, pass: bool) -> Result<(), Refusal> {
    let applications = waiting(world).await;
    let command = Command::Decide { applications, pass, comment: Some("because".to_owned()) };
    world.try_to("reviewer", command).await.map(|_| ())
}

async fn notice(world: &World) -> tidegate_domain::Notice {
    let owner = world.caller("owner").await;
    let page = world.control.list_notices(&owner, None, World::ALL, world.now()).await.unwrap();
    page.items.into_iter().next().unwrap().notice
}

async fn relationship(world: &World) -> Option<Relationship> {
    let reviewer = world.caller("reviewer").await;
    let api = world.api.clone();
    let page =
        world.control.list_granted_apps(&reviewer, &api, World::ALL, world.now()).await.unwrap();
    page.items.first().map(|granted| granted.relationship)
}

#[tokio::test]
async fn an_owner_applies_the_reviewer_agrees_and_access_ends_at_its_end() {
    let mut world = World::new().await;
    assert_eq!(world.admits().await, Err(Denied::NoGrant));

    // He asks until half past ten, which is kept as ten.
    let until = hour(10).plus_ms(1_800_000);
    world.does("owner", world.on_grant(GrantAction::Apply(Some(until)))).await;
    assert_eq!(world.admits().await, Err(Denied::Pending));
    assert_eq!(relationship(&world).await, Some(Relationship::Applied));

    decide(&world, true).await.unwrap();
    assert_eq!(world.admits().await, Ok(hour(10)));
    assert_eq!(relationship(&world).await, Some(Relationship::Linked));

    world.go_to(hour(10).plus_ms(-1));
    assert_eq!(world.admits().await, Ok(hour(10)));
    world.go_to(hour(10));
    assert_eq!(world.admits().await, Err(Denied::Expired { at: hour(10) }));
    assert_eq!(relationship(&world).await, None);
}

#[tokio::test]
async fn a_rejected_application_gives_nothing_and_says_why() {
    let world = World::new().await;
    world.does("owner", world.on_grant(GrantAction::Apply(Some(hour(10))))).await;
    decide(&world, false).await.unwrap();
    assert_eq!(world.admits().await, Err(Denied::NoGrant));
    let owner = world.caller("owner").await;
    let sent = world
        .control
        .list_applications(&owner, Inbox::SentForApps, None, World::ALL, world.now())
        .await
        .unwrap();
    let verdict = sent.items[0].application.verdict.clone().unwrap();
    assert_eq!(verdict.outcome, Outcome::Rejected);
    assert_eq!(verdict.comment.as_deref(), Some("because"));
    assert_eq!(sent.items[0].reviewer, "reviewer");
}

#[tokio::test]
async fn a_renewal_leaves_access_as_it_is_until_it_is_agreed_to() {
    let mut world = World::new().await;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(10))))).await;
    world.does("owner", world.on_grant(GrantAction::Renew(Some(hour(30))))).await;
    assert_eq!(relationship(&world).await, Some(Relationship::Renewing));
    assert_eq!(world.admits().await, Ok(hour(10)));
    world.go_to(hour(9));
    decide(&world, true).await.unwrap();
    assert_eq!(world.admits().await, Ok(hour(30)));
}

#[tokio::test]
async fn a_renewal_nobody_decided_dies_with_its_grant() {
    let mut world = World::new().await;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(10))))).await;
    world.does("owner", world.on_grant(GrantAction::Renew(Some(hour(30))))).await;
    let applications = waiting(&world).await;
    world.go_to(hour(10));
    let command = Command::Decide { applications, pass: true, comment: None };
    let refusal = world.try_to("reviewer", command).await.err().unwrap();
    let Refusal::AlreadyDecided { verdict } = refusal else { panic!("{refusal:?}") };
    assert_eq!(verdict.outcome, Outcome::Void(VoidCause::GrantEnded));
    assert_eq!(world.admits().await, Err(Denied::Expired { at: hour(10) }));
}

#[tokio::test]
async fn a_reviewers_cancellation_leaves_two_days_and_bites_by_itself() {
    let mut world = World::new().await;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(1000))))).await;

    // It is half past; 48 hours end at half past, and the next whole hour is hour 49.
    let early = world.try_to("reviewer", world.on_grant(GrantAction::Cancel(Some(hour(48))))).await;
    assert_eq!(early.err(), Some(Refusal::NoticeTooShort { earliest: hour(49) }));
    world.does("reviewer", world.on_grant(GrantAction::Cancel(Some(hour(49))))).await;
    assert_eq!(relationship(&world).await, Some(Relationship::Ending));
    assert_eq!(world.admits().await, Ok(hour(49)));

    // No extension while the notice runs.
    let extended =
        world.try_to("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(2000))))).await;
    assert!(matches!(extended, Err(Refusal::NoticeRunning { .. })));

    world.go_to(hour(49).plus_ms(-1));
    assert_eq!(world.admits().await, Ok(hour(49)));
    world.go_to(hour(49));
    assert_eq!(world.admits().await, Err(Denied::Cancelled { at: hour(49) }));

    // Recording it changes nothing for the gate, and says how the notice ended.
    let notice = notice(&world).await.id;
    assert_eq!(world.control.settle(&OnDuty::ALONE, world.now()).await.unwrap().count, 1);
    assert_eq!(world.control.settle(&OnDuty::ALONE, world.now()).await.unwrap().count, 0);
    assert_eq!(world.admits().await, Err(Denied::Cancelled { at: hour(49) }));
    let owner = world.caller("owner").await;
    let shown = world.control.show_notice(&owner, &notice, world.now()).await.unwrap().notice;
    assert_eq!(shown.closed.unwrap().outcome, NoticeOutcome::Forced);
}

#[tokio::test]
async fn the_apps_side_may_bring_a_cancellation_forward_but_not_put_it_off() {
    let mut world = World::new().await;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(1000))))).await;
    world.does("reviewer", world.on_grant(GrantAction::Cancel(Some(hour(60))))).await;
    let id = notice(&world).await.id;
    let confirm = |choice| Command::ConfirmNotice { notice: id.clone(), choice };

    let by_reviewer = world.try_to("reviewer", confirm(Choice::Now)).await;
    assert_eq!(by_reviewer.err(), Some(Refusal::NotAddressee), "that would defeat the notice");
    let late = world.try_to("owner", confirm(Choice::At(Some(hour(61))))).await;
    assert_eq!(late.err(), Some(Refusal::ConfirmTooLate { deadline: hour(60) }));
    let past = world.try_to("owner", confirm(Choice::At(Some(hour(0))))).await;
    assert_eq!(past.err(), Some(Refusal::ConfirmPassed));

    world.does("owner", confirm(Choice::At(None))).await;
    assert_eq!(world.admits().await, Ok(hour(60)), "three days, but not after the deadline");
    world.does("admin", confirm(Choice::At(Some(hour(5))))).await;
    assert_eq!(world.admits().await, Ok(hour(5)));
    world.does("owner", confirm(Choice::Now)).await;
    assert!(matches!(world.admits().await, Err(Denied::Cancelled { .. })));
    let again = world.try_to("owner", confirm(Choice::Now)).await;
    assert!(matches!(again, Err(Refusal::NoticeEnded { .. })));
    world.go_to(hour(70));
    assert!(matches!(world.admits().await, Err(Denied::Cancelled { .. })));
}

#[tokio::test]
async fn a_notice_can_be_withdrawn_by_the_reviewer_until_it_bites() {
    let mut world = World::new().await;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(1000))))).await;
    world.does("reviewer", world.on_grant(GrantAction::Cancel(Some(hour(60))))).await;
    let id = notice(&world).await.id;
    let by_owner = world.try_to("owner", Command::WithdrawNotice(id.clone())).await;
    assert_eq!(by_owner.err(), Some(Refusal::NotReviewer));
    world.does("reviewer", Command::WithdrawNotice(id)).await;
    assert_eq!(world.admits().await, Ok(hour(1000)));

    world.does("reviewer", world.on_grant(GrantAction::Cancel(Some(hour(60))))).await;
    let id = notice(&world).await.id;
    world.go_to(hour(60));
    let late = world.try_to("reviewer", Command::WithdrawNotice(id)).await;
    assert!(matches!(late, Err(Refusal::NoticeEnded { .. })));
}

#[tokio::test]
async fn an_owner_gives_back_at_once() {
    let world = World::new().await;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(10))))).await;
    let by_admin = world.try_to("admin", world.on_grant(GrantAction::GiveBack)).await;
    assert_eq!(by_admin.err(), Some(Refusal::NotAppOwner));
    world.does("owner", world.on_grant(GrantAction::GiveBack)).await;
    assert!(matches!(world.admits().await, Err(Denied::Cancelled { .. })));
    let again = world.try_to("owner", world.on_grant(GrantAction::GiveBack)).await;
    assert_eq!(again.err(), Some(Refusal::NoGrant));
}

#[tokio::test]
async fn authorizing_extends_repeats_quietly_and_never_shortens() {
    let world = World::new().await;
    let authorize = |until| world.on_grant(GrantAction::Authorize(Some(until)));
    world.does("reviewer", authorize(hour(10))).await;
    let first = world.does("reviewer", authorize(hour(20))).await.revision;
    assert_eq!(world.admits().await, Ok(hour(20)));
    assert!(world.does("reviewer", authorize(hour(20).plus_ms(5))).await.revision > first);
    assert_eq!(world.admits().await, Ok(hour(20)));
    let shorter = world.try_to("reviewer", authorize(hour(19))).await.err().unwrap();
    assert!(matches!(shorter, Refusal::EndShrinks { .. }));
    let passed = world.try_to("reviewer", authorize(hour(0))).await.err().unwrap();
    assert!(matches!(passed, Refusal::EndShrinks { .. }));
}

#[tokio::test]
async fn authorizing_answers_the_application_that_waits() {
    let world = World::new().await;
    world.does("owner", world.on_grant(GrantAction::Apply(Some(hour(10))))).await;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(20))))).await;
    assert!(waiting(&world).await.is_empty());
    assert_eq!(world.admits().await, Ok(hour(20)));
}

#[tokio::test]
async fn an_applicant_may_withdraw_and_then_nothing_can_be_decided() {
    let world = World::new().await;
    world.does("owner", world.on_grant(GrantAction::Apply(Some(hour(10))))).await;
    let id = waiting(&world).await.remove(0);
    let by_other = world.try_to("admin", Command::WithdrawApplication(id.clone())).await;
    assert_eq!(by_other.err(), Some(Refusal::NotApplicant));
    world.does("owner", Command::WithdrawApplication(id.clone())).await;
    let command = Command::Decide { applications: vec![id], pass: true, comment: None };
    let late = world.try_to("reviewer", command).await;
    assert!(matches!(late, Err(Refusal::AlreadyDecided { .. })));
    assert_eq!(world.admits().await, Err(Denied::NoGrant));
    world.does("owner", world.on_grant(GrantAction::Apply(Some(hour(10))))).await;
}

#[tokio::test]
async fn unknown_ids_are_unknown() {
    let world = World::new().await;
    let nothing = NoticeId::parse("nothing").unwrap();
    let refusal = world.try_to("owner", Command::WithdrawNotice(nothing)).await.err();
    assert_eq!(refusal, Some(Refusal::NoticeUnknown));
    let nothing = ApplicationId::parse("nothing").unwrap();
    let refusal = world.try_to("owner", Command::WithdrawApplication(nothing)).await.err();
    assert_eq!(refusal, Some(Refusal::ApplicationUnknown));
}
