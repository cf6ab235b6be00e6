//! Every route by every kind of caller. The outcome is a table in `tests/rights.txt`, which is
//! reviewed like code; a route without a row fails. `UPDATE_TABLE=1` writes it anew.

use std::fmt::Write as _;

use tidegate_api::{Access, ROUTES, Route};
use tidegate_control::{ApiAction, ApiDraft, Command, GrantAction, Inbox, Login, Outcome, Scope};
use tidegate_domain::{AppKind, AuthType, Quota, Role, ThrottleName};
use tidegate_sign::Secret;
use tidegate_testkit::{PEOPLE, World, draft, hour, instance};

use crate::site::{Ask, OPERATOR_TOKEN, Site};

/// Who shows the token of the data folder, which is no user's and signs nothing.
const TOKEN: &str = "operator.token";

/// Kinds of callers. `stranger` names a workspace of their own, `intruder` is the same person naming ours. `operator` has
/// the role of that name in the workspace; `operator.token` is who runs the server.
const CALLERS: [&str; 10] = [
    "nobody",
    TOKEN,
    "stranger",
    "intruder",
    "viewer",
    "operator",
    "developer",
    "owner",
    "reviewer",
    "admin",
];

/// What a route is tried on, where more than the usual matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Usual,
    /// The IAM app of the project, which every workspace sees; made by `owner`, and granted an API.
    IamApp,
    /// An API that was stopped while an app has a grant of it.
    KeptGrants,
}

impl Case {
    fn words(self) -> &'static str {
        match self {
            Self::Usual => "",
            Self::IamApp => " (an IAM app)",
            Self::KeptGrants => " (stopped, grants kept)",
        }
    }
}

/// The cases of a route: those of our own beside the usual one.
fn cases(route: &'static Route) -> Vec<(&'static Route, Case)> {
    let more = match route.name.replace(' ', "").as_str() {
        "apps::show"
        | "apps::update"
        | "apps::remove"
        | "apps::reset_secret"
        | "grants::act"
        | "grants::list_apis_of_app"
        | "gateways::show_right"
        | "inbox::confirm"
        | "inbox::show_notice"
        | "inbox::withdraw_notice" => vec![Case::IamApp],
        "apis::update" | "apis::transfer" | "apis::publish" | "apis::act" | "apis::remove"
        | "rules::set" => vec![Case::KeptGrants],
        _ => Vec::new(),
    };
    std::iter::once(Case::Usual).chain(more).map(|case| (route, case)).collect()
}

/// What a route is tried with: a request that would succeed for whoever has the right to it.
struct Try {
    path: String,
    body: String,
    subject_token: Option<String>,
}

