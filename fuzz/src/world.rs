//! A world so small that its changes meet: what feed and snapshot tell of.

use std::sync::Arc;

use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::Key;
use tidegate_domain::{
    ApiId, AppId, AppKind, AuthType, DomainId, Grant, HostName, InstanceId, ProjectId, Timestamp,
    UserId,
};
use tidegate_gateway::{
    Backend, Batch, FeedApi, FeedApp, FeedInstance, FeedPublication, FeedStanding, FeedToken,
    Index, Rules, Serves,
};
use tidegate_sign::Secret;

use crate::material::Material;

const PATHS: [&str; 6] = ["/o/{id}", "/o/new", "/{a}/{b}", "/o", "/{", "o//{id}/"];
/// What is asked of an index.
pub const CALLS: [&str; 4] = ["/o/7", "/o/new", "/x/y", "/o"];

/// A change of one of few things, so that changes meet.
#[derive(Clone, Copy)]
pub enum Change {
    App(u8, u8),
    AppGone(u8),
    Api(u8, u8),
    ApiGone(u8),
    Publication(u8, u8, u8),
    Standing(u8, u8, u8, u8),
    Token(u8, u8),
    Hosts(u8, u8),
}

impl Change {
    /// The next one.
    pub fn read(material: &mut Material<'_>) -> Self {
        let (kind, n, variant) = (material.byte(), material.below(3), material.byte());
        let (on, of) = (kind / 64 % 3, kind / 16 % 4 % 3);
        match kind % 16 {
            0..3 => Self::App(n, variant),
            3 => Self::AppGone(n),
            4..7 => Self::Api(n, variant),
            7 => Self::ApiGone(n),
            8..11 => Self::Publication(n, on, variant),
            11..15 => Self::Standing(n, on, of, variant),
            _ if variant >= 250 => Self::Hosts(n, variant),
            _ => Self::Token(n, variant),
        }
    }

    /// What it is about: a later change of the same replaces it.
    pub fn about(self) -> (u8, u8, u8, u8) {
        match self {
            Self::App(n, _) | Self::AppGone(n) => (0, n, 0, 0),
            Self::Api(n, _) | Self::ApiGone(n) => (1, n, 0, 0),
            Self::Publication(n, on, _) => (2, n, on, 0),
            Self::Standing(n, on, of, _) => (3, n, on, of),
            Self::Token(n, _) => (4, n, 0, 0),
            Self::Hosts(on, _) => (5, on, 0, 0),
        }
    }

    /// Tells it.
    pub fn write(self, batch: &mut Batch) {
        match self {
            Self::App(n, v) => batch.apps.push(app(n, v)),
            Self::AppGone(n) => batch.apps_deleted.push(app_id(n)),
            Self::Api(n, v) => batch.apis.push(api(n, v)),
            Self::ApiGone(n) => batch.apis_deleted.push(api_id(n)),
            Self::Publication(n, on, v) => batch.publications.push(publication(n, on, v)),
            Self::Standing(n, on, of, v) => batch.standings.push(standing(n, on, of, v)),
            Self::Token(n, v) => batch.tokens.push(token(n, v)),
            Self::Hosts(on, v) => batch.instances.push(hosts(on, v)),
        }
    }
}

/// The instances that are served, of the three there are.
pub fn serves() -> Arc<Serves> {
    Arc::new(Serves::These([instance(0), instance(1)].into()))
}

/// A batch that says which project serves without hosts, and nothing else.
pub fn nothing() -> Batch {
    Batch { default_project: Some(project()), ..Batch::default() }
}

/// The index that knows nothing.
pub fn empty() -> Index {
    Index::empty(serves(), 1)
}

fn id<T>(parse: impl Fn(&str) -> Option<T>, of: &str, n: u8) -> T {
    let mut text = of.to_owned();
    text.push(char::from(b'0' + n));
    parse(&text).expect("an id")
}

fn app_id(n: u8) -> AppId {
    id(|text| AppId::parse(text).ok(), "app", n)
}

