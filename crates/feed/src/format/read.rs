//! Messages to batches.

use tidegate_domain::standing::Cut;
use tidegate_domain::{
    ApiId, AppId, DomainId, Grant, HostName, InstanceId, Key, ProjectId, Timestamp, UserId,
};
use tidegate_gateway::{
    Backend, Batch, Constant, FeedApi, FeedApp, FeedInstance, FeedPublication, FeedStanding,
    FeedToken, Moved, Number, Rules, Throttle,
};
use tidegate_sign::Secret;

use super::codes::{self, Code};
use super::error::FormatError;
use crate::messages::{self, Record, RecordKind};

/// Puts a record where it belongs.
pub(crate) fn put(record: Record, batch: &mut Batch) -> Result<(), FormatError> {
    match record.kind.ok_or(FormatError::Unknown("a kind of record"))? {
        RecordKind::App(it) => batch.apps.push(app(it)?),
        RecordKind::AppDeleted(id) => batch.apps_deleted.push(app_id(&id)?),
        RecordKind::Api(it) => batch.apis.push(api(*it)?),
        RecordKind::ApiDeleted(id) => batch.apis_deleted.push(api_id(&id)?),
        RecordKind::Publication(it) => batch.publications.push(publication(&it)?),
        RecordKind::Standing(it) => batch.standings.push(standing(it)?),
        RecordKind::Token(it) => batch.tokens.push(token(&it)?),
        RecordKind::Instance(it) => batch.instances.push(hosting(&it)?),
        RecordKind::DefaultProject(id) => match &batch.default_project {
            None => batch.default_project = Some(project(&id)?),
            Some(_) => return Err(FormatError::BadValue("a second default project")),
        },
        RecordKind::TokenRevoked(hash) => batch.tokens_revoked.push(token_hash(&hash)?),
    }
    Ok(())
}

macro_rules! ids {
    ($($name:ident: $kind:ident, $what:literal;)+) => {$(
        fn $name(text: &str) -> Result<$kind, FormatError> {
            $kind::parse(text).map_err(|_| FormatError::BadValue($what))
        }
    )+};
}

ids! {
    api_id: ApiId, "the id of an API";
    app_id: AppId, "the id of an app";
    domain: DomainId, "the id of an account";
    instance: InstanceId, "the id of an instance";
    project: ProjectId, "the id of a project";
    user: UserId, "the id of a user";
}

fn app(app: messages::App) -> Result<FeedApp, FormatError> {
    Ok(FeedApp {
        id: app_id(&app.id)?,
        domain: domain(&app.domain)?,
        project: project(&app.project)?,
        kind: Code::of(app.kind)?,
        key: app.key,
        secret: app.secret.map(Secret::new),
    })
}

fn api(api: messages::Api) -> Result<FeedApi, FormatError> {
    Ok(FeedApi {
        id: api_id(&api.id)?,
        project: project(&api.project)?,
        domain: domain(&api.domain)?,
        name: api.name,
        auth: Code::of(api.auth)?,
        method: Code::of(api.method)?,
        path: api.path,
        backend: backend(api.backend.ok_or(FormatError::BadValue("a backend"))?)?,
        rules: rules(api.rules.ok_or(FormatError::BadValue("the rules of an API"))?)?,
    })
}

fn backend(backend: messages::Backend) -> Result<Backend, FormatError> {
    Ok(Backend {
        https: backend.https,
        authority: backend.authority,
        method: Code::of(backend.method)?,
        path: backend.path,
        timeout_ms: backend.timeout_ms,
        moved: backend.moved.into_iter().map(moved).collect::<Result<_, _>>()?,
        constants: backend.constants.into_iter().map(constant).collect::<Result<_, _>>()?,
        numbers: backend.numbers.into_iter().map(number).collect::<Result<_, _>>()?,
    })
}

fn number(number: messages::Number) -> Result<Number, FormatError> {
    Ok(Number {
        name: number.name,
        position: Code::of(number.position)?,
        may_be_empty: number.may_be_empty,
    })
}

