//! What belongs to somebody: who may touch it, and what the journal says of a change.

use std::sync::Arc;

use tidegate_control::{ApiAction, ApiDraft, Command, Error, GrantAction, Outcome, Settings};
use tidegate_domain::{App, AppKind, AuthType, Refusal, Rules};
use tidegate_store::{JournalEntry, MemStore, Revision, Store};
use tidegate_testkit::{World, draft, hour, instance};

async fn world() -> (World, Arc<MemStore>) {
    let store = Arc::new(MemStore::new());
    (World::over(store.clone(), Settings::default()).await, store)
}

async fn journal(store: &MemStore, what: &str) -> Vec<JournalEntry> {
    let all = store.view().await.unwrap().journal(Revision(0), 10_000).await.unwrap();
    all.into_iter().filter(|entry| entry.what == what).collect()
}

/// The project's IAM app, made by `owner`, with a grant of an API of its workspace.
async fn iam_app(world: &mut World) -> App {
    let wanted = ApiDraft { auth: AuthType::Iam, ..draft("staff", "/staff") };
    world.api = world.new_api(wanted).await;
    let publish = Command::Publish { api: world.api.clone(), instance: instance() };
    world.does("reviewer", publish).await;
    let (name, description) = ("acme".to_owned(), String::new());
    let make = Command::CreateApp { name, description, kind: AppKind::Iam };
    let Outcome::App(shown) = world.does("owner", make).await.outcome else { panic!("an app") };
    let app = shown.app;
    world.app = app.clone();
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(1000))))).await;
    app
}

#[tokio::test]
async fn an_iam_app_is_deleted_and_looked_into_from_its_own_workspace_only() {
    let (mut world, _store) = world().await;
    let app = iam_app(&mut world).await;
    let delete = || Command::DeleteApp { app: app.id.clone(), force: true };
    let stranger = world.caller("stranger").await;
    assert!(world.control.show_app(&stranger, &app.id).await.is_ok(), "every workspace sees it");
    let held = world.control.list_bound_apis(&stranger, &app.id, World::ALL, world.now()).await;
    assert!(matches!(held, Err(Error::Refused(Refusal::NotAppOwner))), "{held:?}");
    assert_eq!(world.try_to("stranger", delete()).await.err(), Some(Refusal::NotAppOwner));
    assert_eq!(world.try_to("developer", delete()).await.err(), Some(Refusal::NotAppOwner));
    assert!(world.admits().await.is_ok(), "what it was granted goes on");
    let viewer = world.caller("viewer").await;
    let held = world.control.list_bound_apis(&viewer, &app.id, World::ALL, world.now()).await;
    assert_eq!(held.unwrap().total, 1);
    world.does("owner", delete()).await;
}

#[tokio::test]
async fn an_app_is_deleted_by_its_owner_or_an_admin() {
    let (world, _store) = world().await;
    for who in ["developer", "reviewer"] {
        let delete = Command::DeleteApp { app: world.app.id.clone(), force: true };
        assert_eq!(world.try_to(who, delete).await.err(), Some(Refusal::NotAppOwner), "{who}");
    }
    world.does("admin", Command::DeleteApp { app: world.app.id.clone(), force: false }).await;
}

