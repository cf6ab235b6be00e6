//! Batches of every kind, at random.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::{Cut, CutCause};
use tidegate_domain::{
    ApiId, AppId, AppKind, AuthType, DomainId, Grant, HostName, InstanceId, Key, ProjectId,
    Timestamp, UserId,
};
use tidegate_gateway::{
    Backend, Batch, Constant, FeedApi, FeedApp, FeedInstance, FeedPublication, FeedStanding,
    FeedToken, Moved, Number, Position, Rules, Throttle,
};
use tidegate_sign::Secret;

/// What carries secrets has no `Debug`; proptest wants to show what fails.
#[derive(Clone)]
pub struct Shown<T>(pub T);

impl<T> std::fmt::Debug for Shown<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a sample")
    }
}

fn id() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_.-]{1,64}"
}

fn text() -> impl Strategy<Value = String> {
    ".{0,40}"
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_ms)
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![Just(Method::Get), Just(Method::Post)]
}

fn position() -> impl Strategy<Value = Position> {
    prop_oneof![Just(Position::Path), Just(Position::Query), Just(Position::Header)]
}

fn app() -> impl Strategy<Value = Shown<FeedApp>> {
    let kind = prop_oneof![Just(AppKind::App), Just(AppKind::Iam)];
    (id(), id(), id(), kind, text(), option::of(text())).prop_map(
        |(id, domain, project, kind, key, secret)| {
            Shown(FeedApp {
                id: AppId::parse(&id).unwrap(),
                domain: DomainId::parse(&domain).unwrap(),
                project: ProjectId::parse(&project).unwrap(),
                kind,
                key,
                secret: secret.map(Secret::new),
            })
        },
    )
}

fn moved() -> impl Strategy<Value = Moved> {
    (text(), position(), text(), position(), any::<bool>(), option::of(text())).prop_map(
        |(name, position, backend_name, backend_position, required, default)| Moved {
            name,
            position,
            backend_name,
            backend_position,
            required,
            default,
        },
    )
}

fn backend() -> impl Strategy<Value = Backend> {
    let constant = (text(), position(), text()).prop_map(|(name, position, value)| Constant {
        name,
        position,
        value,
    });
    let parts = (any::<bool>(), text(), method(), text(), any::<Option<u32>>());
    let number = (text(), position(), any::<bool>())
        .prop_map(|(name, position, may_be_empty)| Number { name, position, may_be_empty });
    (parts, vec(moved(), 0..3), vec(constant, 0..3), vec(number, 0..3)).prop_map(
        |((https, authority, method, path, timeout_ms), moved, constants, numbers)| Backend {
            https,
            authority,
            method,
            path,
            timeout_ms,
            moved,
            constants,
            numbers,
        },
    )
}

fn rules() -> impl Strategy<Value = Rules> {
    let throttle = (text(), any::<u64>(), any::<[Option<u64>; 3]>()).prop_map(
        |(name, window_ms, [per_api, per_user, per_app])| Throttle {
            name,
            window_ms,
            per_api,
            per_user,
            per_app,
        },
    );
    let times = any::<[Option<u32>; 3]>();
    (any::<[bool; 6]>(), option::of(throttle), any::<u8>(), times, vec(text(), 0..3)).prop_map(
        |(switches, throttle, retries, times, more_backends)| {
            let [nonce, odd_paths, upgrade, http2, require_signed_host, forward_credentials] =
                switches;
            Rules {
                nonce,
                odd_paths,
                upgrade,
                throttle,
                retries,
                http2,
                connect_timeout_ms: times[0],
                read_timeout_ms: times[1],
                total_timeout_ms: times[2],
                more_backends,
                require_signed_host,
                forward_credentials,
            }
        },
    )
}

fn api() -> impl Strategy<Value = FeedApi> {
    let auth = prop_oneof![Just(AuthType::App), Just(AuthType::Iam), Just(AuthType::None)];
    (id(), id(), id(), text(), auth, method(), text(), backend(), rules()).prop_map(
        |(id, project, domain, name, auth, method, path, backend, rules)| FeedApi {
            id: ApiId::parse(&id).unwrap(),
            project: ProjectId::parse(&project).unwrap(),
            domain: DomainId::parse(&domain).unwrap(),
            name,
            auth,
            method,
            path,
            backend,
            rules,
        },
    )
}

fn publication() -> impl Strategy<Value = FeedPublication> {
    let status = prop_oneof![
        Just(Status::Created),
        Just(Status::PublishPending),
        Just(Status::PublishRejected),
        Just(Status::Published),
        time().prop_map(|at| Status::Stopping { at }),
        Just(Status::Stopped),
        Just(Status::RecoverPending),
        time().prop_map(|at| Status::Unpublishing { at }),
        Just(Status::Offline),
    ];
    (id(), id(), status, option::of(time())).prop_map(|(api, instance, status, published_at)| {
        FeedPublication {
            api: ApiId::parse(&api).unwrap(),
            instance: InstanceId::parse(&instance).unwrap(),
            status,
            published_at,
        }
    })
}

