use serde::Serialize;
use serde_json::{Value, json};
use tidegate_domain::api::Method;
use tidegate_domain::notice::Closed;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::{Cut, CutCause, Key};
use tidegate_domain::{
    Api, ApiId, App, AppId, AppKind, Application, ApplicationId, ApplicationKind, AuthType, Grant,
    Instance, InstanceId, Notice, NoticeId, NoticeKind, NoticeOutcome, Outcome, ProjectId,
    Publication, Rules, Standing, Timestamp, UserId, Verdict, Visibility, VoidCause, WorkspaceId,
};

use super::*;
use crate::Definition;
use crate::enums::{AuthorizationStatus, InstanceAction, InstanceCause};
use crate::requests::{self, ApiBody};

const HOUR: i64 = 3_600_000;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_ms(hours * HOUR)
}

fn user() -> UserId {
    UserId::parse("u1").unwrap()
}

fn json_of(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

fn app(kind: AppKind) -> App {
    App {
        id: AppId::parse("app1").unwrap(),
        project: ProjectId::parse("p1").unwrap(),
        workspace: WorkspaceId::parse("w1").unwrap(),
        name: "shop".into(),
        description: "The shop".into(),
        kind,
        app_key: "key1".into(),
        owner: user(),
        created_at: at(1),
        updated_at: at(2),
        updated_by: user(),
        secret_reset_at: None,
    }
}

#[test]
fn an_app_with_and_without_its_secret() {
    let names = AppNames { owner: "ann", updated_by: "bob" };
    let shown = json!({
        "id": "app1", "name": "shop", "description": "The shop", "app_key": "key1",
        "app_secret": "s3cret", "register_time": HOUR, "update_time": 2 * HOUR,
        "create_user": "ann", "update_user": "bob", "app_type": "APP",
    });
    assert_eq!(json_of(AppDto::of(&app(AppKind::App), &names, Some("s3cret"))), shown);
    let hidden = json_of(AppDto::of(&app(AppKind::App), &names, None));
    assert_eq!(hidden.get("app_secret"), None);
    let iam = json_of(AppDto::of(&app(AppKind::Iam), &names, Some("s3cret")));
    assert_eq!(iam["app_key"], "NO DATA");
    assert_eq!(iam["app_secret"], "NO DATA");
    assert_eq!(iam["app_type"], "IAM");
}

fn definition() -> Definition {
    let body = json!({
        "catalog_id": "0", "name": "orders", "api_type": "API_TYPE_REGISTER", "manager": "wang",
        "log_flag": false, "path": "/orders/{id}", "protocol": "PROTOCOL_TYPE_HTTP",
        "request_type": "REQUEST_TYPE_GET", "tags": ["sales"], "retention_period": 5,
        "publish_type": "PUBLISH_TYPE_PUBLIC", "body": "none",
        "request_paras": [{ "name": "id", "position": "REQUEST_PARAMETER_POSITION_PATH" }],
        "datasource_config": { "type": "MYSQL" },
        "backend_config": {
            "type": "REQUEST_TYPE_GET", "protocol": "PROTOCOL_TYPE_HTTPS", "host": "orders",
            "timeout": 100, "path": "/",
        },
    });
    let body: ApiBody = requests::body(body.to_string().as_bytes()).unwrap();
    Definition::from_body(body).unwrap()
}

fn api() -> Api {
    let definition = definition();
    Api {
        id: ApiId::parse("api1").unwrap(),
        project: ProjectId::parse("p1").unwrap(),
        workspace: WorkspaceId::parse("w1").unwrap(),
        name: definition.name,
        description: definition.description,
        auth: definition.auth,
        method: definition.method,
        path: definition.path,
        visibility: definition.visibility,
        manager: user(),
        created_by: user(),
        created_at: at(1),
        updated_at: at(2),
        retention_hours: definition.retention_hours,
        tags: definition.tags,
        definition: definition.json,
        rules: Rules::default(),
    }
}

const API_NAMES: ApiNames<'_> = ApiNames { manager: "wang", creator: "ann" };

fn publication() -> Publication {
    let mut publication = Publication::new(api().id, InstanceId::parse("i1").unwrap());
    publication.status = Status::Stopping { at: at(10) };
    publication
}

#[test]
fn an_api_in_a_list() {
    let overview = ApiOverview::of(&api(), &API_NAMES, AuthorizationStatus::Unauthorized);
    let mut shown = json!({
        "id": "api1", "name": "orders", "description": "", "type": "API_SPECIFIC_TYPE_REGISTER",
        "manager": "wang", "create_user": "ann", "create_time": HOUR,
        "authorization_status": "UNAUTHORIZED",
    });
    assert_eq!(json_of(&overview), shown);
    let message = ApiPublishDto::of(&publication(), "main", at(9));
    let message_shown = json!({
        "id": "api1.i1", "api_id": "api1", "instance_id": "i1", "instance_name": "main",
        "api_status": "API_STATUS_WAITING_STOP", "api_debug": "API_DEBUG_SUCCESS",
    });
    assert_eq!(json_of(&message), message_shown);
    shown["publish_messages"] = json!([message_shown]);
    shown["status"] = json!("API_STATUS_CREATED");
    shown["debug_status"] = json!("API_DEBUG_SUCCESS");
    let overview =
        overview.with_publish_messages(vec![message]).with_status(Status::Created.into());
    assert_eq!(json_of(overview), shown);
}

#[test]
fn a_publication_is_shown_as_it_is_now() {
    let later = ApiPublishDto::of(&publication(), "main", at(10));
    assert_eq!(json_of(later)["api_status"], "API_STATUS_STOPPED");
}

fn instance() -> Instance {
    Instance {
        hosts: Vec::new(),
        id: InstanceId::parse("i1").unwrap(),
        project: ProjectId::parse("p1").unwrap(),
        name: "main".into(),
        description: "All of it".into(),
        created_at: at(1),
    }
}

fn detail() -> Value {
    let stored = Definition::from_json(&api().definition).unwrap();
    let hosts = InstanceHostDto::of(&instance(), vec!["gate.example.com".into()]);
    let detail = ApiDetail::of(&api(), stored, &API_NAMES)
        .with_status(Status::Published.into(), Some("gate.example.com".into()))
        .with_hosts(hosts)
        .with_publish_messages(Vec::new());
    json_of(detail)
}

#[test]
fn an_api_in_full() {
    let detail = detail();
    for (field, value) in [
        ("id", json!("api1")),
        ("type", json!("API_SPECIFIC_TYPE_REGISTER")),
        ("name", json!("orders")),
        ("description", json!("")),
        ("protocol", json!("PROTOCOL_TYPE_HTTP")),
        ("publish_type", json!("PUBLISH_TYPE_PUBLIC")),
        ("log_flag", json!(false)),
        ("path", json!("/orders/{id}")),
        ("host", json!("gate.example.com")),
        (
            "hosts",
            json!({
                "instance_id": "i1", "instance_name": "main", "intranet_host": "gate.example.com",
                "external_host": "gate.example.com", "domains": ["gate.example.com"],
            }),
        ),
        ("request_type", json!("REQUEST_TYPE_GET")),
        ("create_user", json!("ann")),
        ("create_time", json!(HOUR)),
        ("update_time", json!(2 * HOUR)),
        ("manager", json!("wang")),
        ("status", json!("API_STATUS_PUBLISHED")),
        ("debug_status", json!("API_DEBUG_SUCCESS")),
        ("publish_messages", json!([])),
        ("request_paras", json!([{ "name": "id", "position": "REQUEST_PARAMETER_POSITION_PATH" }])),
        ("datasource_config", json!({ "type": "MYSQL" })),
        ("auth_type", json!("APP")),
        ("visibility", json!("WORKSPACE")),
        ("tags", json!(["sales"])),
        ("retention_period", json!(5)),
        ("api_type", json!("API_TYPE_REGISTER")),
        ("catalog_id", json!("0")),
    ] {
        assert_eq!(detail[field], value, "{field}");
    }
    assert_eq!(detail["backend_config"]["timeout"], 100);
}

#[test]
fn what_is_read_can_be_written_back() {
    let mut detail = detail();
    let fields = detail.as_object_mut().unwrap();
    for only_read in [
        "id",
        "type",
        "create_user",
        "create_time",
        "update_time",
        "host",
        "hosts",
        "status",
        "debug_status",
        "publish_messages",
    ] {
        assert!(fields.remove(only_read).is_some(), "{only_read}");
    }
    let body: ApiBody = requests::body(detail.to_string().as_bytes()).unwrap();
    assert_eq!(Definition::from_body(body).unwrap(), definition());
}

#[test]
fn what_the_rules_look_at_is_shown_as_it_is() {
    let api = Api {
        name: "renamed".into(),
        auth: AuthType::None,
        method: Method::Post,
        visibility: Visibility::Domain,
        ..api()
    };
    let stored = Definition::from_json(&api.definition).unwrap();
    let shown = json_of(ApiDetail::of(&api, stored, &ApiNames { manager: "li", creator: "ann" }));
    assert_eq!(shown["name"], "renamed");
    assert_eq!(shown["auth_type"], "NONE");
    assert_eq!(shown["request_type"], "REQUEST_TYPE_POST");
    assert_eq!(shown["visibility"], "DOMAIN");
    assert_eq!(shown["manager"], "li");
}

#[test]
fn an_instance_has_every_field_of_the_model() {
    let facts = InstanceFacts {
        creator: "ann".into(),
        address: Some("10.0.0.1".into()),
        published_here: 1,
        published: 2,
        nodes: vec![InstanceNodeDto::new("n1", "10.0.0.2", true, at(1), "0.1.0")],
        version: "0.1.0".into(),
    };
    let detail = json_of(InstanceDetailDto::of(&instance(), &facts));
    let overview = json_of(InstanceOverviewDto::of(&instance(), &facts));
    let short = [
        "id",
        "name",
        "description",
        "external_address",
        "intranet_address",
        "intranet_address_ipv6",
        "public_zone_id",
        "public_zone_name",
        "private_zone_id",
        "private_zone_name",
        "enterprise_project_id",
        "create_time",
        "create_user",
        "current_namespace_publish_api_num",
        "all_namespace_publish_api_num",
        "api_publishable_num",
        "deletable",
        "charge_status",
        "order_id",
    ];
    let long = [
        "order_type",
        "period_type",
        "instance_status",
        "node_num",
        "flavor",
        "gateway_version",
        "availability_zone",
        "availability_zone_name",
        "vpc_id",
        "subnet_id",
        "security_group_id",
        "nodes",
        "log_dump_flag",
        "lts_log_dump_flag",
        "log_group_id",
        "log_group_name",
        "log_stream_id",
        "log_stream_name",
    ];
    assert_eq!(overview.as_object().unwrap().len(), short.len());
    assert_eq!(detail.as_object().unwrap().len(), short.len() + long.len());
    for field in short {
        assert_eq!(overview[field], detail[field]);
        assert!(detail.get(field).is_some(), "{field}");
    }
    for field in long {
        assert!(detail.get(field).is_some(), "{field}");
    }
    assert_eq!(detail["charge_status"], "NO_CHARGE");
    assert_eq!(detail["order_type"], "ON_DEMAND");
    assert_eq!(detail["instance_status"], "RUNNING");
    assert_eq!(detail["current_namespace_publish_api_num"], 1);
    assert_eq!(detail["all_namespace_publish_api_num"], 2);
    assert_eq!(detail["create_time"], HOUR);
    assert_eq!(detail["node_num"], 1);
    assert_eq!(
        detail["flavor"],
        json!({ "id": "self-hosted", "name": "self-hosted", "disk": 0, "cpu": 0, "mem": 0 })
    );
    assert_eq!(
        detail["nodes"][0],
        json!({
            "id": "n1", "name": "n1", "private_ip": "10.0.0.2", "status": "RUNNING",
            "create_user": "", "create_time": "1970-01-01T01:00:00.000Z",
            "gateway_version": "0.1.0",
        })
    );
}

#[test]
fn an_instance_for_an_action() {
    let of = |cause| {
        json_of(InstanceForApiActionDto::of(
            &instance(),
            InstanceAction::Publish,
            Status::Created,
            cause,
        ))
    };
    let mut shown = json!({
        "instance_id": "i1", "instance_type": "DLM", "name": "main", "action": "PUBLISH",
        "result": true, "api_status": "API_STATUS_CREATED", "api_debug": "API_DEBUG_SUCCESS",
    });
    assert_eq!(of(None), shown);
    shown["result"] = json!(false);
    shown["cause"] = json!("API_STATUS_ERROR");
    assert_eq!(of(Some(InstanceCause::ApiStatusError)), shown);
}

fn key() -> Key {
    Key {
        api: ApiId::parse("api1").unwrap(),
        instance: InstanceId::parse("i1").unwrap(),
        app: AppId::parse("app1").unwrap(),
    }
}

fn application(kind: ApplicationKind, verdict: Option<(Outcome, Option<&str>)>) -> Application {
    Application {
        id: ApplicationId::parse("a1").unwrap(),
        kind,
        api: key().api,
        instance: key().instance,
        app: Some(key().app),
        applicant: user(),
        until: Some(at(20)),
        opened_at: at(2),
        verdict: verdict.map(|(outcome, comment)| Verdict {
            outcome,
            at: at(3),
            by: Some(user()),
            comment: comment.map(str::to_owned),
        }),
    }
}

fn notice(closed: Option<NoticeOutcome>) -> Notice {
    Notice {
        id: NoticeId::parse("n1").unwrap(),
        kind: NoticeKind::Cancel,
        key: key(),
        sent_by: user(),
        sent_at: at(4),
        deadline: at(60),
        scheduled: None,
        closed: closed.map(|outcome| Closed { outcome, at: at(7), by: Some(user()) }),
    }
}

fn standing() -> Standing {
    let mut standing = Standing::new(key());
    standing.grant = Some(Grant { since: at(1), until: at(100), by: user(), cut: None });
    standing
}

#[test]
fn grants_seen_by_the_api() {
    let of = |standing: &Standing, now| AuthorizedAppRecord::of(standing, "shop", "main", at(now));
    let mut shown = json!({
        "app_id": "app1", "app_name": "shop", "instance_id": "i1", "instance_name": "main",
        "api_using_time": 100 * HOUR, "approval_time": HOUR, "approve_time": HOUR,
        "relationship_type": "LINKED", "static_params": [],
    });
    let mut standing = standing();
    assert_eq!(json_of(of(&standing, 5)), shown);
    assert!(of(&standing, 100).is_none(), "a grant that has run out is not listed");

    standing.application = Some(application(ApplicationKind::Renew, None));
    shown["relationship_type"] = json!("RENEW_WAITING_CHECK");
    assert_eq!(json_of(of(&standing, 5)), shown);

    standing.application = None;
    standing.cancellation = Some(notice(None));
    standing.grant.as_mut().unwrap().cut = Some(Cut { at: at(60), cause: CutCause::Reviewer });
    shown["relationship_type"] = json!("OFFLINE_WAITING_CHECK");
    shown["api_using_time"] = json!(60 * HOUR);
    assert_eq!(json_of(of(&standing, 5)), shown);
    assert!(of(&standing, 60).is_none());

    let mut applied = Standing::new(key());
    applied.application = Some(application(ApplicationKind::Apply, None));
    let listed = json_of(of(&applied, 5));
    assert_eq!(listed["relationship_type"], "LINK_WAITING_CHECK");
    assert_eq!(listed["api_using_time"], 20 * HOUR);
    assert_eq!(listed.get("approval_time"), None);
    assert!(of(&applied, 20).is_none(), "the end asked for has passed");
    assert!(of(&Standing::new(key()), 5).is_none());
}

#[test]
fn grants_seen_by_the_app() {
    let record = BoundApiRecord::of(&standing(), &api(), "wang", "main", at(5)).unwrap();
    assert_eq!(
        json_of(record),
        json!({
            "id": "api1", "name": "orders", "description": "", "approval_time": HOUR,
            "approve_time": HOUR, "manager": "wang", "deadline": 100 * HOUR,
            "relationship_type": "LINKED", "static_params": [], "instance_id": "i1",
            "instance_name": "main",
        })
    );
    assert!(BoundApiRecord::of(&standing(), &api(), "wang", "main", at(100)).is_none());
}

const NAMES: Names<'_> =
    Names { api: "orders", app: Some("shop"), applicant: "ann", approver: Some("wang") };

#[test]
fn applications() {
    let of = |kind, verdict| {
        ApplyRecord::of_application(&application(kind, verdict), &NAMES).map(json_of)
    };
    let mut shown = json!({
        "id": "a1", "api_apply_status": "STATUS_TYPE_PENDING_APPROVAL",
        "api_apply_type": "APPLY_TYPE_APPLY", "api_id": "api1", "api_name": "orders",
        "api_using_time": 20 * HOUR, "app_id": "app1", "app_name": "shop",
        "apply_time": 2 * HOUR, "approver_name": "wang", "user_name": "ann", "instance_id": "i1",
    });
    assert_eq!(of(ApplicationKind::Apply, None), Some(shown.clone()));
    shown["approval_time"] = json!(3 * HOUR);
    shown["api_apply_status"] = json!("STATUS_TYPE_REJECTED");
    shown["comment"] = json!("not now");
    let rejected = of(ApplicationKind::Apply, Some((Outcome::Rejected, Some("not now"))));
    assert_eq!(rejected, Some(shown.clone()));
    shown["comment"] = json!("the API was unpublished");
    let void = Outcome::Void(VoidCause::Unpublished);
    assert_eq!(of(ApplicationKind::Apply, Some((void, None))), Some(shown));
    assert_eq!(of(ApplicationKind::Apply, Some((Outcome::Withdrawn, None))), None);
}

#[test]
fn an_application_to_publish_is_about_no_app() {
    let publish =
        Application { app: None, until: None, ..application(ApplicationKind::Publish, None) };
    let names = Names { app: None, ..NAMES };
    let shown = json_of(ApplyRecord::of_application(&publish, &names).unwrap());
    assert_eq!(shown["api_apply_type"], "APPLY_TYPE_PUBLISH");
    for field in ["app_id", "app_name", "api_using_time"] {
        assert_eq!(shown.get(field), None);
    }
}

#[test]
fn notices() {
    let names = Names { applicant: "wang", approver: None, ..NAMES };
    let of = |notice: &Notice| ApplyRecord::of_notice(notice, &names).map(json_of);
    let mut shown = json!({
        "id": "n1", "api_apply_status": "STATUS_TYPE_PENDING_CHECK",
        "api_apply_type": "APPLY_TYPE_API_CANCEL_AUTHORIZE", "api_id": "api1",
        "api_name": "orders", "api_using_time": 60 * HOUR, "app_id": "app1", "app_name": "shop",
        "apply_time": 4 * HOUR, "user_name": "wang", "instance_id": "i1",
    });
    assert_eq!(of(&notice(None)), Some(shown.clone()));
    let scheduled = Notice { scheduled: Some(at(30)), ..notice(None) };
    shown["api_apply_status"] = json!("STATUS_TYPE_PENDING_EXECUTE");
    shown["api_using_time"] = json!(30 * HOUR);
    assert_eq!(of(&scheduled), Some(shown.clone()));
    shown["api_apply_status"] = json!("STATUS_TYPE_SYNCHRONOUS_EXECUTE");
    shown["api_using_time"] = json!(7 * HOUR);
    shown["approval_time"] = json!(7 * HOUR);
    assert_eq!(of(&notice(Some(NoticeOutcome::Confirmed))), Some(shown));
    assert_eq!(of(&notice(Some(NoticeOutcome::Withdrawn))), None);
}

#[test]
fn a_reviewer_has_every_field_terraform_reads() {
    let project = ProjectId::parse("p1").unwrap();
    let mut record = ApproverRecord::of(&user(), "wang", &project);
    record.create_time = HOUR;
    let shown = json_of(record);
    for field in [
        "id",
        "approver_name",
        "user_id",
        "user_name",
        "email",
        "phone_number",
        "department",
        "description",
        "character",
        "create_by",
        "create_time",
        "app_name",
        "topic_urn",
        "template_id",
        "project_id",
        "approver_type",
    ] {
        assert!(shown.get(field).is_some(), "{field}");
    }
    assert_eq!((&shown["approver_type"], &shown["create_time"]), (&json!(0), &json!(HOUR)));
    assert_eq!(shown["approver_name"], "wang");
}

#[test]
fn each_list_names_its_items() {
    assert_eq!(json_of(Records::new(3, vec![1])), json!({ "total": 3, "records": [1] }));
    assert_eq!(json_of(Apis::new(3, vec![1])), json!({ "total": 3, "apis": [1] }));
    assert_eq!(json_of(Apps::new(0, vec![])), json!({ "total": 0, "apps": [] }));
    assert_eq!(json_of(Instances::new(0, vec![])), json!({ "total": 0, "instances": [] }));
    assert_eq!(
        json_of(PublishMessages::new(0, vec![])),
        json!({ "total": 0, "publish_messages": [] })
    );
    assert_eq!(json_of(Approvers::new(0, vec![])), json!({ "total": 0, "approvers": [] }));
    assert_eq!(
        json_of(InstanceOverviews::new(0, vec![])),
        json!({ "total": 0, "scale_down": false, "scale_out": false, "instances": [] })
    );
    assert_eq!(json_of(InstancesForAction::new(vec![])), json!({ "instances": [] }));
    assert_eq!(json_of(CreatedApi { id: "api1".into() }), json!({ "id": "api1" }));
}