fn api_id(n: u8) -> ApiId {
    id(|text| ApiId::parse(text).ok(), "api", n)
}

fn instance(n: u8) -> InstanceId {
    id(|text| InstanceId::parse(text).ok(), "i", n)
}

fn account(n: u8) -> DomainId {
    id(|text| DomainId::parse(text).ok(), "d", n)
}

fn project() -> ProjectId {
    id(|text| ProjectId::parse(text).ok(), "p", 0)
}

fn user() -> UserId {
    id(|text| UserId::parse(text).ok(), "u", 0)
}

/// Hours from 2026-01-02T03:00:00Z on, where grants of the common kind are.
fn hour(n: u8) -> Timestamp {
    Timestamp::from_ms(1_767_322_800_000 + i64::from(n) * 3_600_000)
}

fn app(n: u8, variant: u8) -> FeedApp {
    let is_iam = variant.is_multiple_of(3);
    // Keys move between apps, but no two apps have one key at a time.
    let key = ["k0", "k1", "k2"][usize::from(n)].to_owned();
    FeedApp {
        id: app_id(n),
        domain: account(variant % 2),
        project: project(),
        kind: if is_iam { AppKind::Iam } else { AppKind::App },
        key: if is_iam || variant.is_multiple_of(7) { String::new() } else { key },
        secret: (!is_iam).then(|| Secret::new("s")),
    }
}

fn api(n: u8, variant: u8) -> FeedApi {
    FeedApi {
        id: api_id(n),
        project: project(),
        domain: account(0),
        name: String::new(),
        auth: [AuthType::App, AuthType::Iam, AuthType::None][usize::from(variant % 3)],
        method: if variant.is_multiple_of(2) { Method::Get } else { Method::Post },
        path: PATHS[usize::from(variant) % PATHS.len()].to_owned(),
        backend: Backend {
            https: variant > 127,
            authority: "h".to_owned(),
            method: Method::Get,
            path: PATHS[usize::from(variant / 16) % PATHS.len()].to_owned(),
            timeout_ms: None,
            moved: Vec::new(),
            constants: Vec::new(),
            numbers: Vec::new(),
        },
        rules: Rules::default(),
    }
}

fn publication(n: u8, on: u8, variant: u8) -> FeedPublication {
    let status = [
        Status::Published,
        Status::Stopped,
        Status::Offline,
        Status::Created,
        Status::Stopping { at: hour(9) },
        Status::Unpublishing { at: hour(9) },
        Status::RecoverPending,
        Status::PublishPending,
    ][usize::from(variant % 8)];
    let published_at = (variant > 8).then(|| hour(variant % 5));
    FeedPublication { api: api_id(n), instance: instance(on), status, published_at }
}

/// What an instance names: nothing, or hosts that two may name.
fn hosts(on: u8, variant: u8) -> FeedInstance {
    let hosts: &[&str] = match variant % 3 {
        0 => &[],
        1 => &["a.b"],
        _ => &["a.b", "c"],
    };
    FeedInstance {
        project: project(),
        id: instance(on),
        hosts: hosts.iter().map(|host| HostName::parse(host).expect("a host")).collect(),
    }
}

fn standing(n: u8, on: u8, of: u8, variant: u8) -> FeedStanding {
    let grant = (!variant.is_multiple_of(3)).then(|| Grant {
        since: hour(1),
        until: hour(variant),
        by: user(),
        cut: None,
    });
    FeedStanding {
        key: Key { api: api_id(n), instance: instance(on), app: app_id(of) },
        grant,
        paused_from: (variant > 200).then_some(Timestamp::MAX),
        applied_until: variant.is_multiple_of(2).then_some(Timestamp::MAX),
        shutdown_at: None,
    }
}

fn token(n: u8, variant: u8) -> FeedToken {
    FeedToken {
        hash: [n; 32],
        user: user(),
        domain: account(n % 2),
        project: project(),
        expires_at: hour(variant),
    }
}
