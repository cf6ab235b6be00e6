//! Many apps at once: all or none.

use tidegate_control::{Command, GrantAction};
use tidegate_domain::{AppId, Denied, InstanceId, Refusal};
use tidegate_testkit::{World, hour, instance};

async fn apps(world: &World, count: usize) -> Vec<AppId> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(world.new_app("owner", &format!("app-{n}")).await.id);
    }
    ids
}

fn batch(world: &World, apps: Vec<AppId>, until: i64) -> Command {
    let (api, instance) = (world.api.clone(), instance());
    Command::AuthorizeMany { api, instance, apps, until: Some(hour(until)) }
}

#[tokio::test]
async fn a_batch_grants_to_all_and_repeats_count_once() {
    let world = World::new().await;
    let mut ids = apps(&world, 3).await;
    ids.push(ids[0].clone());
    world.does("reviewer", batch(&world, ids.clone(), 10)).await;
    for id in &ids {
        assert_eq!(world.admits_app(id).await, Ok(hour(10)));
    }
    world.does("reviewer", batch(&world, ids.clone(), 20)).await;
    for id in &ids {
        assert_eq!(world.admits_app(id).await, Ok(hour(20)));
    }
}

#[tokio::test]
async fn one_app_that_would_lose_refuses_the_whole_and_is_named() {
    let world = World::new().await;
    let ids = apps(&world, 3).await;
    world.does("reviewer", batch(&world, vec![ids[1].clone()], 20)).await;
    let refusal = world.try_to("reviewer", batch(&world, ids.clone(), 10)).await.err();
    let named = Refusal::EndShrinks { app: ids[1].clone(), until: hour(20) };
    assert_eq!(refusal, Some(named));
    assert_eq!(world.admits_app(&ids[0]).await, Err(Denied::NoGrant));
    assert_eq!(world.admits_app(&ids[2]).await, Err(Denied::NoGrant));
}

#[tokio::test]
async fn unknown_and_foreign_apps_get_one_answer() {
    let world = World::new().await;
    let mut ids = apps(&world, 1).await;
    let foreign = world.new_app("stranger", "foreign").await.id;
    let unknown = AppId::parse("ffffffffffffffffffffffffffffffff").unwrap();
    for bad in [foreign, unknown] {
        ids.truncate(1);
        ids.push(bad.clone());
        let refusal = world.try_to("reviewer", batch(&world, ids.clone(), 10)).await.err();
        assert_eq!(refusal, Some(Refusal::AppUnknown { app: bad.to_string() }));
        assert_eq!(world.admits_app(&ids[0]).await, Err(Denied::NoGrant));
    }
}

#[tokio::test]
async fn a_batch_has_limits() {
    let world = World::new().await;
    let many = |n: usize| (0..n).map(|i| AppId::parse(&format!("a{i}")).unwrap()).collect();
    let refusal = world.try_to("reviewer", batch(&world, many(0), 10)).await.err();
    assert_eq!(refusal, Some(Refusal::FieldMissing { field: "app_ids" }));
    let refusal = world.try_to("reviewer", batch(&world, many(1_001), 10)).await.err();
    assert_eq!(refusal, Some(Refusal::TooMany { what: "apps", max: 1_000 }));
    let refusal = world.try_to("reviewer", batch(&world, many(1_000), 10)).await.err();
    assert!(matches!(refusal, Some(Refusal::AppUnknown { .. })));
}

#[tokio::test]
async fn a_thousand_apps_in_one_call() {
    let world = World::new().await;
    let ids = apps(&world, 1_000).await;
    let before = world.does("reviewer", batch(&world, ids.clone(), 10)).await.revision;
    let feed = world.control.changes(tidegate_store::Revision(before.0 - 1)).await.unwrap();
    assert_eq!(feed.changes.standings.len(), 1_000, "one revision holds them all");
}

#[tokio::test]
async fn the_shared_edition_has_no_batch() {
    let world = World::new().await;
    let ids = apps(&world, 1).await;
    let (api, instance) = (world.api.clone(), InstanceId::shared());
    let command = Command::AuthorizeMany { api, instance, apps: ids, until: Some(hour(10)) };
    assert_eq!(world.try_to("reviewer", command).await.err(), Some(Refusal::ExclusiveOnly));
}

#[tokio::test]
async fn form_comes_before_rights_and_rights_before_state() {
    let world = World::new().await;
    let no_time = world.on_grant(GrantAction::Authorize(None));
    let refusal = world.try_to("viewer", no_time).await.err();
    assert_eq!(refusal, Some(Refusal::FieldMissing { field: "time" }));
    let past = world.on_grant(GrantAction::Authorize(Some(hour(-1))));
    let refusal = world.try_to("owner", past.clone()).await.err();
    assert_eq!(refusal, Some(Refusal::NotReviewer));
    let refusal = world.try_to("reviewer", past).await.err();
    assert_eq!(refusal, Some(Refusal::EndPassed { end: hour(-1) }));
}
