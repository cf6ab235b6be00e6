//! Who keeps access, and how it ends: tokens, credentials, users and members that a world leaves out.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tidegate_control::{
    Change, Control, Error, Fate, GrantAction, Issued, Login, LoginError, Quotas, Scope, Settings,
};
use tidegate_domain::refusal::Counted;
use tidegate_domain::time::HOUR_MS;
use tidegate_domain::{AppKind, Refusal};
use tidegate_sign::Secret;
use tidegate_store::{
    Gateway, MemStore, Revision, Sealed, Setback, Store, TokenHash, Transaction, User, View,
};
use tidegate_testkit::{World, draft, hour, spec};

async fn world() -> (World, Arc<MemStore>) {
    let store = Arc::new(MemStore::new());
    (World::over(store.clone(), Settings::default()).await, store)
}

fn by_key(name: &str) -> Login {
    Login::AccessKey { access: format!("ak-{name}"), secret: Secret::new(format!("sk-{name}")) }
}

async fn token(world: &World, name: &str) -> Issued {
    let issued = world.control.login(by_key(name), &Scope::Own, world.now()).await;
    issued.unwrap_or_else(|error| panic!("{error}"))
}

async fn renewed(world: &World, token: &Issued) -> Option<Issued> {
    let login = Login::Token(Secret::new(token.text.expose()));
    match world.control.login(login, &Scope::Own, world.now()).await {
        Ok(issued) => Some(issued),
        Err(LoginError::Wrong) => None,
        Err(error) => panic!("{error}"),
    }
}

async fn is_good(world: &World, token: &Issued) -> bool {
    world.control.token(token.text.expose(), world.now()).await.unwrap().is_some()
}

async fn apply(world: &World, wanted: &tidegate_control::World) -> Vec<String> {
    let changes = world.control.apply(wanted, false, world.now()).await.unwrap();
    let line = |Change { fate, kind, name }: &Change| format!("{} {kind} {name}", fate.name());
    changes.iter().map(line).collect()
}

async fn revoked(control: &Control, since: Revision) -> Vec<TokenHash> {
    control.changes(since).await.unwrap().changes.tokens_revoked
}

#[tokio::test]
async fn a_token_got_by_a_token_ends_with_the_first() {
    let (mut world, _store) = world().await;
    let first = token(&world, "owner").await;
    world.go_to(world.now().plus_ms(23 * HOUR_MS));
    let second = renewed(&world, &first).await.unwrap();
    let third = renewed(&world, &second).await.unwrap();
    assert_eq!(second.expires_at, first.expires_at);
    assert_eq!(third.expires_at, first.expires_at);
    world.go_to(first.expires_at);
    for ended in [&first, &second, &third] {
        assert!(!is_good(&world, ended).await);
        assert!(renewed(&world, ended).await.is_none());
    }
}

#[tokio::test]
async fn a_revoked_token_takes_along_what_was_got_by_it_and_nothing_else() {
    let (world, _store) = world().await;
    let first = token(&world, "owner").await;
    let other = token(&world, "owner").await;
    let second = renewed(&world, &first).await.unwrap();
    let third = renewed(&world, &second).await.unwrap();
    let revoke = async |who: &str, token: &Issued| {
        let (user, text) = (world.user(who).await, Secret::new(token.text.expose()));
        world.control.revoke(&user, &text, world.now()).await.unwrap()
    };
    assert!(revoke("developer", &second).await.is_none(), "only one's own");
    let revision = revoke("owner", &second).await.unwrap();
    assert!(is_good(&world, &first).await && is_good(&world, &other).await);
    assert!(!is_good(&world, &second).await && !is_good(&world, &third).await);
    assert!(renewed(&world, &third).await.is_none());
    assert_eq!(revoked(&world.control, Revision(revision.0 - 1)).await.len(), 2);
    assert!(revoked(&world.control, revision).await.is_empty());
    assert!(revoke("owner", &second).await.is_none(), "once");
}

#[tokio::test]
async fn tokens_end_with_the_password_or_key_they_were_got_by() {
    let (world, _store) = world().await;
    let mut wanted = spec();
    let at = wanted.projects[0].users.iter().position(|user| user.name == "owner").unwrap();
    for change in 0..3 {
        let before = token(&world, "owner").await;
        let others = token(&world, "developer").await;
        let child = renewed(&world, &before).await.unwrap();
        let user = &mut wanted.projects[0].users[at];
        match change {
            0 => user.password = Some(Secret::new("open sesame")),
            1 => user.password = Some(Secret::new("close sesame")),
            _ => user.secret_key = Some(Secret::new("sk-new")),
        }
        assert_eq!(apply(&world, &wanted).await, ["updated user owner"]);
        assert!(!is_good(&world, &before).await && !is_good(&world, &child).await, "{change}");
        assert!(is_good(&world, &others).await);
    }
    assert_eq!(apply(&world, &wanted).await, [""; 0]);
}

