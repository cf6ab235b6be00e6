use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_api::world::WorldFile;
use tidegate_control::{Caller, Command, Control, GateChanges, Outcome, Settings, Vault};
use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_domain::{
    ApiId, AppId, AppKind, AuthType, DomainId, InstanceId, ProjectId, Timestamp,
};
use tidegate_gateway::{Gate, GateConfig, Poll, Source};
use tidegate_store::{Changes, MemStore, UnreadableApi, UnreadableApp};

use super::{Accounts, ControlSource, LocalSource, batch};
use crate::clock::Clock;

const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);

async fn apply(control: &Control, domain: &str) {
    let file: WorldFile = serde_json::from_value(serde_json::json!({ "projects": [{
        "id": "p", "name": "r", "domain": { "id": domain, "name": domain },
        "users": [{ "name": "olaf", "access_key": "AK", "secret_key": "SK" }],
        "workspaces": [{ "id": "w", "name": "w",
            "members": [{ "user": "olaf", "role": "developer" }] }]
    }]}))
    .unwrap();
    let world = file.into_world().unwrap();
    control.apply(&world, false, NOW).await.unwrap();
}

async fn execute(control: &Control, command: Command) -> Outcome {
    let (identity, _) = control.access_key("AK").await.unwrap().unwrap();
    let (user, project) = (identity.user, identity.project.id);
    let caller = Caller { user, project, workspace: None, edition: None };
    control.execute(&caller, command, NOW).await.unwrap().outcome
}

async fn create_app(control: &Control, name: &str) -> tidegate_domain::App {
    let (name, description) = (name.to_owned(), String::new());
    let command = Command::CreateApp { name, description, kind: AppKind::App };
    match execute(control, command).await {
        Outcome::App(shown) => shown.app,
        Outcome::Done | Outcome::Api(_) => panic!("no app"),
    }
}

#[tokio::test]
async fn a_project_that_moves_to_another_account_takes_its_apps_along() {
    let vault = Vault::new(&[7; Vault::KEY_LEN]).unwrap();
    let control = Control::new(Arc::new(MemStore::new()), vault, Settings::default());
    let now = || Arc::new(|| NOW);
    let gate_clock = tidegate_gateway::Clock { now: now(), wall: now() };
    let gate = Gate::new(GateConfig::default(), gate_clock).unwrap();
    let (control, clock) = (Arc::new(control), Arc::new(Clock::guarded(None)));
    let (control, boot) = (ControlSource(control), "b".to_owned());
    let source =
        LocalSource { control, id: "g".to_owned(), boot, gate, clock, line: Arc::default() };
    apply(&source.control.0, "one").await;
    let (kept, gone) =
        (create_app(&source.control.0, "kept").await, create_app(&source.control.0, "gone").await);
    let first = source.poll(&Poll::default()).await.unwrap().batch;
    let known = source.control.0.gateways(NOW).await.unwrap().gateways;
    assert_eq!(
        (known.len(), known[0].gateway.revision),
        (1, None),
        "registered before it is answered"
    );
    assert_eq!(first.apps.len(), 2);
    assert!(first.apps.iter().all(|app| app.domain.as_str() == "one" && app.secret.is_some()));
    assert!(source.changes(first.head).await.unwrap().apps.is_empty());

    execute(&source.control.0, Command::DeleteApp { app: gone.id.clone(), force: false }).await;
    apply(&source.control.0, "two").await;
    let next = source.changes(first.head).await.unwrap();
    let [app] = next.apps.as_slice() else { panic!("{} apps", next.apps.len()) };
    assert_eq!((&app.id, app.domain.as_str()), (&kept.id, "two"));
    assert_eq!(next.apps_deleted, [gone.id]);
    assert!(next.head > first.head);
    assert!(source.changes(next.head).await.unwrap().apps.is_empty());
}

/// B11: what cannot be read reaches gateways as an app without a secret, and as an API without a backend.
#[test]
fn what_cannot_be_read_is_sent_by_what_names_it() {
    let project = ProjectId::parse("p").unwrap();
    let (api, instance) = (ApiId::parse("x1").unwrap(), InstanceId::parse("i1").unwrap());
    let app = |project: &ProjectId| UnreadableApp {
        id: AppId::parse("a1").unwrap(),
        project: project.clone(),
        key: "AK".to_owned(),
    };
    let lost = ProjectId::parse("lost").unwrap();
    let changes = Changes {
        apps_unreadable: vec![app(&project), app(&lost)],
        apis_unreadable: vec![UnreadableApi {
            id: api.clone(),
            project: project.clone(),
            auth: AuthType::Iam,
            method: Method::Post,
            path: "/orders".to_owned(),
            instances: vec![instance.clone()],
        }],
        ..Changes::default()
    };
    let accounts = Accounts::from([(project, DomainId::parse("acme").unwrap())]);
    let sent = batch(GateChanges { changes, secrets: BTreeMap::new() }, &accounts);
    let [app] = sent.apps.as_slice() else { panic!("the app of a known project") };
    assert!(app.key == "AK" && app.secret.is_none());
    let [sent_api] = sent.apis.as_slice() else { panic!("one API") };
    assert!(sent_api.is_unreadable() && sent_api.path == "/orders");
    let [publication] = sent.publications.as_slice() else { panic!("where it may be published") };
    assert_eq!((&publication.api, &publication.instance), (&api, &instance));
    assert_eq!(publication.status, Status::Published);
}
