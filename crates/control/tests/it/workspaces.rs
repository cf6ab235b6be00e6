//! What belongs to another workspace does not exist, and roles bound what members may do.

use tidegate_control::{ApiDraft, Caller, Command, GrantAction, Outcome};
use tidegate_domain::{AppKind, Refusal, Task, Visibility, WorkspaceId};
use tidegate_testkit::{World, draft, hour, instance};

#[tokio::test]
async fn a_stranger_finds_nothing() {
    let world = World::new().await;
    let authorize = world.on_grant(GrantAction::Authorize(Some(hour(10))));
    assert_eq!(world.try_to("stranger", authorize).await.err(), Some(Refusal::ApiUnknown));
    let stranger = world.caller("stranger").await;
    let shown = world.control.show_api(&stranger, &world.api, world.now()).await;
    assert!(matches!(shown, Err(tidegate_control::Error::Refused(Refusal::ApiUnknown))));
    let shown = world.control.show_app(&stranger, &world.app.id).await;
    assert!(matches!(shown, Err(tidegate_control::Error::Refused(Refusal::AppUnknown { .. }))));

    // Naming a workspace he is no member of is like naming none that exists.
    let elsewhere = Caller { workspace: WorkspaceId::parse("ws-1").ok(), ..stranger.clone() };
    let nowhere = Caller { workspace: WorkspaceId::parse("none").ok(), ..stranger };
    for caller in [elsewhere, nowhere] {
        let shown = world.control.show_app(&caller, &world.app.id).await;
        assert!(matches!(shown, Err(tidegate_control::Error::Refused(Refusal::WorkspaceUnknown))));
    }
}

#[tokio::test]
async fn an_only_workspace_need_not_be_named() {
    let world = World::new().await;
    let caller = Caller { workspace: None, ..world.caller("owner").await };
    assert!(world.control.show_app(&caller, &world.app.id).await.is_ok());
}

#[tokio::test]
async fn an_app_of_another_workspace_may_apply_for_what_is_visible_there() {
    let world = World::new().await;
    let app = world.new_app("stranger", "from-elsewhere").await;
    let apply = |api: &tidegate_domain::ApiId| Command::Grant {
        api: api.clone(),
        instance: instance(),
        app: app.id.clone(),
        action: GrantAction::Apply(Some(hour(10))),
    };
    assert_eq!(world.try_to("stranger", apply(&world.api)).await.err(), Some(Refusal::ApiUnknown));

    let open = ApiDraft { visibility: Visibility::Project, ..draft("open", "/open") };
    let open = world.new_api(open).await;
    world.does("reviewer", Command::Publish { api: open.clone(), instance: instance() }).await;
    let authorize = Command::Grant {
        api: open.clone(),
        instance: instance(),
        app: app.id.clone(),
        action: GrantAction::Authorize(Some(hour(10))),
    };
    // The reviewer cannot see the app before it asks, and can once it has.
    let refusal = world.try_to("reviewer", authorize.clone()).await.err();
    assert_eq!(refusal, Some(Refusal::AppUnknown { app: app.id.to_string() }));
    world.does("stranger", apply(&open)).await;
    world.does("reviewer", authorize).await;
    let stranger = world.caller("stranger").await;
    let bound =
        world.control.list_bound_apis(&stranger, &app.id, World::ALL, world.now()).await.unwrap();
    assert_eq!((bound.total, bound.items[0].manager.as_str()), (1, "reviewer"));
}

#[tokio::test]
async fn roles_bound_what_members_may_do() {
    let world = World::new().await;
    let create = Command::CreateApp {
        name: "new".to_owned(),
        description: String::new(),
        kind: AppKind::App,
    };
    for (who, task) in [("operator", Task::Edit), ("viewer", Task::Edit)] {
        let refusal = world.try_to(who, create.clone()).await.err();
        assert_eq!(refusal, Some(Refusal::RoleTooLow { task }));
    }
    let apply = world.on_grant(GrantAction::Apply(Some(hour(10))));
    let refusal = world.try_to("viewer", apply.clone()).await.err();
    assert_eq!(refusal, Some(Refusal::RoleTooLow { task: Task::Operate }));
    let refusal = world.try_to("developer", apply).await.err();
    assert_eq!(refusal, Some(Refusal::NotAppOwner));
    let reset = Command::ResetSecret(world.app.id.clone());
    let refusal = world.try_to("owner", reset.clone()).await.err();
    assert_eq!(refusal, Some(Refusal::RoleTooLow { task: Task::ResetSecret }));
    world.does("admin", reset).await;
}

#[tokio::test]
async fn secrets_are_shown_on_creation_and_to_the_owner_only() {
    let world = World::new().await;
    let create = Command::CreateApp {
        name: "secretive".to_owned(),
        description: String::new(),
        kind: AppKind::App,
    };
    let Outcome::App(made) = world.does("owner", create).await.outcome else { panic!("an app") };
    let (app, secret) = (made.app, made.secret.unwrap());
    let shown = |who: &'static str| {
        let (world, id) = (&world, app.id.clone());
        async move {
            let caller = world.caller(who).await;
            world.control.show_app(&caller, &id).await.unwrap().secret
        }
    };
    assert!(shown("owner").await.is_some_and(|shown| shown.expose() == secret.expose()));
    for who in ["admin", "developer", "viewer", "reviewer"] {
        assert!(shown(who).await.is_none(), "{who}");
    }
    let owner = world.caller("owner").await;
    let list = world.control.list_apps(&owner, None, None, World::ALL).await.unwrap();
    assert!(list.items.iter().all(|shown| shown.secret.is_none()));
}