#[tokio::test]
async fn every_route_by_every_kind_of_caller() {
    let mut table = String::from("route");
    for caller in CALLERS {
        let role = if caller == "operator" { " (role)" } else { "" };
        write!(table, " | {caller}{role}").unwrap();
    }
    table.push('\n');
    for (route, case) in ROUTES.iter().flat_map(cases) {
        write!(table, "{} {}{}", route.method, route.path, case.words()).unwrap();
        for caller in CALLERS {
            let verdict = outcome(route, case, caller).await;
            check_floor(route, case, caller, &verdict);
            write!(table, " | {verdict}").unwrap();
        }
        table.push('\n');
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rights.txt");
    if std::env::var_os("UPDATE_TABLE").is_some() {
        std::fs::write(file, &table).unwrap();
    }
    let reviewed = std::fs::read_to_string(file).unwrap_or_default();
    for (reviewed, found) in reviewed.lines().zip(table.lines()) {
        assert_eq!(found, reviewed, "the rights changed; review tests/rights.txt");
    }
    assert_eq!(table.lines().count(), reviewed.lines().count(), "a route came or went");
}

/// What must hold whatever the table says.
fn check_floor(route: &Route, case: Case, caller: &str, verdict: &str) {
    let denied = |reason: &str| assert_eq!(verdict, reason, "{caller} at {}", route.path);
    match (route.access, caller) {
        (Access::Anyone, _) => {}
        (Access::Identified | Access::Member(_), "nobody" | TOKEN) => denied("unauthenticated"),
        // Whoever may forget a gateway is refused one that still decides.
        (Access::Operator, TOKEN) => {
            let is_let_in = verdict.starts_with('2') || verdict == "gateway-holds-lease";
            assert!(is_let_in, "{}: {verdict}", route.path);
        }
        (Access::Operator, _) => denied("not-operator"),
        (Access::Member(_), "intruder") => denied("workspace-unknown"),
        (Access::Identified, name) if route.name.replace(' ', "") == "iam::revoke_token" => {
            denied(if name == "owner" { "204" } else { "404" });
        }
        (Access::Identified, _) => assert!(verdict.starts_with('2'), "{caller}: {verdict}"),
        (Access::Member(_), "stranger") => {
            let touches = route.path.contains("{a") || route.path.contains("{m");
            let only_shows = case == Case::IamApp && route.name.replace(' ', "") == "apps::show";
            assert!(
                only_shows || !touches || !verdict.starts_with('2'),
                "{} {verdict}",
                route.path
            );
        }
        (Access::Member(task), name) => {
            let role = PEOPLE.iter().find(|(n, _, _)| *n == name).map_or(Role::Viewer, |p| p.1);
            assert!(role.may(task) || verdict == "role-too-low", "{name} {} {verdict}", route.path);
        }
    }
}

async fn outcome(route: &Route, case: Case, caller: &str) -> String {
    let mut site = Site::new().await;
    match case {
        Case::Usual => {}
        Case::IamApp => iam_app(&mut site).await,
        Case::KeptGrants => kept_grants(&mut site).await,
    }
    let attempt = prepare(&site.world, route, case).await;
    let who = if caller == "intruder" { "stranger" } else { caller };
    let workspace = if caller == "stranger" { "ws-2" } else { "ws-1" };
    let ask = Ask::new(route.method, &attempt.path, &attempt.body).header("workspace", workspace);
    let ask = match &attempt.subject_token {
        Some(token) => ask.header("x-subject-token", token),
        None => ask,
    };
    let ask = match caller {
        "nobody" => ask,
        TOKEN => ask.header("authorization", &format!("Bearer {OPERATOR_TOKEN}")),
        _ => ask.signed_by(who),
    };
    site.send(ask).await.verdict()
}

/// Puts the world into the state in which `route` can succeed, and tells what to send.
async fn prepare(world: &World, route: &Route, case: Case) -> Try {
    let name = route.name.replace(' ', "");
    let mut body = "{}".to_owned();
    let mut query = "";
    let mut subject_token = None;
    let mut ids = vec![
        ("{project_id}", "project-1".to_owned()),
        ("{instance_id}", "gate-1".to_owned()),
        ("{api_id}", world.api.to_string()),
        ("{app_id}", world.app.id.to_string()),
        ("{throttle_name}", "slow".to_owned()),
        ("{gateway_id}", "gateway-1".to_owned()),
    ];
    let until = "2027-06-01T00:00:00Z";
    match name.as_str() {
        "health::alive" | "health::ready" | "iam::list_domains" | "iam::list_projects" => {}
        "iam::issue_token" => {
            body = r#"{"auth": {"identity": {"methods": ["hw_ak_sk"], "hw_ak_sk":
                {"access": {"key": "ak-owner"}, "secret": {"key": "sk-owner"}}}}}"#
                .to_owned();
        }
        "iam::check_token" | "iam::revoke_token" => subject_token = Some(token(world).await),
        "grants::act" => {
            body = format!(
                r#"{{"api_id": "{}", "instance_id": "gate-1", "app_id": "{}",
                    "apply_type": "APPLY_TYPE_AUTHORIZE", "time": "{until}"}}"#,
                world.api, world.app.id
            );
        }
        "grants::authorize_many" => {
            body = format!(r#"{{"app_ids": ["{}"], "time": "{until}"}}"#, world.app.id);
        }
        "grants::list_apps_of_api" | "grants::list_apis_of_app" => {}
        "gateways::show_right" | "gateways::list" => {}
        "gateways::forget" => crate::enforcement::heard(world, "gateway-1", 0).await,
        "inbox::list_applications" | "inbox::list_notices" => {}
        "inbox::decide" | "inbox::show_application" | "inbox::withdraw_application" => {
            let id = applied(world).await;
            body = format!(r#"{{"apply_ids": ["{id}"], "apply_result": true}}"#);
            ids.push(("{apply_id}", id));
        }
        "inbox::confirm" | "inbox::show_notice" | "inbox::withdraw_notice" => {
            let id = noticed(world).await;
            body = format!(r#"{{"message_id": "{id}", "action": 0}}"#);
            ids.push(("{message_id}", id));
        }
        "apps::create" => body = r#"{"name": "another", "app_type": "APP"}"#.to_owned(),
        "apps::update" => body = r#"{"description": "changed"}"#.to_owned(),
        "apps::list" | "apps::show" | "apps::remove" | "apps::reset_secret" => {}
        "apis::create" => body = api_body("another", "/another"),
        "apis::update" => {
            if case == Case::Usual {
                world.does("reviewer", world.on_api(ApiAction::Stop(None))).await;
            }
            body = api_body("orders", "/orders/{id}");
        }
        "apis::transfer" => body = r#"{"manager": "other-reviewer"}"#.to_owned(),
        "apis::remove" if case == Case::KeptGrants => body = format!(r#"["{}"]"#, world.api),
        "apis::publish" if case == Case::KeptGrants => {}
        "apis::act" if case == Case::KeptGrants => body = r#"{"action": "RECOVER"}"#.to_owned(),
        "rules::set" if case == Case::KeptGrants => {
            body = r#"{"more_backends": ["backend.example:80"]}"#.to_owned();
        }
        "apis::remove" => {
            let api = world.new_api(draft("shelved", "/shelved")).await;
            body = format!(r#"["{api}"]"#);
        }
        "apis::list" | "apis::list_publications" => {}
        "apis::show" => {
            let command = Command::UpdateApi { api: world.api.clone(), draft: stored().await };
            world.does("reviewer", world.on_api(ApiAction::Stop(None))).await;
            world.does("developer", command).await;
        }
        "apis::list_choices" => query = "?action=AUTHORIZE",
        "apis::publish" => {
            let api = world.new_api(draft("fresh", "/fresh")).await;
            ids.retain(|(name, _)| *name != "{api_id}");
            ids.push(("{api_id}", api.to_string()));
        }
        "apis::act" => body = r#"{"action": "STOP"}"#.to_owned(),
        "rules::show" | "rules::list_throttles" => {}
        "rules::set" => {
            throttle(world).await;
            body = r#"{"throttle": "slow"}"#.to_owned();
        }
        "rules::show_throttle" | "rules::delete_throttle" => throttle(world).await,
        "rules::set_throttle" => body = r#"{"window_seconds": 60, "per_app": 5}"#.to_owned(),
        "instances::list" | "instances::list_overview" | "instances::show" => {}
        "instances::list_approvers" => {}
        "operator::apply_world" => body = r#"{"projects": []}"#.to_owned(),
        other => panic!("the route {other} has no row in the matrix"),
    }
    let mut path = route.path.to_owned();
    for (name, value) in ids {
        path = path.replace(name, &value);
    }
    let path = path + query;
    Try { path, body, subject_token }
}

/// Makes the world's app the project's IAM app, which holds an API of its own workspace.
async fn iam_app(site: &mut Site) {
    let world = &mut site.world;
    let wanted = ApiDraft { auth: AuthType::Iam, ..draft("staff", "/staff") };
    let api = world.new_api(wanted).await;
    let publish = Command::Publish { api: api.clone(), instance: instance() };
    world.does("reviewer", publish).await;
    let (name, description) = ("acme".to_owned(), String::new());
    let make = Command::CreateApp { name, description, kind: AppKind::Iam };
    let Outcome::App(shown) = world.does("owner", make).await.outcome else { panic!("an app") };
    let app = shown.app;
    (world.api, world.app) = (api, app);
}

/// Stops the world's API after its app was granted it.
async fn kept_grants(site: &mut Site) {
    let world = &site.world;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(1000))))).await;
    let stop = world.on_api(ApiAction::Stop(Some(hour(60))));
    world.does("reviewer", stop).await;
    site.go_to(hour(61));
}

