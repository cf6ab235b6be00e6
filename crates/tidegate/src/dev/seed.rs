//! The sample world. Whatever is in it was done by its users through the same commands as
//! everything else, so the journal tells how it came about.

use std::sync::Arc;

use anyhow::Context;
use tidegate_control::{
    ApiDraft, ApiFilter, Caller, Command, InstanceSpec, MemberSpec, Outcome, Paging, ProjectSpec,
    UserSpec, WorkspaceSpec, World,
};
use tidegate_domain::{Api, AppKind, DomainId, InstanceId, ProjectId, Role, WorkspaceId};
use tidegate_sign::Secret;
use tidegate_wire::definition::Definition;
use tidegate_wire::requests::ApiBody;

use super::backend;
use crate::clock::Clock;
use crate::login::{DevFile, Login};
use crate::node::Core;
use crate::random;

/// The one project, workspace, account.
const DEMO: &str = "demo";

/// The region an SDK asks for.
pub const REGION: &str = "local-1";

/// The one instance.
pub const INSTANCE: &str = "gate-1";

/// The published API.
pub const API: &str = "weather";

/// The app without a grant.
pub const APP: &str = "wallboard";

/// Who is in it: name, role, is he a reviewer?
const PEOPLE: [(&str, Role, bool); 3] = [
    ("reviewer", Role::Developer, true),
    ("owner", Role::Developer, false),
    ("admin", Role::Admin, false),
];

/// Makes the world, or what is missing of it, and starts the backend.
pub async fn plant(core: &Core, clock: &Arc<Clock>) -> anyhow::Result<()> {
    let mut file = DevFile::read(&core.data)?;
    for (name, ..) in PEOPLE {
        if login(&file, name).is_none() {
            file.learn(vec![draw(name)?]);
        }
    }
    // Keys first: what the world is made with can be made again the same way.
    file.write(&core.data)?;
    let world = world(&file)?;
    core.control.apply(&world, false, clock.now()).await?;

    let published = sample_api(core, clock, &file).await?;
    let port = file.backend_port.or(published.as_ref().and_then(backend_port));
    let listener = backend::listen(port).await?;
    let port = listener.local_addr()?.port();
    backend::serve(listener);
    if !file.seeded {
        file.backend_port = Some(port);
        file.write(&core.data)?;
        publish(core, clock, &file, published, port).await?;
        make_app(core, clock, &file).await?;
        file.seeded = true;
        file.write(&core.data)?;
    }
    Ok(())
}

/// The sample API, if it is there.
async fn sample_api(core: &Core, clock: &Clock, file: &DevFile) -> anyhow::Result<Option<Api>> {
    let reviewer = caller(core, file, "reviewer").await?;
    let query = ApiFilter { name: Some(API.to_owned()), ..ApiFilter::default() };
    let known = core.control.list_apis(&reviewer, query, Paging::ALL, clock.now()).await?;
    let mut apis = known.items.into_iter().map(|shown| shown.api);
    Ok(apis.find(|api| api.name == API))
}

/// The port at which the sample API expects its backend.
fn backend_port(api: &Api) -> Option<u16> {
    let definition = Definition::from_json(&api.definition).ok()?;
    definition.backend_config?.host?.strip_prefix("127.0.0.1:")?.parse().ok()
}

/// New keys and a password for a user, told apart at a glance and yet nobody else's.
fn draw(name: &str) -> anyhow::Result<Login> {
    let key = random::hex(&random::bytes::<4>()?).to_uppercase();
    Ok(Login {
        name: name.to_owned(),
        project: DEMO.to_owned(),
        workspace: Some(DEMO.to_owned()),
        password: Some(format!("{name}-{}", random::hex(&random::bytes::<8>()?))),
        access_key: format!("DEV{}{key}", name.to_uppercase()),
        secret_key: random::hex(&random::bytes::<20>()?),
    })
}

fn login<'a>(file: &'a DevFile, name: &str) -> Option<&'a Login> {
    file.logins.iter().find(|login| login.name == name && login.project == DEMO)
}

