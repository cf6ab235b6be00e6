//! Every route, in one table. The table makes the router and is what the matrix of rights is tested
//! against, so no route can escape either.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use http::{HeaderName, HeaderValue};
use tidegate_domain::Task;
use tidegate_wire::errors;

use crate::Api;
use crate::fault::Fault;
use crate::handlers::{
    apis, apps, gateways, grants, health, iam, inbox, instances, operator, rules,
};

/// Who may use a route at all. What he may do with it is decided where the command is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Anyone,
    /// Whoever proves who he is.
    Identified,
    /// A member of the workspace whose role covers the task.
    Member(Task),
    /// Who holds the operator's token.
    Operator,
}

/// A route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Its method.
    pub method: &'static str,
    /// Its path, with placeholders.
    pub path: &'static str,
    /// The handler's name.
    pub name: &'static str,
    /// Who may use it at all.
    pub access: Access,
}

macro_rules! routes {
    ($($method:ident $path:literal $access:expr => $handler:path;)+) => {
        /// Every route of the control side.
        pub const ROUTES: &[Route] = &[$(Route {
            method: stringify!($method),
            path: $path,
            name: stringify!($handler),
            access: $access,
        }),+];

        fn table() -> Router<Api> {
            Router::new()$(.route($path, $method($handler)))+
        }
    };
}

use Access::{Anyone, Identified, Member, Operator};

routes! {
    get "/healthz" Anyone => health::alive;
    get "/readyz" Anyone => health::ready;

    post "/v3/auth/tokens" Anyone => iam::issue_token;
    get "/v3/auth/tokens" Identified => iam::check_token;
    delete "/v3/auth/tokens" Identified => iam::revoke_token;
    get "/v3/auth/domains" Identified => iam::list_domains;
    get "/v3/projects" Identified => iam::list_projects;

    post "/v1/{project_id}/service/apis/authorize/action" Member(Task::Operate) => grants::act;
    post "/v1/{project_id}/service/apis/{api_id}/instances/{instance_id}/authorize" Member(Task::Operate) => grants::authorize_many;
    get "/v1/{project_id}/service/authorize/apis/{api_id}" Member(Task::Query) => grants::list_apps_of_api;
    get "/v1/{project_id}/service/authorize/apps/{app_id}" Member(Task::Query) => grants::list_apis_of_app;

    get "/v1/{project_id}/service/apis/{api_id}/instances/{instance_id}/apps/{app_id}/enforcement" Member(Task::Query) => gateways::show_right;

    get "/v1/{project_id}/service/applys" Member(Task::Query) => inbox::list_applications;
    post "/v1/{project_id}/service/applys" Member(Task::Review) => inbox::decide;
    get "/v1/{project_id}/service/applys/{apply_id}" Member(Task::Query) => inbox::show_application;
    post "/v1/{project_id}/service/applys/{apply_id}/withdraw" Member(Task::Operate) => inbox::withdraw_application;
    get "/v1/{project_id}/service/messages" Member(Task::Query) => inbox::list_notices;
    post "/v1/{project_id}/service/messages" Member(Task::Operate) => inbox::confirm;
    get "/v1/{project_id}/service/messages/{message_id}" Member(Task::Query) => inbox::show_notice;
    post "/v1/{project_id}/service/messages/{message_id}/withdraw" Member(Task::Operate) => inbox::withdraw_notice;
    get "/v1/{project_id}/service/authorizeapply/approver" Member(Task::ListReviewers) => instances::list_approvers;

    get "/v1/{project_id}/service/apps" Member(Task::Query) => apps::list;
    post "/v1/{project_id}/service/apps" Member(Task::Edit) => apps::create;
    get "/v1/{project_id}/service/apps/{app_id}" Member(Task::Query) => apps::show;
    put "/v1/{project_id}/service/apps/{app_id}" Member(Task::Edit) => apps::update;
    delete "/v1/{project_id}/service/apps/{app_id}" Member(Task::Edit) => apps::remove;
    post "/v1/{project_id}/service/apps/{app_id}/reset-secret" Member(Task::ResetSecret) => apps::reset_secret;

    get "/v1/{project_id}/service/apis" Member(Task::Query) => apis::list;
    post "/v1/{project_id}/service/apis" Member(Task::Edit) => apis::create;
    get "/v1/{project_id}/service/apis/{api_id}" Member(Task::Query) => apis::show;
    put "/v1/{project_id}/service/apis/{api_id}" Member(Task::Edit) => apis::update;
    post "/v1/{project_id}/service/apis/{api_id}/transfer" Member(Task::Operate) => apis::transfer;
    post "/v1/{project_id}/service/apis/batch-delete" Member(Task::Edit) => apis::remove;
    get "/v1/{project_id}/service/apis/{api_id}/publish-info" Member(Task::Query) => apis::list_publications;
    get "/v1/{project_id}/service/apis/{api_id}/instances" Member(Task::Query) => apis::list_choices;
    post "/v1/{project_id}/service/apis/{api_id}/instances/{instance_id}/publish" Member(Task::Operate) => apis::publish;
    post "/v1/{project_id}/service/apis/{api_id}/instances/{instance_id}/action" Member(Task::Operate) => apis::act;
    get "/v1/{project_id}/service/apis/{api_id}/rules" Member(Task::Query) => rules::show;
    put "/v1/{project_id}/service/apis/{api_id}/rules" Member(Task::Operate) => rules::set;

    get "/v1/{project_id}/service/throttles" Member(Task::Query) => rules::list_throttles;
    get "/v1/{project_id}/service/throttles/{throttle_name}" Member(Task::Query) => rules::show_throttle;
    put "/v1/{project_id}/service/throttles/{throttle_name}" Member(Task::Edit) => rules::set_throttle;
    delete "/v1/{project_id}/service/throttles/{throttle_name}" Member(Task::Edit) => rules::delete_throttle;

    get "/v1/{project_id}/service/instances" Member(Task::Query) => instances::list;
    get "/v1/{project_id}/service/instances/overview" Member(Task::Query) => instances::list_overview;
    get "/v1/{project_id}/service/instances/{instance_id}" Member(Task::Query) => instances::show;

    post "/admin/world" Operator => operator::apply_world;
    get "/admin/gateways" Operator => gateways::list;
    delete "/admin/gateways/{gateway_id}" Operator => gateways::forget;
}

/// The control side's routes.
pub fn router(api: Api) -> Router {
    table()
        .fallback(no_route)
        .method_not_allowed_fallback(no_route)
        .layer(middleware::from_fn(trace))
        .with_state(api)
}

async fn no_route() -> Fault {
    errors::Fault::NoSuchCall.into()
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives every call an id, and the log a line.
async fn trace(request: Request, next: Next) -> Response {
    let Some(id) = request_id() else {
        return Fault::from(errors::Fault::Internal).into_response();
    };
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let reason = response.headers().get("x-tidegate-reason").and_then(|v| v.to_str().ok());
    let status = response.status().as_u16();
    tracing::info!(request_id = %id, %method, path, status, reason, "call");
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn request_id() -> Option<String> {
    let mut bytes = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(tidegate_sign::hex(&bytes))
}