#[tokio::test]
async fn whoever_a_world_leaves_out_keeps_no_access_and_loses_nothing_else() {
    let (world, store) = world().await;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(1000))))).await;
    let owners = token(&world, "owner").await;
    let developers = token(&world, "developer").await;
    let mut wanted = spec();
    wanted.projects[0].users.retain(|user| user.name != "owner");
    for workspace in &mut wanted.projects[0].workspaces {
        workspace.members.retain(|member| !["owner", "developer"].contains(&member.user.as_str()));
    }
    let told = world.control.apply(&wanted, true, world.now()).await.unwrap();
    assert!(is_good(&world, &owners).await, "a dry run changes nothing");
    let before = store.view().await.unwrap().head().await.unwrap().revision;
    let gone =
        ["disabled user owner", "removed member ws-1/developer", "removed member ws-1/owner"];
    let mut done = apply(&world, &wanted).await;
    done.sort();
    assert_eq!(done, gone);
    assert_eq!(told.len(), 3);
    // Tokens, key, password: nothing opens.
    assert!(!is_good(&world, &owners).await && !is_good(&world, &developers).await);
    assert_eq!(revoked(&world.control, before).await.len(), 2, "gateways hear of it");
    assert!(world.control.access_key("ak-owner").await.unwrap().is_none());
    let login = world.control.login(by_key("owner"), &Scope::Own, world.now()).await;
    assert!(matches!(login, Err(LoginError::Wrong)));
    // One who is a member of nothing proves who they are, and may do nothing.
    let caller = world.caller("developer").await;
    let refused = world.control.list_apps(&caller, None, None, World::ALL).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::WorkspaceUnknown))));
    // What they made goes on.
    assert!(world.admits().await.is_ok());
    assert_eq!(apply(&world, &wanted).await, [""; 0], "and once is enough");
    // Named again, they are who they were; their old tokens stay ended.
    let mut back = apply(&world, &spec()).await;
    back.sort();
    let again =
        ["created member ws-1/developer", "created member ws-1/owner", "enabled user owner"];
    assert_eq!(back, again);
    assert!(!is_good(&world, &owners).await);
    let caller = world.caller("owner").await;
    assert!(world.control.show_app(&caller, &world.app.id).await.unwrap().secret.is_some());
}

#[tokio::test]
async fn a_workspace_that_is_left_out_stays_without_members() {
    let (world, _store) = world().await;
    let mut wanted = spec();
    wanted.projects[0].workspaces.retain(|workspace| workspace.id.as_str() != "ws-2");
    assert_eq!(apply(&world, &wanted).await, ["removed member ws-2/stranger"]);
    assert_eq!(
        world.control.apply(&tidegate_control::World::default(), false, world.now()).await.unwrap(),
        []
    );
    assert!(world.control.access_key("ak-stranger").await.unwrap().is_some());
}

#[tokio::test]
async fn a_world_that_changes_nothing_hashes_nothing_anew() {
    let (world, store) = world().await;
    let mut wanted = spec();
    for user in &mut wanted.projects[0].users {
        user.password = Some(Secret::new(format!("{}-is-here", user.name)));
    }
    apply(&world, &wanted).await;
    let hashes = async || {
        let mut view = store.view().await.unwrap();
        let users = view.users(&tidegate_testkit::project()).await.unwrap();
        users.into_iter().map(|user| user.password_hash).collect::<Vec<_>>()
    };
    let (before, head) = (hashes().await, store.view().await.unwrap().head().await.unwrap());
    assert_eq!(apply(&world, &wanted).await, [""; 0]);
    assert_eq!(hashes().await, before, "nothing is hashed anew");
    assert_eq!(store.view().await.unwrap().head().await.unwrap(), head);
}

/// A store that keeps the order of what is asked of it, and where another writer comes first once.
struct Raced {
    inner: MemStore,
    asked: Mutex<Vec<&'static str>>,
    rival: Mutex<Option<User>>,
}

#[async_trait]
impl Store for Raced {
    async fn begin(&self) -> tidegate_store::Result<Box<dyn Transaction>> {
        self.asked.lock().unwrap().push("begin");
        let rival = self.rival.lock().unwrap().take();
        if let Some(user) = rival {
            let mut tx = self.inner.begin().await?;
            tx.put_user(&user).await?;
            tx.commit().await?;
        }
        self.inner.begin().await
    }

    async fn view(&self) -> tidegate_store::Result<Box<dyn View>> {
        self.asked.lock().unwrap().push("view");
        self.inner.view().await
    }

