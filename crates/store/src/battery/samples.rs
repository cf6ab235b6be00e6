//! Things to keep.

use tidegate_domain::api::Method;
use tidegate_domain::notice::{Closed, NoticeKind};
use tidegate_domain::standing::{Cut, CutCause};
use tidegate_domain::{
    Api, ApiId, App, AppId, AppKind, Application, ApplicationId, ApplicationKind, AuthType,
    DomainId, Grant, HostName, Instance, InstanceId, Key, Notice, NoticeId, NoticeOutcome, Outcome,
    ProjectId, Publication, Quota, Role, Rules, Standing, Throttle, ThrottleName, Timestamp,
    UserId, Verdict, Visibility, WorkspaceId,
};

use crate::{
    AppRecord, Gateway, JournalEntry, Member, Message, MessageId, Project, Revision, Sealed, Token,
    TokenHash, User, Workspace,
};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident: $type:ident),+ $(,)?) => {$(
        $(#[$doc])*
        pub fn $name(text: &str) -> $type {
            $type::parse(text).unwrap()
        }
    )+};
}

ids! {
    /// A project's id.
    project_id: ProjectId,
    /// A user's id.
    user_id: UserId,
    /// A workspace's id.
    workspace_id: WorkspaceId,
    /// An instance's id.
    instance_id: InstanceId,
    /// An API's id.
    api_id: ApiId,
    /// An app's id.
    app_id: AppId,
    /// An application's id.
    application_id: ApplicationId,
    /// A notice's id.
    notice_id: NoticeId,
    /// A throttling policy's name.
    throttle_name: ThrottleName,
}

/// A moment.
pub fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(ms)
}

/// A project of an account.
pub fn project(id: &str, domain_name: &str) -> Project {
    Project {
        id: project_id(id),
        name: format!("region-{id}"),
        domain: DomainId::parse("d1").unwrap(),
        domain_name: domain_name.to_owned(),
    }
}

/// A user of a project, with an access key.
pub fn user(id: &str, project: &str, name: &str) -> User {
    User {
        id: user_id(id),
        project: project_id(project),
        name: name.to_owned(),
        password_hash: "$argon2id$v=19$m=16,t=2,p=1$c2FsdA$aGFzaA".to_owned(),
        access_key: format!("AK-{id}"),
        secret_key: Sealed(vec![0, 255, 1]),
        disabled: false,
    }
}

/// A workspace of a project.
pub fn workspace(id: &str, project: &str) -> Workspace {
    Workspace {
        id: workspace_id(id),
        project: project_id(project),
        name: format!("workspace {id}"),
    }
}

/// A member of a workspace.
pub fn member(workspace: &str, user: &str, role: Role) -> Member {
    Member {
        workspace: workspace_id(workspace),
        user: user_id(user),
        role,
        is_reviewer: role == Role::Admin,
    }
}

/// An instance of a project.
pub fn instance(project: &str, id: &str) -> Instance {
    Instance {
        id: instance_id(id),
        project: project_id(project),
        name: format!("instance {id}"),
        description: "gateways".to_owned(),
        created_at: at(7),
        hosts: Vec::new(),
    }
}

/// An instance of a project that names these hosts.
pub fn hosting(project: &str, id: &str, hosts: &[&str]) -> Instance {
    let hosts = hosts.iter().map(|host| HostName::parse(host).unwrap()).collect();
    Instance { hosts, ..instance(project, id) }
}

/// A token, named by one byte, that ends at `expires_at`.
pub fn token(byte: u8, expires_at: i64) -> Token {
    Token {
        hash: TokenHash([byte; 32]),
        user: user_id("u1"),
        project: project_id("p1"),
        issued_at: at(1),
        expires_at: at(expires_at),
        parent: None,
    }
}

/// An app of the workspace `w1` of the project `p1`, owned by `u1`.
pub fn app(id: &str, name: &str, created_at: i64) -> AppRecord {
    AppRecord {
        app: App {
            id: app_id(id),
            project: project_id("p1"),
            workspace: workspace_id("w1"),
            name: name.to_owned(),
            description: "an app".to_owned(),
            kind: AppKind::App,
            app_key: format!("key-{id}"),
            owner: user_id("u1"),
            created_at: at(created_at),
            updated_at: at(created_at + 1),
            updated_by: user_id("u2"),
            secret_reset_at: Some(at(created_at + 2)),
        },
        secret: Sealed(vec![1, 2, 3, 0]),
    }
}