fn moved(moved: messages::Moved) -> Result<Moved, FormatError> {
    Ok(Moved {
        name: moved.name,
        position: Code::of(moved.position)?,
        backend_name: moved.backend_name,
        backend_position: Code::of(moved.backend_position)?,
        required: moved.required,
        default: moved.default,
    })
}

fn constant(constant: messages::Constant) -> Result<Constant, FormatError> {
    Ok(Constant {
        name: constant.name,
        position: Code::of(constant.position)?,
        value: constant.value,
    })
}

fn rules(rules: messages::Rules) -> Result<Rules, FormatError> {
    Ok(Rules {
        nonce: rules.nonce,
        odd_paths: rules.odd_paths,
        upgrade: rules.upgrade,
        throttle: rules.throttle.map(throttle),
        retries: u8::try_from(rules.retries).map_err(|_| FormatError::BadValue("retries"))?,
        http2: rules.http2,
        connect_timeout_ms: rules.connect_timeout_ms,
        read_timeout_ms: rules.read_timeout_ms,
        total_timeout_ms: rules.total_timeout_ms,
        more_backends: rules.more_backends,
        require_signed_host: rules.require_signed_host,
        forward_credentials: rules.forward_credentials,
    })
}

fn throttle(throttle: messages::Throttle) -> Throttle {
    Throttle {
        name: throttle.name,
        window_ms: throttle.window_ms,
        per_api: throttle.per_api,
        per_user: throttle.per_user,
        per_app: throttle.per_app,
    }
}

fn publication(publication: &messages::Publication) -> Result<FeedPublication, FormatError> {
    Ok(FeedPublication {
        api: api_id(&publication.api)?,
        instance: instance(&publication.instance)?,
        status: codes::status(publication.status, publication.at_ms)?,
        published_at: publication.published_at_ms.map(Timestamp::from_ms),
    })
}

fn hosting(told: &messages::Instance) -> Result<FeedInstance, FormatError> {
    let host = |text: &String| {
        let host = HostName::parse(text).ok().filter(|host| host.as_str() == text);
        host.ok_or(FormatError::BadValue("the host of an instance"))
    };
    Ok(FeedInstance {
        project: project(&told.project)?,
        id: instance(&told.id)?,
        hosts: told.hosts.iter().map(host).collect::<Result<_, _>>()?,
    })
}

fn standing(standing: messages::Standing) -> Result<FeedStanding, FormatError> {
    Ok(FeedStanding {
        key: Key {
            api: api_id(&standing.api)?,
            instance: instance(&standing.instance)?,
            app: app_id(&standing.app)?,
        },
        grant: standing.grant.map(grant).transpose()?,
        paused_from: standing.paused_from_ms.map(Timestamp::from_ms),
        applied_until: standing.applied_until_ms.map(Timestamp::from_ms),
        shutdown_at: standing.shutdown_at_ms.map(Timestamp::from_ms),
    })
}

fn grant(grant: messages::Grant) -> Result<Grant, FormatError> {
    Ok(Grant {
        since: Timestamp::from_ms(grant.since_ms),
        until: Timestamp::from_ms(grant.until_ms),
        by: user(&grant.by)?,
        cut: grant.cut.map(|cut| cut_of(&cut)).transpose()?,
    })
}

fn cut_of(cut: &messages::Cut) -> Result<Cut, FormatError> {
    Ok(Cut { at: Timestamp::from_ms(cut.at_ms), cause: Code::of(cut.cause)? })
}

fn token(token: &messages::Token) -> Result<FeedToken, FormatError> {
    Ok(FeedToken {
        hash: token_hash(&token.hash)?,
        user: user(&token.user)?,
        domain: domain(&token.domain)?,
        project: project(&token.project)?,
        expires_at: Timestamp::from_ms(token.expires_at_ms),
    })
}

fn token_hash(hash: &[u8]) -> Result<[u8; 32], FormatError> {
    hash.try_into().map_err(|_| FormatError::BadValue("the hash of a token"))
}
