//! Batches to messages.

use tidegate_domain::Grant;
use tidegate_domain::standing::Cut;
use tidegate_gateway::{
    Backend, Batch, Constant, FeedApi, FeedApp, FeedInstance, FeedPublication, FeedStanding,
    FeedToken, Moved, Number, Rules, Throttle,
};

use super::codes::{Code, of_status};
use crate::messages::{self, Record, RecordKind};

/// How many records a batch has.
pub(crate) fn count(batch: &Batch) -> u64 {
    let Batch {
        epoch: _,
        head: _,
        stamp: _,
        since_stamp: _,
        apps,
        apps_deleted,
        apis,
        apis_deleted,
        publications,
        standings,
        tokens,
        instances,
        default_project,
        tokens_revoked,
    } = batch;
    let count = apps.len()
        + apps_deleted.len()
        + apis.len()
        + apis_deleted.len()
        + publications.len()
        + standings.len()
        + tokens.len()
        + instances.len()
        + usize::from(default_project.is_some())
        + tokens_revoked.len();
    count as u64
}

/// The records of a batch, made as they are asked for.
pub(crate) fn records(batch: Batch) -> impl Iterator<Item = Record> + Send {
    let Batch {
        epoch: _,
        head: _,
        stamp: _,
        since_stamp: _,
        apps,
        apps_deleted,
        apis,
        apis_deleted,
        publications,
        standings,
        tokens,
        instances,
        default_project,
        tokens_revoked,
    } = batch;
    let apps = apps.into_iter().map(|it| RecordKind::App(app(it)));
    let apis = apis.into_iter().map(|it| RecordKind::Api(Box::new(api(it))));
    let apps_deleted = apps_deleted.into_iter().map(|id| RecordKind::AppDeleted(id.to_string()));
    let apis_deleted = apis_deleted.into_iter().map(|id| RecordKind::ApiDeleted(id.to_string()));
    let publications = publications.into_iter().map(|it| RecordKind::Publication(publication(&it)));
    let standings = standings.into_iter().map(|it| RecordKind::Standing(standing(&it)));
    let tokens = tokens.into_iter().map(|it| RecordKind::Token(token(&it)));
    let instances = instances.into_iter().map(|it| RecordKind::Instance(instance(&it)));
    let default_project = default_project.map(|id| RecordKind::DefaultProject(id.to_string()));
    let tokens_revoked =
        tokens_revoked.into_iter().map(|hash| RecordKind::TokenRevoked(hash.to_vec()));
    apps.chain(apps_deleted)
        .chain(apis)
        .chain(apis_deleted)
        .chain(publications)
        .chain(standings)
        .chain(tokens)
        .chain(instances)
        .chain(default_project)
        .chain(tokens_revoked)
        .map(|kind| Record { kind: Some(kind) })
}

fn app(app: FeedApp) -> messages::App {
    let FeedApp { id, domain, project, kind, key, secret } = app;
    messages::App {
        id: id.to_string(),
        domain: domain.to_string(),
        project: project.to_string(),
        kind: kind.code(),
        key,
        secret: secret.map(|secret| secret.expose().to_owned()),
    }
}

fn api(api: FeedApi) -> messages::Api {
    let FeedApi { id, project, domain, name, auth, method, path, backend, rules } = api;
    messages::Api {
        id: id.to_string(),
        project: project.to_string(),
        domain: domain.to_string(),
        name,
        auth: auth.code(),
        method: method.code(),
        path,
        backend: Some(of_backend(backend)),
        rules: Some(of_rules(rules)),
    }
}

fn of_backend(backend: Backend) -> messages::Backend {
    let Backend { https, authority, method, path, timeout_ms, moved, constants, numbers } = backend;
    messages::Backend {
        https,
        authority,
        method: method.code(),
        path,
        timeout_ms,
        moved: moved.into_iter().map(of_moved).collect(),
        constants: constants.into_iter().map(of_constant).collect(),
        numbers: numbers.into_iter().map(of_number).collect(),
    }
}

fn of_number(number: Number) -> messages::Number {
    let Number { name, position, may_be_empty } = number;
    messages::Number { name, position: position.code(), may_be_empty }
}

fn of_moved(moved: Moved) -> messages::Moved {
    let Moved { name, position, backend_name, backend_position, required, default } = moved;
    messages::Moved {
        name,
        position: position.code(),
        backend_name,
        backend_position: backend_position.code(),
        required,
        default,
    }
}

fn of_constant(constant: Constant) -> messages::Constant {
    let Constant { name, position, value } = constant;
    messages::Constant { name, position: position.code(), value }
}

fn of_rules(rules: Rules) -> messages::Rules {
    let Rules {
        nonce,
        odd_paths,
        upgrade,
        throttle,
        retries,
        http2,
        connect_timeout_ms,
        read_timeout_ms,
        total_timeout_ms,
        more_backends,
        require_signed_host,
        forward_credentials,
    } = rules;
    messages::Rules {
        nonce,
        odd_paths,
        upgrade,
        throttle: throttle.map(of_throttle),
        retries: u32::from(retries),
        http2,
        connect_timeout_ms,
        read_timeout_ms,
        total_timeout_ms,
        more_backends,
        require_signed_host,
        forward_credentials,
    }
}

fn of_throttle(throttle: Throttle) -> messages::Throttle {
    let Throttle { name, window_ms, per_api, per_user, per_app } = throttle;
    messages::Throttle { name, window_ms, per_api, per_user, per_app }
}

fn publication(publication: &FeedPublication) -> messages::Publication {
    let FeedPublication { api, instance, status, published_at } = publication;
    let (status, at_ms) = of_status(*status);
    messages::Publication {
        api: api.to_string(),
        instance: instance.to_string(),
        status,
        at_ms,
        published_at_ms: published_at.map(|at| at.as_ms()),
    }
}

fn instance(instance: &FeedInstance) -> messages::Instance {
    let FeedInstance { project, id, hosts } = instance;
    messages::Instance {
        project: project.to_string(),
        id: id.to_string(),
        hosts: hosts.iter().map(ToString::to_string).collect(),
    }
}

fn standing(standing: &FeedStanding) -> messages::Standing {
    let FeedStanding { key, grant, paused_from, applied_until, shutdown_at } = standing;
    messages::Standing {
        api: key.api.to_string(),
        instance: key.instance.to_string(),
        app: key.app.to_string(),
        grant: grant.as_ref().map(of_grant),
        paused_from_ms: paused_from.map(|at| at.as_ms()),
        applied_until_ms: applied_until.map(|at| at.as_ms()),
        shutdown_at_ms: shutdown_at.map(|at| at.as_ms()),
    }
}

fn of_grant(grant: &Grant) -> messages::Grant {
    let Grant { since, until, by, cut } = grant;
    messages::Grant {
        since_ms: since.as_ms(),
        until_ms: until.as_ms(),
        by: by.to_string(),
        cut: cut.map(of_cut),
    }
}

fn of_cut(cut: Cut) -> messages::Cut {
    let Cut { at, cause } = cut;
    messages::Cut { at_ms: at.as_ms(), cause: cause.code() }
}

fn token(token: &FeedToken) -> messages::Token {
    let FeedToken { hash, user, domain, project, expires_at } = token;
    messages::Token {
        hash: hash.to_vec(),
        user: user.to_string(),
        domain: domain.to_string(),
        project: project.to_string(),
        expires_at_ms: expires_at.as_ms(),
    }
}
