//! Apps' ends, log-ins, and the world file.

use tidegate_control::{Command, GrantAction, Login, LoginError, Outcome, Scope};
use tidegate_domain::time::{DAY_MS, HOUR_MS};
use tidegate_domain::{AppKind, Denied, Refusal};
use tidegate_sign::Secret;
use tidegate_testkit::{World, hour, spec};

#[tokio::test]
async fn an_app_with_live_grants_is_deleted_only_by_force() {
    let world = World::new().await;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(10))))).await;
    let delete = |force| Command::DeleteApp { app: world.app.id.clone(), force };
    let refusal = world.try_to("owner", delete(false)).await.err();
    assert_eq!(refusal, Some(Refusal::AppInUse { count: 1 }));
    world.does("admin", delete(true)).await;
    assert!(matches!(world.admits().await, Err(Denied::Cancelled { .. } | Denied::NoGrant)));
    let refusal = world.try_to("owner", delete(true)).await.err();
    assert!(matches!(refusal, Some(Refusal::AppUnknown { .. })));
}

#[tokio::test]
async fn a_secret_is_reset_at_most_once_a_minute() {
    let mut world = World::new().await;
    let reset = Command::ResetSecret(world.app.id.clone());
    world.does("admin", reset.clone()).await;
    let refusal = world.try_to("admin", reset.clone()).await.err();
    assert_eq!(refusal, Some(Refusal::ResetTooSoon));
    world.go_to(world.now().plus_ms(60_000));
    world.does("admin", reset).await;
}

#[tokio::test]
async fn names_are_taken_once_in_a_workspace() {
    let world = World::new().await;
    let create = Command::CreateApp {
        name: "web-shop".to_owned(),
        description: String::new(),
        kind: tidegate_domain::AppKind::App,
    };
    assert_eq!(world.try_to("developer", create.clone()).await.err(), Some(Refusal::NameTaken));
    world.does("stranger", create).await;
}

#[tokio::test]
async fn an_iam_app_bears_the_accounts_name_and_there_is_one() {
    let world = World::new().await;
    let create = |name: &str| Command::CreateApp {
        name: name.to_owned(),
        description: String::new(),
        kind: AppKind::Iam,
    };
    let refusal = world.try_to("developer", create("other")).await.err();
    assert!(matches!(refusal, Some(Refusal::Malformed { .. })));
    let made = world.does("developer", create("acme")).await.outcome;
    let Outcome::App(made) = made else { panic!("an app") };
    assert!(made.secret.is_none());
    let app = made.app;
    assert_eq!(app.kind, AppKind::Iam);
    assert_eq!(world.try_to("stranger", create("acme")).await.err(), Some(Refusal::IamAppFixed));
    let rename = Command::UpdateApp { app: app.id, name: Some("x".into()), description: None };
    assert_eq!(world.try_to("developer", rename).await.err(), Some(Refusal::IamAppFixed));
}

#[tokio::test]
async fn the_world_applies_once_and_then_changes_nothing() {
    let world = World::new().await;
    let before = world.control.changes(tidegate_store::Revision(0)).await.unwrap().changes.head;
    assert_eq!(world.control.apply(&spec(), false, world.now()).await.unwrap(), []);
    let mut more = spec();
    more.projects[0].users[0].password = Some(Secret::new("open sesame"));
    let told = world.control.apply(&more, true, world.now()).await.unwrap();
    assert_eq!(told.len(), 1, "a dry run tells");
    let after = world.control.changes(tidegate_store::Revision(0)).await.unwrap().changes.head;
    assert_eq!(before, after, "and changes nothing");
    assert_eq!(world.control.apply(&more, false, world.now()).await.unwrap(), told);
    assert_eq!(world.control.apply(&more, false, world.now()).await.unwrap(), []);
}

#[tokio::test]
async fn a_password_or_a_key_buys_a_token_for_a_day() {
    let world = World::new().await;
    let mut more = spec();
    more.projects[0].users[0].password = Some(Secret::new("open sesame"));
    world.control.apply(&more, false, world.now()).await.unwrap();
    let password = |text: &str| Login::Password {
        domain: "acme".to_owned(),
        name: "reviewer".to_owned(),
        password: Secret::new(text),
    };
    let now = world.now();
    let scope = Scope::Name("local-1".to_owned());
    let wrong = world.control.login(password("sesame"), &scope, now).await;
    assert!(matches!(wrong, Err(LoginError::Wrong)));
    let nobody = Login::Password {
        domain: "acme".to_owned(),
        name: "nobody".to_owned(),
        password: Secret::new(""),
    };
    assert!(matches!(world.control.login(nobody, &scope, now).await, Err(LoginError::Wrong)));
    let elsewhere = Scope::Name("mars-1".to_owned());
    let lost = world.control.login(password("open sesame"), &elsewhere, now).await;
    assert!(matches!(lost, Err(LoginError::ScopeUnknown)));

    let issued = world.control.login(password("open sesame"), &scope, now).await.unwrap();
    let text = issued.text.expose();
    let known = world.control.token(text, now.plus_ms(DAY_MS - 1)).await.unwrap();
    assert_eq!(known.unwrap().0.name, "reviewer");
    assert!(world.control.token(text, now.plus_ms(DAY_MS)).await.unwrap().is_none());
    assert!(world.control.token("guess", now).await.unwrap().is_none());

    let again = Login::Token(Secret::new(text));
    assert!(world.control.login(again, &Scope::Own, now.plus_ms(HOUR_MS)).await.is_ok());
    let (access, secret) = ("ak-owner".to_owned(), Secret::new("sk-owner"));
    let by_key = Login::AccessKey { access, secret };
    assert!(world.control.login(by_key, &Scope::Own, now).await.is_ok());
    let (access, secret) = ("ak-owner".to_owned(), Secret::new("sk-other"));
    let by_key = Login::AccessKey { access, secret };
    assert!(matches!(world.control.login(by_key, &Scope::Own, now).await, Err(LoginError::Wrong)));
}