/// A definition with a backend at this host, as the wire would write it.
fn at(host: &str, manager: &str) -> ApiDraft {
    let definition =
        format!(r#"{{"backend_config":{{"host":"{host}","path":"/"}},"secret":"s3"}}"#);
    let manager = manager.to_owned();
    ApiDraft { definition, manager, ..draft("orders", "/orders/{id}") }
}

#[tokio::test]
async fn while_grants_are_kept_only_the_reviewer_changes_where_calls_go() {
    let (mut world, store) = world().await;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(1000))))).await;
    world.does("reviewer", world.on_api(ApiAction::Stop(Some(hour(60))))).await;
    world.go_to(hour(61));
    let update = |draft| Command::UpdateApi { api: world.api.clone(), draft };
    let further = Rules { more_backends: vec!["evil.example:80".to_owned()], ..Rules::default() };
    for (who, command) in [
        ("developer", update(at("evil.example", "reviewer"))),
        ("other-reviewer", update(at("good.example", "other-reviewer"))),
        ("admin", update(at("evil.example", "reviewer"))),
        ("developer", Command::SetRules { api: world.api.clone(), rules: further }),
    ] {
        assert_eq!(world.try_to(who, command).await.err(), Some(Refusal::NotReviewer), "{who}");
    }
    world.does("reviewer", update(at("old.example", "reviewer"))).await;
    world.does("reviewer", update(at("new.example", "other-reviewer"))).await;
    let changes = journal(&store, "api.updated").await;
    let last: serde_json::Value = serde_json::from_str(&changes.last().unwrap().details).unwrap();
    let backend = &last["changed"]["backend"];
    assert_eq!(
        (&backend["old"]["host"], &backend["new"]["host"]),
        (&"old.example".into(), &"new.example".into())
    );
    let (old, new) = (world.user("reviewer").await, world.user("other-reviewer").await);
    assert_eq!(last["changed"]["manager"]["old"], old.as_str());
    assert_eq!(last["changed"]["manager"]["new"], new.as_str());
    assert!(!last.to_string().contains("s3"), "constants of a definition may be secrets");
    assert_eq!(journal(&store, "api.transferred").await.len(), 1);
    // Whoever was reviewer before is like everybody else now.
    let back = update(at("old.example", "reviewer"));
    assert_eq!(world.try_to("reviewer", back).await.err(), Some(Refusal::NotReviewer));
}

#[tokio::test]
async fn a_stopped_api_that_nobody_holds_is_changed_by_any_developer() {
    let (world, _store) = world().await;
    world.does("reviewer", world.on_api(ApiAction::Stop(None))).await;
    let draft = at("new.example", "reviewer");
    world.does("developer", Command::UpdateApi { api: world.api.clone(), draft }).await;
}

#[tokio::test]
async fn an_api_is_handed_over_by_its_reviewer_or_an_admin_and_both_hear_of_it() {
    let (world, store) = world().await;
    let give = |to: &str| Command::TransferApi { api: world.api.clone(), to: to.to_owned() };
    for who in ["developer", "other-reviewer", "owner"] {
        let refusal = world.try_to(who, give("other-reviewer")).await.err();
        assert_eq!(refusal, Some(Refusal::NotReviewer), "{who}");
    }
    let unlisted = Refusal::ReviewerUnknown { name: "developer".to_owned() };
    assert_eq!(world.try_to("reviewer", give("developer")).await.err(), Some(unlisted));
    world.does("admin", give("other-reviewer")).await;
    world.does("other-reviewer", give("reviewer")).await;
    world.does("reviewer", give("reviewer")).await;
    assert_eq!(
        journal(&store, "api.transferred").await.len(),
        2,
        "what changes nothing is no line"
    );
    let outbox = store.view().await.unwrap().outbox(1_000).await.unwrap();
    let told: Vec<_> = outbox.iter().filter(|m| m.what == "api.transferred").collect();
    assert_eq!(told.len(), 3, "the admin's to both, the reviewer's to the next one");
}

#[tokio::test]
async fn the_journal_and_messages_say_names_that_never_change() {
    let (mut world, store) = world().await;
    world.does("owner", world.on_grant(GrantAction::Apply(Some(hour(10))))).await;
    world.go_to(hour(11));
    world.control.settle(&tidegate_control::OnDuty::ALONE, world.now()).await.unwrap();
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(1000))))).await;
    world.does("reviewer", world.on_grant(GrantAction::Cancel(Some(hour(100))))).await;
    world.does("owner", world.on_grant(GrantAction::GiveBack)).await;
    let outcome = |entries: &[JournalEntry]| {
        let details: serde_json::Value = serde_json::from_str(&entries[0].details).unwrap();
        details["outcome"].as_str().unwrap().to_owned()
    };
    assert_eq!(outcome(&journal(&store, "application.closed").await), "void.end_passed");
    assert_eq!(outcome(&journal(&store, "notice.closed").await), "released");
}