/// An API of the workspace `w1` of the project `p1`, reviewed by `u9`, made by `u2`.
pub fn api(id: &str, name: &str, created_at: i64) -> Api {
    Api {
        id: api_id(id),
        project: project_id("p1"),
        workspace: workspace_id("w1"),
        name: name.to_owned(),
        description: "Orders of a shop".to_owned(),
        auth: AuthType::App,
        method: Method::Get,
        path: format!("/{id}/{{number}}"),
        visibility: Visibility::Workspace,
        manager: user_id("u9"),
        created_by: user_id("u2"),
        created_at: at(created_at),
        updated_at: at(created_at + 5),
        retention_hours: 24,
        tags: vec!["shop".to_owned(), "Orders".to_owned()],
        definition: r#"{"backend":"http://b"}"#.to_owned(),
        rules: Rules {
            throttle: None,
            nonce: true,
            odd_paths: false,
            upgrade: true,
            retries: 2,
            http2: true,
            connect_timeout_ms: None,
            read_timeout_ms: Some(5_000),
            total_timeout_ms: Some(60_000),
            more_backends: vec!["b2:80".to_owned(), "[::1]:80".to_owned()],
            require_signed_host: true,
            forward_credentials: true,
        },
    }
}

/// A throttling policy of the workspace `w1`.
pub fn throttle(name: &str, per_api: u32) -> Throttle {
    Throttle {
        workspace: workspace_id("w1"),
        name: throttle_name(name),
        quota: Quota {
            window_seconds: 60,
            per_api: Some(per_api),
            per_user: None,
            per_app: Some(1),
        },
    }
}

/// An API that is bound to a throttling policy.
pub fn bound_api(id: &str, throttle: &str) -> Api {
    let mut api = api(id, id, 1);
    api.rules.throttle = Some(throttle_name(throttle));
    api
}

/// What a standing of these is about.
pub fn key(api: &str, instance: &str, app: &str) -> Key {
    Key { api: api_id(api), instance: instance_id(instance), app: app_id(app) }
}

/// A grant, given at 1,000.
pub fn grant(until: i64, cut: Option<(i64, CutCause)>) -> Grant {
    Grant {
        since: at(1_000),
        until: at(until),
        by: user_id("u9"),
        cut: cut.map(|(ms, cause)| Cut { at: at(ms), cause }),
    }
}

/// A standing with nothing but a grant.
pub fn granted(api: &str, instance: &str, app: &str, until: i64) -> Standing {
    Standing { grant: Some(grant(until, None)), ..Standing::new(key(api, instance, app)) }
}

/// A pending application.
pub fn application(id: &str, kind: ApplicationKind, api: &str, opened_at: i64) -> Application {
    let of_app = match kind {
        ApplicationKind::Apply | ApplicationKind::Renew => true,
        ApplicationKind::Publish | ApplicationKind::Recover => false,
    };
    Application {
        id: application_id(id),
        kind,
        api: api_id(api),
        instance: instance_id("i1"),
        app: of_app.then(|| app_id("a1")),
        applicant: user_id("u1"),
        until: of_app.then(|| at(9_000)),
        opened_at: at(opened_at),
        verdict: None,
    }
}

/// A verdict.
pub fn verdict(outcome: Outcome) -> Verdict {
    Verdict {
        outcome,
        at: at(77),
        by: Some(user_id("u9")),
        comment: Some("as you wish".to_owned()),
    }
}

/// A running notice with a deadline at 8,000.
pub fn notice(id: &str, kind: NoticeKind, key: Key, sent_at: i64) -> Notice {
    Notice {
        id: notice_id(id),
        kind,
        key,
        sent_by: user_id("u9"),
        sent_at: at(sent_at),
        deadline: at(8_000),
        scheduled: None,
        closed: None,
    }
}

/// The end of a notice.
pub fn closed(outcome: NoticeOutcome) -> Closed {
    Closed { outcome, at: at(88), by: Some(user_id("u1")) }
}

/// A publication in a state.
pub fn publication(
    api: &str,
    instance: &str,
    status: tidegate_domain::publication::Status,
) -> Publication {
    Publication {
        status,
        published_at: Some(at(500)),
        ..Publication::new(api_id(api), instance_id(instance))
    }
}

/// A line of the journal.
pub fn line(subject: &str) -> JournalEntry {
    JournalEntry {
        revision: Revision(999),
        at: at(4),
        actor: Some(user_id("u1")),
        what: "grant.given".to_owned(),
        subject: subject.to_owned(),
        details: r#"{"until":9}"#.to_owned(),
    }
}

/// A message.
pub fn message(subject: &str) -> Message {
    Message {
        id: MessageId { revision: Revision(999), ordinal: 7 },
        name: "set by the store".to_owned(),
        tries: 3,
        at: at(5),
        recipient: user_id("u1"),
        what: "notice.sent".to_owned(),
        subject: subject.to_owned(),
        details: "{}".to_owned(),
    }
}

/// A gateway that was last heard of at this moment, and then enforced this revision.
pub fn gateway(id: &str, revision: Option<u64>, heard_at: i64) -> Gateway {
    Gateway {
        id: id.to_owned(),
        name: format!("gate {id}"),
        version: "0.1.0".to_owned(),
        epoch: "e1".to_owned(),
        revision: revision.map(Revision),
        stamp: "s1".to_owned(),
        acknowledged_at: at(heard_at),
        registered_at: at(1),
        heard_at: at(heard_at),
        lease_ms: 300_000,
        clock_ahead_ms: -12,
        boot: "b1".to_owned(),
        certificate: format!("cert-{id}"),
        beat: 0,
    }
}
