//! Stop, unpublish and recover, and what they mean for the apps.

use tidegate_control::{ApiAction, Command, GrantAction, Inbox, OnDuty};
use tidegate_domain::publication::Status;
use tidegate_domain::standing::Choice;
use tidegate_domain::{Denied, NoticeId, Refusal};
use tidegate_testkit::{World, draft, hour, instance};

async fn status(world: &World) -> Status {
    let reviewer = world.caller("reviewer").await;
    let shown = world.control.show_api(&reviewer, &world.api, world.now()).await.unwrap();
    shown.publications[0].publication.status
}

async fn granted() -> World {
    let world = World::new().await;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(1000))))).await;
    world
}

async fn notices(world: &World, who: &str) -> Vec<NoticeId> {
    let caller = world.caller(who).await;
    let page = world.control.list_notices(&caller, None, World::ALL, world.now()).await.unwrap();
    page.items.into_iter().map(|shown| shown.notice.id).collect()
}

#[tokio::test]
async fn an_api_nobody_counts_on_stops_at_once_and_keeps_no_one_waiting() {
    let world = World::new().await;
    world.does("reviewer", world.on_api(ApiAction::Stop(None))).await;
    assert_eq!(status(&world).await, Status::Stopped);
    world.does("reviewer", world.on_api(ApiAction::Recover)).await;
    assert_eq!(status(&world).await, Status::Published);
    let by_developer = world.try_to("developer", world.on_api(ApiAction::Stop(None))).await;
    assert_eq!(by_developer.err(), Some(Refusal::NotReviewer));
}

#[tokio::test]
async fn a_stop_is_announced_and_forced_and_the_grant_survives_it() {
    let mut world = granted().await;
    let no_time = world.try_to("reviewer", world.on_api(ApiAction::Stop(None))).await;
    assert_eq!(no_time.err(), Some(Refusal::FieldMissing { field: "time" }));
    let early = world.try_to("reviewer", world.on_api(ApiAction::Stop(Some(hour(40))))).await;
    assert_eq!(early.err(), Some(Refusal::NoticeTooShort { earliest: hour(49) }));
    world.does("reviewer", world.on_api(ApiAction::Stop(Some(hour(50))))).await;
    assert_eq!(status(&world).await, Status::Stopping { at: hour(50) });
    assert_eq!(world.admits().await, Ok(hour(50)));

    world.go_to(hour(50));
    assert_eq!(world.admits().await, Err(Denied::Stopped), "with or without a scheduler");
    world.control.settle(&OnDuty::ALONE, world.now()).await.unwrap();
    assert_eq!(world.admits().await, Err(Denied::Stopped));
    assert_eq!(status(&world).await, Status::Stopped);
    world.does("reviewer", world.on_api(ApiAction::Recover)).await;
    assert_eq!(world.admits().await, Ok(hour(1000)));
}

#[tokio::test]
async fn a_stop_comes_early_when_every_app_has_dealt_with_it() {
    let world = granted().await;
    let second = world.new_app("owner", "second").await;
    let (api, apps) = (world.api.clone(), vec![second.id.clone()]);
    let until = Some(hour(1000));
    world.does("reviewer", Command::AuthorizeMany { api, instance: instance(), apps, until }).await;
    world.does("reviewer", world.on_api(ApiAction::Stop(Some(hour(50))))).await;
    let ids = notices(&world, "owner").await;
    assert_eq!(ids.len(), 2);

    // The first agrees: it is cut off, the other goes on.
    let first = ids[0].clone();
    world.does("owner", Command::ConfirmNotice { notice: first, choice: Choice::Now }).await;
    let (one, other) = (world.admits().await, world.admits_app(&second.id).await);
    assert!(one.is_ok() != other.is_ok(), "one is cut off, the other not: {one:?} {other:?}");
    assert_eq!(status(&world).await, Status::Stopping { at: hour(50) });

    let last = ids[1].clone();
    world.does("owner", Command::ConfirmNotice { notice: last, choice: Choice::Now }).await;
    assert_eq!(status(&world).await, Status::Stopped);
    world.does("reviewer", world.on_api(ApiAction::Recover)).await;
    assert_eq!(world.admits().await, Ok(hour(1000)));
    assert_eq!(world.admits_app(&second.id).await, Ok(hour(1000)));
}

#[tokio::test]
async fn an_unpublish_takes_the_grants_along() {
    let mut world = granted().await;
    world.does("reviewer", world.on_api(ApiAction::Unpublish(Some(hour(50))))).await;
    world.go_to(hour(50));
    assert_eq!(world.admits().await, Err(Denied::NotPublished));
    world.control.settle(&OnDuty::ALONE, world.now()).await.unwrap();
    assert_eq!(status(&world).await, Status::Offline);
    let publish = Command::Publish { api: world.api.clone(), instance: instance() };
    world.does("reviewer", publish).await;
    assert_eq!(world.admits().await, Err(Denied::NoGrant), "a republished API starts empty");
}