/// A draft whose definition can be shown again.
async fn stored() -> tidegate_control::ApiDraft {
    let body = serde_json::from_str(&api_body("orders", "/orders/{id}")).unwrap();
    let definition = tidegate_wire::Definition::from_body(body).unwrap().json;
    tidegate_control::ApiDraft { definition, ..draft("orders", "/orders/{id}") }
}

fn api_body(name: &str, path: &str) -> String {
    format!(
        r#"{{"name": "{name}", "path": "{path}", "manager": "reviewer", "request_type":
            "REQUEST_TYPE_GET", "protocol": "PROTOCOL_TYPE_HTTP", "api_type":
            "API_SPECIFIC_TYPE_REGISTER", "auth_type": "APP", "visibility": "WORKSPACE",
            "backend_config": {{"type": "REQUEST_TYPE_GET", "protocol": "PROTOCOL_TYPE_HTTP",
            "host": "127.0.0.1:1", "path": "{path}", "timeout": 1000}}}}"#
    )
}

async fn applied(world: &World) -> String {
    world.does("owner", world.on_grant(GrantAction::Apply(Some(hour(1000))))).await;
    let reviewer = world.caller("reviewer").await;
    let page = world
        .control
        .list_applications(&reviewer, Inbox::Waiting, None, World::ALL, world.now())
        .await
        .unwrap();
    page.items[0].application.id.to_string()
}

async fn throttle(world: &World) {
    let throttle = ThrottleName::parse("slow").unwrap();
    let quota = Quota { window_seconds: 60, per_api: None, per_user: None, per_app: Some(5) };
    world.does("developer", Command::SetThrottle { throttle, quota }).await;
}

async fn token(world: &World) -> String {
    let (access, secret) = ("ak-owner".to_owned(), Secret::new("sk-owner"));
    let login = Login::AccessKey { access, secret };
    let issued = world.control.login(login, &Scope::Own, world.now()).await;
    issued.unwrap_or_else(|error| panic!("{error}")).text.expose().to_owned()
}

async fn noticed(world: &World) -> String {
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(1000))))).await;
    world.does("reviewer", world.on_grant(GrantAction::Cancel(Some(hour(100))))).await;
    let owner = world.caller("owner").await;
    let page = world.control.list_notices(&owner, None, World::ALL, world.now()).await.unwrap();
    page.items[0].notice.id.to_string()
}

#[tokio::test]
async fn the_operators_route_opens_to_the_operator() {
    let site = Site::new().await;
    let ask = Ask::new("post", "/admin/world?dry_run=true", r#"{"projects": []}"#);
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    let got = site.send(ask.clone().header("authorization", &bearer)).await;
    assert_eq!((got.status.as_u16(), got.body["changes"].as_array().unwrap().len()), (200, 0));
    let got = site.send(ask.header("authorization", "Bearer guess")).await;
    assert_eq!(got.verdict(), "not-operator");
}
