//! One question and one batch with a value in each field that format 2 of the feed has.

use std::time::Duration;

use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::{Cut, CutCause};
use tidegate_domain::{
    ApiId, AppId, AppKind, AuthType, DomainId, Grant, HostName, InstanceId, Key, ProjectId,
    Timestamp, UserId,
};
use tidegate_feed::Me;
use tidegate_gateway::{
    Backend, Batch, Constant, FeedApi, FeedApp, FeedInstance, FeedPublication, FeedStanding,
    FeedToken, Moved, Number, Poll, Position, Rules, Throttle,
};
use tidegate_sign::Secret;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(1_800_000_000_000 + ms)
}

fn api_id(id: &str) -> ApiId {
    ApiId::parse(id).unwrap()
}

fn app_id(id: &str) -> AppId {
    AppId::parse(id).unwrap()
}

fn project() -> ProjectId {
    ProjectId::parse("project-1").unwrap()
}

fn domain() -> DomainId {
    DomainId::parse("domain-1").unwrap()
}

fn instance() -> InstanceId {
    InstanceId::parse("instance-1").unwrap()
}

fn user() -> UserId {
    UserId::parse("user-1").unwrap()
}

/// Who asks.
pub fn me() -> Me {
    Me {
        id: "0011223344556677".to_owned(),
        name: "gate one".to_owned(),
        boot: "boot-1".to_owned(),
        version: "0.1.0".to_owned(),
        lease: Duration::from_secs(300),
    }
}

/// What is asked.
pub fn poll() -> Poll {
    Poll {
        since: 41,
        stamp: "stamp-41".to_owned(),
        epoch: "epoch-1".to_owned(),
        enforced: Some(40),
        enforced_stamp: "stamp-40".to_owned(),
        wait: Duration::from_secs(1),
    }
}

/// The wall clock of the one who asks.
pub fn wall() -> Timestamp {
    at(7)
}

fn api() -> FeedApi {
    let backend = Backend {
        https: true,
        authority: "backend.example:8443".to_owned(),
        method: Method::Post,
        path: "/orders/{id}".to_owned(),
        timeout_ms: Some(5_000),
        moved: vec![Moved {
            name: "city".to_owned(),
            position: Position::Query,
            backend_name: "x-city".to_owned(),
            backend_position: Position::Header,
            required: true,
            default: Some("Riga".to_owned()),
        }],
        constants: vec![Constant {
            name: "unit".to_owned(),
            position: Position::Query,
            value: "metric".to_owned(),
        }],
        numbers: vec![Number {
            name: "id".to_owned(),
            position: Position::Path,
            may_be_empty: true,
        }],
    };
    let throttle = Throttle {
        name: "policy".to_owned(),
        window_ms: 60_000,
        per_api: Some(1_000),
        per_user: Some(100),
        per_app: Some(10),
    };
    let rules = Rules {
        nonce: true,
        odd_paths: true,
        upgrade: true,
        throttle: Some(throttle),
        retries: 3,
        http2: true,
        connect_timeout_ms: Some(1_000),
        read_timeout_ms: Some(2_000),
        total_timeout_ms: Some(3_000),
        more_backends: vec!["other.example:8443".to_owned()],
        require_signed_host: true,
        forward_credentials: true,
    };
    FeedApi {
        id: api_id("api-1"),
        project: project(),
        domain: domain(),
        name: "orders".to_owned(),
        auth: AuthType::Iam,
        method: Method::Get,
        path: "/orders/{id}".to_owned(),
        backend,
        rules,
    }
}

fn standing() -> FeedStanding {
    FeedStanding {
        key: Key { api: api_id("api-1"), instance: instance(), app: app_id("app-1") },
        grant: Some(Grant {
            since: at(10),
            until: at(20),
            by: user(),
            cut: Some(Cut { at: at(15), cause: CutCause::App }),
        }),
        paused_from: Some(at(11)),
        applied_until: Some(at(12)),
        shutdown_at: Some(at(13)),
    }
}

/// What is answered.
pub fn batch() -> Batch {
    Batch {
        epoch: "epoch-1".to_owned(),
        head: 42,
        stamp: "stamp-42".to_owned(),
        since_stamp: "stamp-41".to_owned(),
        apps: vec![FeedApp {
            id: app_id("app-1"),
            domain: domain(),
            project: project(),
            kind: AppKind::Iam,
            key: "key-1".to_owned(),
            secret: Some(Secret::new("secret-1".to_owned())),
        }],
        apps_deleted: vec![app_id("app-2")],
        apis: vec![api()],
        apis_deleted: vec![api_id("api-2")],
        publications: vec![FeedPublication {
            api: api_id("api-1"),
            instance: instance(),
            status: Status::Stopping { at: at(30) },
            published_at: Some(at(5)),
        }],
        standings: vec![standing()],
        tokens: vec![FeedToken {
            hash: [7; 32],
            user: user(),
            domain: domain(),
            project: project(),
            expires_at: at(40),
        }],
        instances: vec![FeedInstance {
            project: project(),
            id: instance(),
            hosts: vec![HostName::parse("orders.example").unwrap()],
        }],
        default_project: Some(project()),
        tokens_revoked: vec![[8; 32]],
    }
}
