//! A small world for tests: a workspace with one person per role, an instance, a published API and
//! an app, under a clock that only the test moves.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot set up its world fails")]

pub mod postgres;

use std::sync::Arc;

use tidegate_control::{
    ApiAction, ApiDraft, Caller, Command, Control, Error, GrantAction, InstanceSpec, MemberSpec,
    Outcome, Paging, ProjectSpec, Receipt, Settings, UserSpec, Vault, WorkspaceSpec,
};
use tidegate_domain::api::Method;
use tidegate_domain::time::HOUR_MS;
use tidegate_domain::{
    ApiId, App, AppId, AppKind, AuthType, DomainId, InstanceId, ProjectId, Refusal, Role,
    Timestamp, UserId, Visibility, WorkspaceId,
};
use tidegate_sign::Secret;
use tidegate_store::{Store, mem::MemStore};

/// Everybody in the world, with his role and whether he is on the list of reviewers. `stranger`
/// belongs to another workspace of the same project.
pub const PEOPLE: [(&str, Role, bool); 8] = [
    ("reviewer", Role::Developer, true),
    ("other-reviewer", Role::Developer, true),
    ("owner", Role::Developer, false),
    ("developer", Role::Developer, false),
    ("operator", Role::Operator, false),
    ("viewer", Role::Viewer, false),
    ("admin", Role::Admin, false),
    ("stranger", Role::Developer, true),
];

/// The workspace most people are in.
pub const WORKSPACE: &str = "ws-1";
/// The workspace of the stranger.
pub const ELSEWHERE: &str = "ws-2";
/// The instance the API is published on.
pub const INSTANCE: &str = "gate-1";
/// The hour every world begins at, counted from the epoch; half an hour past it.
const BEGIN_HOUR: i64 = 500_000;

/// A small world.
pub struct World {
    /// The use cases.
    pub control: Arc<Control>,
    /// The published API, reviewed by `reviewer`.
    pub api: ApiId,
    /// The app of `owner`.
    pub app: App,
    now: Timestamp,
}

/// The moment `hours` after every world's first whole hour.
pub fn hour(hours: i64) -> Timestamp {
    Timestamp::from_ms((BEGIN_HOUR + hours) * HOUR_MS)
}

/// The project everybody is in.
pub fn project() -> ProjectId {
    ProjectId::parse("project-1").expect("an id")
}

/// The instance the API is published on.
pub fn instance() -> InstanceId {
    InstanceId::parse(INSTANCE).expect("an id")
}

/// The world's file, as an operator would write it.
pub fn spec() -> tidegate_control::World {
    let user = |(name, _, _): &(&str, Role, bool)| UserSpec {
        name: (*name).to_owned(),
        password: None,
        access_key: Some(format!("ak-{name}")),
        secret_key: Some(Secret::new(format!("sk-{name}"))),
    };
    let workspace = |id: &str, members: Vec<MemberSpec>| WorkspaceSpec {
        id: WorkspaceId::parse(id).expect("an id"),
        name: id.to_owned(),
        members,
    };
    let member = |(name, role, reviewer): &(&str, Role, bool)| MemberSpec {
        user: (*name).to_owned(),
        role: *role,
        reviewer: *reviewer,
    };
    let (strangers, locals): (Vec<_>, Vec<_>) =
        PEOPLE.iter().partition(|(name, _, _)| *name == "stranger");
    let project = ProjectSpec {
        id: project(),
        name: "local-1".to_owned(),
        domain: DomainId::parse("domain-1").expect("an id"),
        domain_name: "acme".to_owned(),
        users: PEOPLE.iter().map(user).collect(),
        instances: vec![InstanceSpec { id: instance(), name: "gate one".to_owned(), hosts: None }],
        workspaces: vec![
            workspace(WORKSPACE, locals.into_iter().map(member).collect()),
            workspace(ELSEWHERE, strangers.into_iter().map(member).collect()),
        ],
    };
    tidegate_control::World { projects: vec![project] }
}

/// A draft of an API at `path`.
pub fn draft(name: &str, path: &str) -> ApiDraft {
    ApiDraft {
        name: name.to_owned(),
        description: String::new(),
        auth: AuthType::App,
        method: Method::Get,
        path: path.to_owned(),
        visibility: Visibility::Workspace,
        manager: "reviewer".to_owned(),
        retention_hours: 0,
        tags: Vec::new(),
        definition: "{}".to_owned(),
    }
}

impl World {
    /// A world over the in-memory store.
    pub async fn new() -> Self {
        Self::over(Arc::new(MemStore::new()), Settings::default()).await
    }

