//! Instances, apps, APIs with their rules, and throttling policies.

use std::collections::BTreeMap;

use tidegate_domain::{
    Api, App, AppId, AppKind, HostName, Instance, ProjectId, Quota, Rules, Throttle, Timestamp,
};

use super::super::access::{Stored, rows_in};
use super::super::cells::{Cells, Name, id, maybe_id};
use super::super::pool::SqlTransaction;
use super::super::tables::{api_tags, apis, apps, default_project, instances, throttles};
use super::people::some_text;
use super::stored_alone;
use crate::{AppRecord, Result, Revision, Sealed, UnreadableApi, UnreadableApp};

stored_alone!(Instance = instances, AppRecord = apps, Throttle = throttles);

impl instances::Model {
    pub fn of(instance: &Instance, revision: Revision) -> Self {
        Self {
            project: id(&instance.project),
            id: id(&instance.id),
            name: instance.name.clone(),
            description: instance.description.clone(),
            created_at: instance.created_at.as_ms(),
            revision: revision.column(),
            // A host has no blank in it.
            hosts: instance.hosts.iter().map(HostName::as_str).collect::<Vec<_>>().join(" "),
        }
    }

    fn read(self) -> Result<Instance> {
        let cells = Cells::of(instances::Entity, &[&self.project, &self.id]);
        let hosts = self.hosts.split_whitespace();
        Ok(Instance {
            hosts: hosts.map(|host| cells.text("hosts", host)).collect::<Result<_>>()?,
            id: cells.text("id", &self.id)?,
            project: cells.text("project", &self.project)?,
            name: self.name,
            description: self.description,
            created_at: Timestamp::from_ms(self.created_at),
        })
    }
}

impl default_project::Model {
    pub fn of(project: &ProjectId, revision: Revision) -> Self {
        Self { one: 1, project: id(project), revision: revision.column() }
    }

    pub fn read(self) -> Result<ProjectId> {
        Cells::of(default_project::Entity, &["1"]).text("project", &self.project)
    }
}

/// Where an app's name is unique: see `m0012_names`.
fn named_in(app: &App) -> String {
    match app.kind {
        AppKind::App => id(&app.workspace),
        AppKind::Iam => named_in_project(&app.project),
    }
}

/// Where the name of a project's app of the kind `iam` is. No id has a blank in it.
pub fn named_in_project(project: &ProjectId) -> String {
    format!("project {project}")
}

impl apps::Model {
    pub fn of(record: &AppRecord, revision: Revision) -> Self {
        let app = &record.app;
        Self {
            id: id(&app.id),
            project: id(&app.project),
            workspace: id(&app.workspace),
            name: app.name.clone(),
            name_lower: app.name.to_lowercase(),
            description: app.description.clone(),
            kind: app.kind.name().to_owned(),
            app_key: some_text(&app.app_key),
            owner: id(&app.owner),
            created_at: app.created_at.as_ms(),
            updated_at: app.updated_at.as_ms(),
            updated_by: id(&app.updated_by),
            secret_reset_at: app.secret_reset_at.map(Timestamp::as_ms),
            secret: record.secret.0.clone(),
            deleted: false,
            revision: revision.column(),
            named_in: Some(named_in(app)),
        }
    }

    /// What is left of the row of a deleted app. Its key may be used again, its secret is forgotten.
    pub fn deleted(self, revision: Revision) -> Self {
        Self {
            app_key: None,
            named_in: None,
            secret: Vec::new(),
            deleted: true,
            revision: revision.column(),
            ..self
        }
    }

    /// What names it, if that can be read while the rest cannot.
    pub fn unreadable(&self) -> Option<UnreadableApp> {
        let key = self.app_key.clone().filter(|key| !key.is_empty())?;
        Some(UnreadableApp {
            id: AppId::parse(&self.id).ok()?,
            project: ProjectId::parse(&self.project).ok()?,
            key,
        })
    }

    fn read(self) -> Result<AppRecord> {
        let cells = Cells::of(apps::Entity, &[&self.id]);
        let app = App {
            id: cells.text("id", &self.id)?,
            project: cells.text("project", &self.project)?,
            workspace: cells.text("workspace", &self.workspace)?,
            name: self.name,
            description: self.description,
            kind: cells.text("kind", &self.kind)?,
            app_key: self.app_key.unwrap_or_default(),
            owner: cells.text("owner", &self.owner)?,
            created_at: Timestamp::from_ms(self.created_at),
            updated_at: Timestamp::from_ms(self.updated_at),
            updated_by: cells.text("updated_by", &self.updated_by)?,
            secret_reset_at: self.secret_reset_at.map(Timestamp::from_ms),
        };
        let secret = Sealed(self.secret);
        Ok(AppRecord { app, secret })
    }
}

