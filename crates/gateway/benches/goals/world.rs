//! Grants, apps and APIs in number: 20,000 APIs, 200,000 apps.

use std::sync::Arc;

use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::{Key, Term};
use tidegate_domain::{
    ApiId, AppId, AppKind, AuthType, DomainId, Grant, InstanceId, ProjectId, Timestamp, UserId,
    admission::Held,
};
use tidegate_gateway::{
    Applied, Backend, Batch, FeedApi, FeedApp, FeedPublication, FeedStanding, Index, Rules, Serves,
};
use tidegate_sign::Secret;

pub const APIS: u64 = 20_000;
pub const INSTANCES: u64 = 4;
pub const APPS: u64 = 200_000;

/// 2026-01-02T03:00:00Z.
pub const NOON: i64 = 1_767_322_800_000;
pub const HOUR: i64 = 3_600_000;

/// A grant of all the world: its numbers never come twice.
#[derive(Clone, Copy)]
pub struct Triple {
    pub api: u32,
    pub instance: u32,
    pub app: u32,
}

impl Triple {
    /// The `n`th. What is granted is spread over all that could be: as `n` runs, every combination
    /// comes once.
    pub fn of(n: u64) -> Self {
        // A step that shares no factor with the number of combinations.
        const ALL: u64 = APIS * INSTANCES * APPS;
        const STEP: u64 = 9_887_604_641;
        let at = u64::try_from(u128::from(n) * u128::from(STEP) % u128::from(ALL)).unwrap();
        Self {
            app: (at % APPS) as u32,
            instance: (at / APPS % INSTANCES) as u32,
            api: (at / APPS / INSTANCES) as u32,
        }
    }
}

pub fn term(n: u64) -> Term {
    // Given at any millisecond, good until a full hour.
    let since = NOON - (n % 10_000_000_000).cast_signed();
    let until = NOON + (1 + (n % 10_000).cast_signed()) * HOUR;
    Term { since: Timestamp::from_ms(since), until: Timestamp::from_ms(until), cut: None }
}

pub fn held(n: u64) -> Held {
    Held { grant: Some(term(n)), paused_from: None, applied_until: None, shutdown_at: None }
}

/// Ids as the vendor's: 32 hex digits.
fn id(kind: u64, n: u64) -> String {
    format!("{:016x}{:016x}", (kind + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15), n)
}

pub fn app_key(n: u64) -> String {
    format!("AK{:018}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

pub fn app_secret(n: u64) -> Secret {
    Secret::new(id(9, n))
}

pub struct World {
    apis: Vec<ApiId>,
    apps: Vec<AppId>,
    by: UserId,
}

impl World {
    pub fn new() -> Self {
        Self {
            apis: (0..APIS).map(|n| ApiId::parse(&id(1, n)).unwrap()).collect(),
            apps: (0..APPS).map(|n| AppId::parse(&id(2, n)).unwrap()).collect(),
            by: UserId::parse("reviewer").unwrap(),
        }
    }

    fn app(&self, n: u64) -> FeedApp {
        FeedApp {
            id: self.apps[n as usize].clone(),
            domain: DomainId::parse("acme").unwrap(),
            project: ProjectId::parse("p").unwrap(),
            kind: AppKind::App,
            key: app_key(n),
            secret: Some(app_secret(n)),
        }
    }

    fn api(&self, n: u64) -> FeedApi {
        FeedApi {
            id: self.apis[n as usize].clone(),
            project: ProjectId::parse("p").unwrap(),
            domain: DomainId::parse("acme").unwrap(),
            name: format!("orders of {n}"),
            auth: AuthType::App,
            method: Method::Get,
            path: format!("/v1/service-{n}/orders/{{id}}"),
            backend: Backend {
                https: false,
                authority: "10.0.0.7:8080".to_owned(),
                method: Method::Get,
                path: "/orders/{id}".to_owned(),
                timeout_ms: None,
                moved: Vec::new(),
                constants: Vec::new(),
                numbers: Vec::new(),
            },
            rules: Rules::default(),
        }
    }

    /// The `n`th grant. All are on one instance, as far as the gate is concerned.
    pub fn standing(&self, n: u64) -> FeedStanding {
        let triple = Triple::of(n);
        let term = term(n);
        FeedStanding {
            key: Key {
                api: self.apis[triple.api as usize].clone(),
                instance: InstanceId::shared(),
                app: self.apps[triple.app as usize].clone(),
            },
            grant: Some(Grant {
                since: term.since,
                until: term.until,
                by: self.by.clone(),
                cut: None,
            }),
            paused_from: None,
            applied_until: None,
            shutdown_at: None,
        }
    }

    /// What sorts grants as their ids do.
    pub fn order(n: u64) -> (u32, u32) {
        let triple = Triple::of(n);
        (triple.api, triple.app)
    }

    /// An index that knows all of it.
    pub fn index(&self, grants: u64) -> Index {
        let publication = |api: &ApiId| FeedPublication {
            api: api.clone(),
            instance: InstanceId::shared(),
            status: Status::Published,
            published_at: None,
        };
        let first = Batch {
            head: 1,
            apps: (0..APPS).map(|n| self.app(n)).collect(),
            apis: (0..APIS).map(|n| self.api(n)).collect(),
            publications: self.apis.iter().map(publication).collect(),
            default_project: Some(ProjectId::parse("p").unwrap()),
            ..Batch::default()
        };
        let mut index = next(&Index::empty(Arc::new(Serves::All), 1), 0, first);
        for begin in (0..grants).step_by(500_000) {
            let standings = (begin..grants.min(begin + 500_000)).map(|n| self.standing(n));
            index = self.change(&index, standings.collect());
        }
        index
    }

    /// The index after a change.
    pub fn change(&self, index: &Index, standings: Vec<FeedStanding>) -> Index {
        let since = index.revision();
        next(index, since, Batch { head: since + 1, standings, ..Batch::default() })
    }
}

fn next(index: &Index, since: u64, batch: Batch) -> Index {
    match index.apply(since, batch) {
        Applied::Newer(index) => *index,
        Applied::Unchanged | Applied::Behind | Applied::StartOver => panic!("no newer index"),
    }
}