    async fn keep_gateways(&self, gateways: &[Gateway]) -> tidegate_store::Result<()> {
        self.inner.keep_gateways(gateways).await
    }

    async fn gateways(&self) -> tidegate_store::Result<Vec<Gateway>> {
        self.inner.gateways().await
    }

    async fn keep_setback(&self, setback: &Setback) -> tidegate_store::Result<Option<Setback>> {
        self.inner.keep_setback(setback).await
    }

    async fn setbacks(&self) -> tidegate_store::Result<Vec<Setback>> {
        self.inner.setbacks().await
    }

    async fn keep_vault_check(&self, check: &Sealed) -> tidegate_store::Result<Sealed> {
        self.inner.keep_vault_check(check).await
    }

    async fn keep_feed_check(&self, check: &[u8]) -> tidegate_store::Result<Vec<u8>> {
        self.inner.keep_feed_check(check).await
    }

    async fn forget_gateway(&self, id: &str, beat: u64) -> tidegate_store::Result<bool> {
        self.inner.forget_gateway(id, beat).await
    }
}

#[tokio::test]
async fn a_password_is_compared_before_the_turn_to_write_and_anew_if_it_changed_meanwhile() {
    let store = Arc::new(Raced {
        inner: MemStore::new(),
        asked: Mutex::default(),
        rival: Mutex::default(),
    });
    let world = World::over(store.clone(), Settings::default()).await;
    let mut wanted = spec();
    wanted.projects[0].users[0].password = Some(Secret::new("open sesame"));
    let name = wanted.projects[0].users[0].name.clone();
    let kept = store.view().await.unwrap().user(&world.user(&name).await).await.unwrap().unwrap();
    store.asked.lock().unwrap().clear();
    let rivals = User { password_hash: "of a rival".to_owned(), ..kept };
    *store.rival.lock().unwrap() = Some(rivals);
    assert_eq!(apply(&world, &wanted).await, [format!("updated user {name}")]);
    assert_eq!(*store.asked.lock().unwrap(), ["view", "begin", "view", "begin"]);
    let (domain, password) = ("acme".to_owned(), Secret::new("open sesame"));
    let login = Login::Password { domain, name, password };
    assert!(world.control.login(login, &Scope::Own, world.now()).await.is_ok());
}

#[tokio::test]
async fn quotas_are_refused_by_name() {
    let quotas = Quotas { apps: 2, apis: 2, throttles: 1_000, waiting_applications: 1, tokens: 2 };
    let settings = Settings { quotas, ..Settings::default() };
    let world = World::over(Arc::new(MemStore::new()), settings).await;
    let full = |counted, max| Some(Refusal::QuotaReached { counted, max });
    let app = |name: &str| tidegate_control::Command::CreateApp {
        name: name.to_owned(),
        description: String::new(),
        kind: AppKind::App,
    };
    world.does("owner", app("two")).await;
    assert_eq!(world.try_to("owner", app("three")).await.err(), full(Counted::Apps, 2));
    world.does("stranger", app("three")).await;
    let api = |name: &str| tidegate_control::Command::CreateApi(draft(name, &format!("/{name}")));
    world.does("developer", api("two")).await;
    assert_eq!(world.try_to("developer", api("three")).await.err(), full(Counted::Apis, 2));

    let apply = |app: &tidegate_domain::App| tidegate_control::Command::Grant {
        api: world.api.clone(),
        instance: tidegate_testkit::instance(),
        app: app.id.clone(),
        action: GrantAction::Apply(Some(hour(10))),
    };
    world.does("owner", apply(&world.app)).await;
    let viewer = world.caller("viewer").await;
    let apps = world.control.list_apps(&viewer, Some("two".into()), None, World::ALL).await;
    let second = apps.unwrap().items.remove(0).app;
    let refusal = world.try_to("owner", apply(&second)).await.err();
    assert_eq!(refusal, full(Counted::WaitingApplications, 1));

    token(&world, "viewer").await;
    let last = token(&world, "viewer").await;
    let more = world.control.login(by_key("viewer"), &Scope::Own, world.now()).await;
    let Err(LoginError::Broken(Error::Refused(refusal))) = more else { panic!("one too many") };
    assert_eq!(Some(refusal), full(Counted::Tokens, 2));
    // A revoked one counts until its end: gateways must hear of it until then.
    let user = world.user("viewer").await;
    world.control.revoke(&user, &last.text, world.now()).await.unwrap().unwrap();
    assert!(world.control.login(by_key("viewer"), &Scope::Own, world.now()).await.is_err());
    token(&world, "operator").await;
}

#[test]
fn fates_have_names_of_their_own() {
    let names: std::collections::BTreeSet<_> = Fate::ALL.iter().map(|fate| fate.name()).collect();
    assert_eq!(names.len(), Fate::ALL.len());
}