    /// A world over a store, with settings.
    pub async fn over(store: Arc<dyn Store>, settings: Settings) -> Self {
        let vault = Vault::new(&[7; Vault::KEY_LEN]).expect("a key");
        let control = Arc::new(Control::new(store, vault, settings));
        let now = hour(0).plus_ms(HOUR_MS / 2);
        control.apply(&spec(), false, now).await.expect("the world applies");
        let placeholder = ApiId::parse("none").expect("an id");
        let mut world = Self { control, api: placeholder, app: nobody(now), now };
        world.api = world.new_api(draft("orders", "/orders/{id}")).await;
        world.publish().await;
        world.app = world.new_app("owner", "web-shop").await;
        world
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Moves the clock to a moment.
    pub fn go_to(&mut self, moment: Timestamp) {
        assert!(moment >= self.now, "the clock only moves forward");
        self.now = moment;
    }

    /// A caller, in his workspace.
    pub async fn caller(&self, name: &str) -> Caller {
        Caller {
            user: self.user(name).await,
            project: project(),
            workspace: WorkspaceId::parse(if name == "stranger" { ELSEWHERE } else { WORKSPACE })
                .ok(),
            edition: None,
        }
    }

    /// A person's id.
    pub async fn user(&self, name: &str) -> UserId {
        let known = self.control.access_key(&format!("ak-{name}")).await.expect("the store works");
        known.expect("somebody of this name").0.user
    }

    /// Carries out a command, or tells why it was refused.
    pub async fn try_to(&self, who: &str, command: Command) -> Result<Receipt, Refusal> {
        let caller = self.caller(who).await;
        match self.control.execute(&caller, command, self.now).await {
            Ok(receipt) => Ok(receipt),
            Err(Error::Refused(refusal)) => Err(refusal),
            Err(error) => panic!("something broke: {error}"),
        }
    }

    /// Carries out a command that must not be refused.
    pub async fn does(&self, who: &str, command: Command) -> Receipt {
        match self.try_to(who, command.clone()).await {
            Ok(receipt) => receipt,
            Err(refusal) => panic!("{who} was refused {command:?}: {refusal}"),
        }
    }

    /// One of the five actions on the world's app and API.
    pub fn on_grant(&self, action: GrantAction) -> Command {
        let app = self.app.id.clone();
        Command::Grant { api: self.api.clone(), instance: instance(), app, action }
    }

    /// One of the actions on the world's API.
    pub fn on_api(&self, action: ApiAction) -> Command {
        Command::ActOnApi { api: self.api.clone(), instance: instance(), action }
    }

    /// A new API, made by `developer`.
    pub async fn new_api(&self, draft: ApiDraft) -> ApiId {
        match self.does("developer", Command::CreateApi(draft)).await.outcome {
            Outcome::Api(id) => id,
            Outcome::Done | Outcome::App(..) => panic!("an API was made"),
        }
    }

    /// A new app of `who`.
    pub async fn new_app(&self, who: &str, name: &str) -> App {
        let (name, description) = (name.to_owned(), String::new());
        let command = Command::CreateApp { name, description, kind: AppKind::App };
        match self.does(who, command).await.outcome {
            Outcome::App(shown) => shown.app,
            Outcome::Done | Outcome::Api(_) => panic!("an app was made"),
        }
    }

    async fn publish(&self) {
        let command = Command::Publish { api: self.api.clone(), instance: instance() };
        self.does("reviewer", command).await;
    }

    /// Would the gate let the world's app call the world's API now? It knows what the feed tells.
    pub async fn admits(&self) -> Result<Timestamp, tidegate_domain::Denied> {
        self.admits_app(&self.app.id).await
    }

    /// Would the gate let this app call the world's API now?
    pub async fn admits_app(&self, app: &AppId) -> Result<Timestamp, tidegate_domain::Denied> {
        let feed = self.control.changes(tidegate_store::Revision(0)).await.expect("the feed works");
        let status = feed
            .changes
            .publications
            .iter()
            .find(|p| p.api == self.api && p.instance == instance())
            .map_or(tidegate_domain::publication::Status::Created, |p| p.status);
        let standing =
            feed.changes.standings.iter().find(|s| s.key.api == self.api && s.key.app == *app);
        let held = standing.map(tidegate_domain::Standing::held);
        tidegate_domain::admit(status, held, self.now).map(|permit| permit.end())
    }

    /// The whole of a list.
    pub const ALL: Paging = Paging::ALL;
}

/// An app that stands in until the world has its own.
fn nobody(now: Timestamp) -> App {
    App {
        id: AppId::parse("none").expect("an id"),
        project: project(),
        workspace: WorkspaceId::parse(WORKSPACE).expect("an id"),
        name: String::new(),
        description: String::new(),
        kind: AppKind::App,
        app_key: String::new(),
        owner: UserId::parse("none").expect("an id"),
        created_at: now,
        updated_at: now,
        updated_by: UserId::parse("none").expect("an id"),
        secret_reset_at: None,
    }
}
