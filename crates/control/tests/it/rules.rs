//! Throttling policies, and how the gate treats an API's calls.

use std::sync::Arc;

use tidegate_control::{ApiAction, ApiDraft, Command, Error, Settings};
use tidegate_domain::people::Task;
use tidegate_domain::{ApiId, AuthType, Quota, Refusal, Rules, ThrottleName};
use tidegate_store::{MemStore, Revision, Store};
use tidegate_testkit::{World, draft};

/// How many throttling policies a workspace may have, unless the operator says otherwise.
const THROTTLES: u32 = 1_000;

fn name(text: &str) -> ThrottleName {
    ThrottleName::parse(text).unwrap()
}

fn quota(per_api: u32) -> Quota {
    Quota { window_seconds: 60, per_api: Some(per_api), per_user: None, per_app: None }
}

fn policy(throttle: &str, per_api: u32) -> Command {
    Command::SetThrottle { throttle: name(throttle), quota: quota(per_api) }
}

fn rules(api: &ApiId, rules: Rules) -> Command {
    Command::SetRules { api: api.clone(), rules }
}

fn bound(throttle: &str) -> Rules {
    Rules { throttle: Some(name(throttle)), ..Rules::default() }
}

fn unknown(throttle: &str) -> Refusal {
    Refusal::ThrottleUnknown { name: throttle.to_owned() }
}

/// Which of the world's APIs a gate hears of after a revision, each with its policy's API limit.
async fn heard(world: &World, since: Revision) -> Vec<(ApiId, Option<u32>)> {
    let changes = world.control.changes(since).await.unwrap().changes;
    let limit = |api: &tidegate_domain::Api| {
        let policy =
            changes.throttles.iter().find(|t| Some(&t.name) == api.rules.throttle.as_ref());
        policy.and_then(|policy| policy.quota.per_api)
    };
    changes.apis.iter().map(|api| (api.id.clone(), limit(api))).collect()
}

#[tokio::test]
async fn a_published_api_is_bound_and_its_gates_hear_of_every_change_of_the_policy() {
    let world = World::new().await;
    let api = world.api.clone();
    world.does("developer", policy("slow", 10)).await;
    let made = world.does("operator", rules(&api, bound("slow"))).await.revision;
    assert_eq!(heard(&world, Revision(made.0 - 1)).await, [(api.clone(), Some(10))]);
    assert!(heard(&world, made).await.is_empty());
    world.does("developer", policy("slow", 5)).await;
    world.does("developer", policy("other", 1)).await;
    assert_eq!(heard(&world, made).await, [(api.clone(), Some(5))]);
    let last = world.does("operator", rules(&api, Rules::default())).await.revision;
    assert_eq!(heard(&world, Revision(last.0 - 1)).await, [(api, None)]);
}

#[tokio::test]
async fn a_policy_in_use_stays_and_one_that_is_not_goes() {
    let world = World::new().await;
    world.does("developer", policy("slow", 10)).await;
    world.does("developer", rules(&world.api, bound("slow"))).await;
    let delete = || Command::DeleteThrottle(name("slow"));
    let in_use = Refusal::ThrottleInUse { count: 1, api: "orders".to_owned() };
    assert_eq!(world.try_to("admin", delete()).await.err(), Some(in_use));
    world.does("developer", rules(&world.api, Rules::default())).await;
    world.does("developer", delete()).await;
    assert_eq!(world.try_to("developer", delete()).await.err(), Some(unknown("slow")));
    let bind = rules(&world.api, bound("slow"));
    assert_eq!(world.try_to("developer", bind).await.err(), Some(unknown("slow")));
}

#[tokio::test]
async fn a_policy_belongs_to_its_workspace() {
    let world = World::new().await;
    world.does("stranger", policy("slow", 1)).await;
    let bind = rules(&world.api, bound("slow"));
    assert_eq!(world.try_to("developer", bind.clone()).await.err(), Some(unknown("slow")));
    world.does("developer", policy("slow", 10)).await;
    let made = world.does("developer", bind).await.revision;
    world.does("stranger", policy("slow", 2)).await;
    assert!(heard(&world, made).await.is_empty(), "another workspace's policy limits nothing here");
    assert_eq!(heard(&world, Revision(0)).await, [(world.api.clone(), Some(10))]);
    let (here, there) = (world.caller("viewer").await, world.caller("stranger").await);
    let shown = world.control.show_throttle(&here, &name("slow")).await.unwrap();
    assert_eq!((shown.throttle.quota, shown.apis.len()), (quota(10), 1));
    let shown = world.control.list_throttles(&there, World::ALL).await.unwrap();
    assert_eq!((shown.total, shown.items[0].throttle.quota), (1, quota(2)));
    assert!(shown.items[0].apis.is_empty());
}