impl apis::Model {
    pub fn of(api: &Api, revision: Revision) -> Self {
        let rules = &api.rules;
        Self {
            id: id(&api.id),
            project: id(&api.project),
            workspace: id(&api.workspace),
            name: api.name.clone(),
            name_lower: api.name.to_lowercase(),
            description: api.description.clone(),
            description_lower: api.description.to_lowercase(),
            auth: api.auth.name().to_owned(),
            method: api.method.name().to_owned(),
            path: api.path.clone(),
            shape: api.route_shape(),
            visibility: api.visibility.name().to_owned(),
            manager: id(&api.manager),
            created_by: id(&api.created_by),
            created_at: api.created_at.as_ms(),
            updated_at: api.updated_at.as_ms(),
            retention_hours: api.retention_hours.into(),
            definition: api.definition.clone(),
            deleted: false,
            revision: revision.column(),
            throttle: maybe_id(rules.throttle.as_ref()),
            nonce: rules.nonce,
            odd_paths: rules.odd_paths,
            upgrade: rules.upgrade,
            retries: rules.retries.into(),
            http2: rules.http2,
            connect_timeout_ms: rules.connect_timeout_ms.map(i64::from),
            read_timeout_ms: rules.read_timeout_ms.map(i64::from),
            total_timeout_ms: rules.total_timeout_ms.map(i64::from),
            // A host has no blank in it.
            more_backends: rules.more_backends.join(" "),
            require_signed_host: rules.require_signed_host,
            forward_credentials: rules.forward_credentials,
            named_in: Some(id(&api.workspace)),
        }
    }

    fn rules(&self, cells: &Cells) -> Result<Rules> {
        let ms = |column, value| cells.maybe_number(column, value);
        Ok(Rules {
            throttle: cells.maybe("throttle", self.throttle.as_deref())?,
            nonce: self.nonce,
            odd_paths: self.odd_paths,
            upgrade: self.upgrade,
            retries: cells.number("retries", self.retries)?,
            http2: self.http2,
            connect_timeout_ms: ms("connect_timeout_ms", self.connect_timeout_ms)?,
            read_timeout_ms: ms("read_timeout_ms", self.read_timeout_ms)?,
            total_timeout_ms: ms("total_timeout_ms", self.total_timeout_ms)?,
            more_backends: self.more_backends.split_whitespace().map(str::to_owned).collect(),
            require_signed_host: self.require_signed_host,
            forward_credentials: self.forward_credentials,
        })
    }

    /// What its calls are recognised by, if that can be read while the rest cannot.
    pub fn unreadable(&self) -> Option<UnreadableApi> {
        let cells = Cells::of(apis::Entity, &[&self.id]);
        Some(UnreadableApi {
            id: cells.text("id", &self.id).ok()?,
            project: cells.text("project", &self.project).ok()?,
            auth: cells.text("auth", &self.auth).ok()?,
            method: cells.text("method", &self.method).ok()?,
            path: self.path.clone(),
            instances: Vec::new(),
        })
    }

    fn read(self, tags: Vec<String>) -> Result<Api> {
        let cells = Cells::of(apis::Entity, &[&self.id]);
        Ok(Api {
            rules: self.rules(&cells)?,
            id: cells.text("id", &self.id)?,
            project: cells.text("project", &self.project)?,
            workspace: cells.text("workspace", &self.workspace)?,
            name: self.name,
            description: self.description,
            auth: cells.text("auth", &self.auth)?,
            method: cells.text("method", &self.method)?,
            path: self.path,
            visibility: cells.text("visibility", &self.visibility)?,
            manager: cells.text("manager", &self.manager)?,
            created_by: cells.text("created_by", &self.created_by)?,
            created_at: Timestamp::from_ms(self.created_at),
            updated_at: Timestamp::from_ms(self.updated_at),
            retention_hours: cells.number("retention_hours", self.retention_hours)?,
            tags,
            definition: self.definition,
        })
    }
}

impl throttles::Model {
    pub fn of(throttle: &Throttle) -> Self {
        Self {
            workspace: id(&throttle.workspace),
            name: id(&throttle.name),
            window_seconds: throttle.quota.window_seconds.into(),
            per_api: throttle.quota.per_api.map(i64::from),
            per_user: throttle.quota.per_user.map(i64::from),
            per_app: throttle.quota.per_app.map(i64::from),
        }
    }

    fn read(self) -> Result<Throttle> {
        let cells = Cells::of(throttles::Entity, &[&self.workspace, &self.name]);
        Ok(Throttle {
            workspace: cells.text("workspace", &self.workspace)?,
            name: cells.text("name", &self.name)?,
            quota: Quota {
                window_seconds: cells.number("window_seconds", self.window_seconds)?,
                per_api: cells.maybe_number("per_api", self.per_api)?,
                per_user: cells.maybe_number("per_user", self.per_user)?,
                per_app: cells.maybe_number("per_app", self.per_app)?,
            },
        })
    }
}

/// The rows of an API's tags.
pub fn tag_rows(api: &Api) -> impl Iterator<Item = api_tags::Model> {
    (0..).zip(&api.tags).map(|(ordinal, tag)| api_tags::Model {
        api: id(&api.id),
        ordinal,
        tag: tag.clone(),
    })
}

impl Stored for Api {
    type Entity = apis::Entity;

    async fn load(tx: &SqlTransaction, rows: Vec<apis::Model>) -> Result<Vec<Self>> {
        let ids = rows.iter().map(|row| row.id.clone()).collect();
        let mut found = rows_in::<api_tags::Entity>(tx, api_tags::Column::Api, ids).await?;
        found.sort_by_key(|tag| tag.ordinal);
        let mut tags = BTreeMap::<String, Vec<String>>::new();
        for row in found {
            tags.entry(row.api).or_default().push(row.tag);
        }
        let whole = |row: apis::Model| {
            let tags = tags.remove(&row.id).unwrap_or_default();
            row.read(tags)
        };
        rows.into_iter().map(whole).collect()
    }
}