#[tokio::test]
async fn a_grant_given_back_ends_an_announced_unpublish() {
    let world = granted().await;
    world.does("reviewer", world.on_api(ApiAction::Unpublish(Some(hour(50))))).await;
    world.does("owner", world.on_grant(GrantAction::GiveBack)).await;
    assert_eq!(status(&world).await, Status::Offline);
}

#[tokio::test]
async fn an_announced_stop_can_be_called_off_for_all() {
    let mut world = granted().await;
    world.does("reviewer", world.on_api(ApiAction::Stop(Some(hour(50))))).await;
    let id = notices(&world, "reviewer").await.remove(0);
    let later = Choice::At(Some(hour(20)));
    world.does("owner", Command::ConfirmNotice { notice: id.clone(), choice: later }).await;
    world.does("reviewer", Command::WithdrawNotice(id)).await;
    assert_eq!(status(&world).await, Status::Published);
    world.go_to(hour(60));
    assert_eq!(world.admits().await, Ok(hour(1000)));
}

#[tokio::test]
async fn publishing_by_one_who_is_no_reviewer_waits_for_the_apis_reviewer() {
    let world = World::new().await;
    let api = world.new_api(draft("invoices", "/invoices")).await;
    let publish = Command::Publish { api: api.clone(), instance: instance() };
    world.does("developer", publish.clone()).await;
    let again = world.try_to("developer", publish.clone()).await;
    assert!(matches!(again, Err(Refusal::IllegalAction { .. })));
    let reviewer = world.caller("reviewer").await;
    let waiting = world
        .control
        .list_applications(&reviewer, Inbox::Waiting, Some("INVOI".into()), World::ALL, world.now())
        .await
        .unwrap();
    let id = waiting.items[0].application.id.clone();
    assert_eq!(waiting.items[0].applicant, "developer");
    let decide = |pass| Command::Decide { applications: vec![id.clone()], pass, comment: None };
    let by_other = world.try_to("other-reviewer", decide(true)).await;
    assert_eq!(by_other.err(), Some(Refusal::NotReviewer));
    world.does("reviewer", decide(true)).await;
    let shown = world.control.show_api(&reviewer, &api, world.now()).await.unwrap();
    assert_eq!(shown.publications[0].publication.status, Status::Published);
}

#[tokio::test]
async fn two_apis_cannot_answer_the_same_calls_on_one_instance() {
    let world = World::new().await;
    let rival = world.new_api(draft("rival", "/orders/{number}/")).await;
    let publish = Command::Publish { api: rival, instance: instance() };
    let taken = Refusal::RouteTaken {
        by: "the API orders".to_owned(),
        path: "/orders/{id}".to_owned(),
        instance: instance(),
    };
    assert_eq!(world.try_to("reviewer", publish).await.err(), Some(taken));
}

#[tokio::test]
async fn a_published_api_is_neither_changed_nor_deleted() {
    let world = World::new().await;
    let update = Command::UpdateApi { api: world.api.clone(), draft: draft("orders", "/o") };
    let refusal = world.try_to("developer", update.clone()).await.err();
    assert_eq!(refusal, Some(Refusal::EditWhilePublished));
    let delete = Command::DeleteApis(vec![world.api.clone()]);
    let refusal = world.try_to("developer", delete.clone()).await.err();
    assert_eq!(refusal, Some(Refusal::DeleteWhilePublished));

    world.does("reviewer", world.on_api(ApiAction::Stop(None))).await;
    world.does("developer", update).await;
    let refusal = world.try_to("developer", delete.clone()).await.err();
    assert_eq!(refusal, Some(Refusal::DeleteWhilePublished));
    world.does("reviewer", world.on_api(ApiAction::Unpublish(None))).await;
    world.does("developer", delete.clone()).await;
    let refusal = world.try_to("developer", delete).await.err();
    assert_eq!(refusal, Some(Refusal::ApiToDeleteUnknown));
}

#[tokio::test]
async fn the_retention_period_counts_from_publishing() {
    let world = World::new().await;
    let wanted = tidegate_control::ApiDraft { retention_hours: 100, ..draft("kept", "/kept") };
    let api = world.new_api(wanted).await;
    world.does("reviewer", Command::Publish { api: api.clone(), instance: instance() }).await;
    let (app, action) = (world.app.id.clone(), GrantAction::Authorize(Some(hour(1000))));
    let grant = Command::Grant { api: api.clone(), instance: instance(), app, action };
    world.does("reviewer", grant).await;
    let stop = |at| Command::ActOnApi {
        api: api.clone(),
        instance: instance(),
        action: ApiAction::Stop(Some(hour(at))),
    };
    let refusal = world.try_to("reviewer", stop(100)).await.err();
    assert_eq!(refusal, Some(Refusal::NoticeTooShort { earliest: hour(101) }));
    world.does("reviewer", stop(101)).await;
}