#[tokio::test]
async fn who_may_set_what() {
    let world = World::new().await;
    world.does("developer", policy("slow", 10)).await;
    let low = |task| Some(Refusal::RoleTooLow { task });
    let patient = || Rules { retries: 1, ..bound("slow") };
    let further = || Rules { more_backends: vec!["b:1".to_owned()], ..patient() };
    let elsewhere = rules(&world.api, Rules::default());
    assert_eq!(world.try_to("stranger", elsewhere).await.err(), Some(Refusal::ApiUnknown));
    for (who, rule, expected) in [
        ("viewer", bound("slow"), low(Task::Operate)),
        ("operator", patient(), low(Task::Edit)),
        ("operator", bound("slow"), None),
        ("developer", patient(), None),
        // The API answers: where its calls go is its reviewer's to say.
        ("developer", further(), Some(Refusal::NotReviewer)),
        ("admin", further(), Some(Refusal::NotReviewer)),
        ("developer", Rules { nonce: true, ..patient() }, Some(Refusal::NotReviewer)),
        ("reviewer", further(), None),
        ("developer", patient(), Some(Refusal::NotReviewer)),
    ] {
        assert_eq!(world.try_to(who, rules(&world.api, rule)).await.err(), expected, "{who}");
    }
    assert_eq!(world.try_to("operator", policy("slow", 1)).await.err(), low(Task::Edit));
    let delete = Command::DeleteThrottle(name("slow"));
    assert_eq!(world.try_to("operator", delete).await.err(), low(Task::Edit));
    world.does("reviewer", world.on_api(ApiAction::Stop(None))).await;
    world.does("developer", rules(&world.api, Rules::default())).await;
}

#[tokio::test]
async fn a_nonce_needs_a_signature() {
    let world = World::new().await;
    let open = || ApiDraft { auth: AuthType::None, ..draft("open", "/open") };
    let api = world.new_api(open()).await;
    let nonce = || rules(&api, Rules { nonce: true, ..Rules::default() });
    assert_eq!(world.try_to("developer", nonce()).await.err(), Some(Refusal::NonceUnsigned));
    let signed = ApiDraft { auth: AuthType::App, ..open() };
    world.does("developer", Command::UpdateApi { api: api.clone(), draft: signed }).await;
    world.does("developer", nonce()).await;
    let back = Command::UpdateApi { api: api.clone(), draft: open() };
    assert_eq!(world.try_to("developer", back).await.err(), Some(Refusal::NonceUnsigned));
}

#[tokio::test]
async fn a_change_of_the_definition_keeps_the_rules() {
    let world = World::new().await;
    let api = world.new_api(draft("fresh", "/fresh")).await;
    let set = Rules { retries: 2, upgrade: true, ..Rules::default() };
    world.does("developer", rules(&api, set.clone())).await;
    let draft = draft("renamed", "/renamed");
    world.does("developer", Command::UpdateApi { api: api.clone(), draft }).await;
    let viewer = world.caller("viewer").await;
    assert_eq!(world.control.show_rules(&viewer, &api).await.unwrap(), set);
    let stranger = world.caller("stranger").await;
    let hidden = world.control.show_rules(&stranger, &api).await;
    assert!(matches!(hidden, Err(Error::Refused(Refusal::ApiUnknown))));
}

#[tokio::test]
async fn form_comes_first_and_the_shelf_has_an_end() {
    let world = World::new().await;
    let wide = Quota { per_app: Some(11), ..quota(10) };
    let wide = Command::SetThrottle { throttle: name("slow"), quota: wide };
    let told = world.try_to("viewer", wide).await.err();
    assert!(matches!(told, Some(Refusal::Malformed { .. })), "{told:?}");
    let often = rules(&world.api, Rules { retries: 4, ..Rules::default() });
    let told = world.try_to("stranger", often).await.err();
    assert!(matches!(told, Some(Refusal::Malformed { .. })), "{told:?}");
    for n in 0..THROTTLES {
        world.does("developer", policy(&format!("p{n}"), 1)).await;
    }
    let full = Refusal::ThrottlesFull { max: THROTTLES };
    assert_eq!(world.try_to("developer", policy("more", 1)).await.err(), Some(full));
    world.does("developer", policy("p0", 2)).await;
    world.does("stranger", policy("more", 1)).await;
}

#[tokio::test]
async fn the_journal_tells_who_changed_what() {
    let store = Arc::new(MemStore::new());
    let world = World::over(store.clone(), Settings::default()).await;
    let before = store.view().await.unwrap().head().await.unwrap().revision;
    world.does("developer", policy("slow", 10)).await;
    world.does("developer", policy("slow", 10)).await;
    world.does("developer", policy("slow", 9)).await;
    world.does("operator", rules(&world.api, bound("slow"))).await;
    world.does("operator", rules(&world.api, Rules::default())).await;
    world.does("developer", Command::DeleteThrottle(name("slow"))).await;
    let told = store.view().await.unwrap().journal(before, 100).await.unwrap();
    let lines: Vec<_> =
        told.iter().map(|line| (line.what.as_str(), line.subject.as_str())).collect();
    let api = world.api.as_str();
    assert_eq!(
        lines,
        [
            ("throttle.created", "ws-1/slow"),
            ("throttle.updated", "ws-1/slow"),
            ("api.rules-set", api),
            ("api.rules-set", api),
            ("throttle.deleted", "ws-1/slow"),
        ]
    );
}