fn standing() -> impl Strategy<Value = FeedStanding> {
    let cause =
        prop_oneof![Just(CutCause::Reviewer), Just(CutCause::App), Just(CutCause::Unpublished)];
    let cut = (time(), cause).prop_map(|(at, cause)| Cut { at, cause });
    let grant = (time(), time(), id(), option::of(cut)).prop_map(|(since, until, by, cut)| Grant {
        since,
        until,
        by: UserId::parse(&by).unwrap(),
        cut,
    });
    let moment = || option::of(time());
    (id(), id(), id(), option::of(grant), moment(), moment(), moment()).prop_map(
        |(api, instance, app, grant, paused_from, applied_until, shutdown_at)| FeedStanding {
            key: Key {
                api: ApiId::parse(&api).unwrap(),
                instance: InstanceId::parse(&instance).unwrap(),
                app: AppId::parse(&app).unwrap(),
            },
            grant,
            paused_from,
            applied_until,
            shutdown_at,
        },
    )
}

fn token() -> impl Strategy<Value = FeedToken> {
    (any::<[u8; 32]>(), id(), id(), id(), time()).prop_map(
        |(hash, user, domain, project, expires_at)| FeedToken {
            hash,
            user: UserId::parse(&user).unwrap(),
            domain: DomainId::parse(&domain).unwrap(),
            project: ProjectId::parse(&project).unwrap(),
            expires_at,
        },
    )
}

fn instance() -> impl Strategy<Value = FeedInstance> {
    (id(), id(), vec("[a-z0-9_-]{1,63}(\\.[a-z0-9_-]{1,63}){0,2}", 0..4)).prop_map(
        |(project, id, hosts)| FeedInstance {
            project: ProjectId::parse(&project).unwrap(),
            id: InstanceId::parse(&id).unwrap(),
            hosts: hosts.iter().map(|host| HostName::parse(host).unwrap()).collect(),
        },
    )
}

/// A batch of everything.
pub fn batch() -> impl Strategy<Value = Shown<Batch>> {
    let gone = (vec(id(), 0..3), vec(id(), 0..3));
    let first = (vec(app(), 0..4), vec(api(), 0..4), vec(publication(), 0..4));
    let spaces = (vec(instance(), 0..4), option::of(id()));
    let tokens = (vec(token(), 0..4), vec(any::<[u8; 32]>(), 0..3));
    let head = (text(), any::<u64>(), text(), text());
    (head, gone, first, vec(standing(), 0..6), tokens, spaces).prop_map(
        |(
            (epoch, head, stamp, since_stamp),
            gone,
            (apps, apis, publications),
            standings,
            (tokens, tokens_revoked),
            spaces,
        )| {
            Shown(Batch {
                epoch,
                head,
                stamp,
                since_stamp,
                apps: apps.into_iter().map(|app| app.0).collect(),
                apps_deleted: gone.0.iter().map(|id| AppId::parse(id).unwrap()).collect(),
                apis,
                apis_deleted: gone.1.iter().map(|id| ApiId::parse(id).unwrap()).collect(),
                publications,
                standings,
                tokens,
                instances: spaces.0,
                default_project: spaces.1.map(|id| ProjectId::parse(&id).unwrap()),
                tokens_revoked,
            })
        },
    )
}

/// All of a batch as text, secrets included, to compare with.
pub fn told(batch: &Batch) -> String {
    let apps: Vec<_> = batch
        .apps
        .iter()
        .map(|app| {
            let secret = app.secret.as_ref().map(|secret| secret.expose().to_owned());
            (&app.id, &app.domain, &app.project, app.kind, &app.key, secret)
        })
        .collect();
    format!(
        "{:?}",
        (
            (&batch.epoch, batch.head, apps, &batch.apps_deleted, &batch.apis, &batch.apis_deleted),
            (&batch.publications, &batch.standings, &batch.tokens, &batch.tokens_revoked),
        )
    )
}

/// Many standings, as a snapshot has them.
pub fn standings(count: u32) -> Vec<FeedStanding> {
    let hex = |seed: u32, of: u32| {
        let mut word = u64::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(of);
        let mut text = String::new();
        for _ in 0..2 {
            word = (word ^ (word >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            text.push_str(&format!("{word:016x}"));
        }
        text
    };
    (0..count)
        .map(|n| FeedStanding {
            key: Key {
                api: ApiId::parse(&hex(n % 1_000, 1)).unwrap(),
                instance: InstanceId::shared(),
                app: AppId::parse(&hex(n / 10, 2)).unwrap(),
            },
            grant: Some(Grant {
                since: Timestamp::from_ms(1_800_000_000_000 + i64::from(n) * 977),
                until: Timestamp::from_ms(1_830_000_000_000 + i64::from(n % 400) * 3_600_000),
                by: UserId::parse(&hex(n % 20, 3)).unwrap(),
                cut: None,
            }),
            paused_from: None,
            applied_until: None,
            shutdown_at: None,
        })
        .collect()
}