fn world(file: &DevFile) -> anyhow::Result<World> {
    let users = PEOPLE.iter().filter_map(|(name, ..)| login(file, name)).map(|login| UserSpec {
        name: login.name.clone(),
        password: login.password.clone().map(Secret::new),
        access_key: Some(login.access_key.clone()),
        secret_key: Some(Secret::new(login.secret_key.as_str())),
    });
    let members = PEOPLE.iter().map(|(name, role, reviewer)| MemberSpec {
        user: (*name).to_owned(),
        role: *role,
        reviewer: *reviewer,
    });
    let workspace = WorkspaceSpec {
        id: WorkspaceId::parse(DEMO)?,
        name: DEMO.to_owned(),
        members: members.collect(),
    };
    let instance =
        InstanceSpec { id: InstanceId::parse(INSTANCE)?, name: INSTANCE.to_owned(), hosts: None };
    Ok(World {
        projects: vec![ProjectSpec {
            id: ProjectId::parse(DEMO)?,
            name: REGION.to_owned(),
            domain: DomainId::parse(DEMO)?,
            domain_name: DEMO.to_owned(),
            users: users.collect(),
            instances: vec![instance],
            workspaces: vec![workspace],
        }],
    })
}

async fn caller(core: &Core, file: &DevFile, name: &str) -> anyhow::Result<Caller> {
    let login = login(file, name).with_context(|| format!("dev.json has no user `{name}`"))?;
    let known = core.control.access_key(&login.access_key).await?;
    let (identity, _) = known.with_context(|| format!("the store has no user `{name}`"))?;
    Ok(Caller {
        user: identity.user,
        project: identity.project.id,
        workspace: Some(WorkspaceId::parse(DEMO)?),
        edition: None,
    })
}

/// The reviewer makes the API and, being its reviewer, publishes it at once.
async fn publish(
    core: &Core,
    clock: &Clock,
    file: &DevFile,
    known: Option<Api>,
    port: u16,
) -> anyhow::Result<()> {
    let reviewer = caller(core, file, "reviewer").await?;
    let api = match known {
        Some(api) => api.id,
        None => {
            let command = Command::CreateApi(weather(port)?);
            match core.control.execute(&reviewer, command, clock.now()).await?.outcome {
                Outcome::Api(id) => id,
                Outcome::Done | Outcome::App(..) => anyhow::bail!("the API was made without an id"),
            }
        }
    };
    let publish = Command::Publish { api, instance: InstanceId::parse(INSTANCE)? };
    match core.control.execute(&reviewer, publish, clock.now()).await {
        Ok(_) => Ok(()),
        // A start that was broken off may have come this far.
        Err(tidegate_control::Error::Refused(refusal)) => {
            tracing::debug!(%refusal, "the sample API is published already");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn weather(port: u16) -> anyhow::Result<ApiDraft> {
    let body: ApiBody = serde_json::from_value(serde_json::json!({
        "name": API,
        "description": "The weather in a city",
        "api_type": "API_SPECIFIC_TYPE_REGISTER",
        "auth_type": "APP",
        "manager": "reviewer",
        "path": "/weather/{city}",
        "protocol": "PROTOCOL_TYPE_HTTP",
        "request_type": "REQUEST_TYPE_GET",
        "tags": ["sample"],
        "visibility": "PROJECT",
        "request_paras": [{
            "name": "city",
            "position": "REQUEST_PARAMETER_POSITION_PATH",
            "type": "REQUEST_PARAMETER_TYPE_STRING",
            "description": "The city",
            "necessary": true,
            "example_value": "lisbon",
        }],
        "backend_config": {
            "type": "REQUEST_TYPE_GET",
            "protocol": "PROTOCOL_TYPE_HTTP",
            "host": format!("127.0.0.1:{port}"),
            "timeout": 5000,
            "path": "/weather/{city}",
            "backend_paras": [{
                "name": "city",
                "position": "REQUEST_PARAMETER_POSITION_PATH",
                "backend_para_name": "city",
            }],
        },
    }))?;
    let definition = Definition::from_body(body)?;
    Ok(ApiDraft {
        name: definition.name,
        description: definition.description,
        auth: definition.auth,
        method: definition.method,
        path: definition.path,
        visibility: definition.visibility,
        manager: definition.manager_name,
        retention_hours: definition.retention_hours,
        tags: definition.tags,
        definition: definition.json,
    })
}

/// The owner makes the app.
async fn make_app(core: &Core, clock: &Clock, file: &DevFile) -> anyhow::Result<()> {
    let owner = caller(core, file, "owner").await?;
    let named = Some(APP.to_owned());
    let known = core.control.list_apps(&owner, named, None, Paging::ALL).await?;
    if known.items.iter().any(|shown| shown.app.name == APP) {
        return Ok(());
    }
    let command = Command::CreateApp {
        name: APP.to_owned(),
        description: "A screen on a wall".to_owned(),
        kind: AppKind::App,
    };
    core.control.execute(&owner, command, clock.now()).await?;
    Ok(())
}
