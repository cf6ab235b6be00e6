//! What the vendor's clients rely on: paging, filters, codes of unknown ids, tokens for an account.

use serde_json::json;
use tidegate_control::{Command, GrantAction};
use tidegate_domain::InstanceId;
use tidegate_testkit::{draft, hour};

use crate::site::{Ask, Got, Site};

fn length(got: &Got, list: &str) -> usize {
    got.body[list].as_array().unwrap_or_else(|| panic!("{list} in {}", got.body)).len()
}

#[tokio::test]
async fn whoever_adds_the_rows_they_got_to_the_offset_comes_to_an_empty_page() {
    let site = Site::new().await;
    for name in ["second", "third"] {
        site.world.new_app("owner", name).await;
        site.world.new_api(draft(name, &format!("/{name}"))).await;
    }
    let on_api = format!("/authorize/apis/{}", site.world.api);
    site.world.does("reviewer", site.world.on_grant(GrantAction::Authorize(Some(hour(9))))).await;
    let of_app = format!("/authorize/apps/{}", site.world.app.id);
    let published = format!("/apis/{}/publish-info", site.world.api);
    let lists = [
        ("/apps", "apps", 3),
        ("/apis", "records", 3),
        ("/instances", "instances", 1),
        ("/instances/overview", "instances", 1),
        ("/applys", "records", 0),
        (&on_api, "records", 1),
        (&of_app, "records", 1),
        (&published, "publish_messages", 1),
        ("/throttles", "throttles", 0),
    ];
    for (path, list, total) in lists {
        for limit in [1, 2, 100] {
            let (mut offset, mut asked) = (0, 0);
            loop {
                let page = format!("{path}?limit={limit}&offset={offset}");
                let got = site.call("owner", "get", &page, "").await;
                assert_eq!(got.status.as_u16(), 200, "{page}: {}", got.body);
                assert_eq!(got.body["total"], total, "{page}");
                asked += 1;
                match length(&got, list) {
                    0 => break,
                    rows => offset += rows,
                }
                assert!(asked < 9, "{page} never ends");
            }
            assert_eq!(offset, total, "{path} by {limit}");
        }
    }
}

#[tokio::test]
async fn a_limit_that_is_not_from_1_to_1000_is_refused() {
    let site = Site::new().await;
    for path in ["/apps", "/apis", "/instances", "/applys", "/messages"] {
        for (limit, verdict) in
            [("1", "200"), ("1000", "200"), ("0", "malformed"), ("1001", "malformed")]
        {
            let got = site.call("owner", "get", &format!("{path}?limit={limit}"), "").await;
            assert_eq!(got.verdict(), verdict, "{path} {limit}");
        }
    }
    let got = site.call("admin", "get", "/authorizeapply/approver?size=2000&page=1", "").await;
    assert_eq!(got.verdict(), "malformed");
}

#[tokio::test]
async fn no_filter_is_ignored() {
    let site = Site::new().await;
    let cases = [
        ("/apis?api_type=API_SPECIFIC_TYPE_REGISTER", 1),
        ("/apis?api_type=API_SPECIFIC_TYPE_SCRIPT", 0),
        ("/apis?api_type=API_SPECIFIC_TYPE_MYBATIS", 0),
        ("/apis?api_type=", 1),
        ("/apis?table_name=orders", 0),
        ("/apis?table_name=", 1),
        ("/instances?create_user=rita", 0),
        ("/instances?create_user=", 1),
        ("/instances/overview?create_user=rita", 0),
        ("/instances?name=no%20such", 0),
        ("/apps?name=no-such", 0),
        ("/apps?app_type=IAM", 0),
    ];
    for (path, total) in cases {
        let got = site.call("owner", "get", path, "").await;
        assert_eq!(got.body["total"], total, "{path}: {}", got.body);
    }
    let got = site.call("owner", "get", "/apis?api_type=API_SPECIFIC_TYPE_WISH", "").await;
    assert_eq!(got.verdict(), "malformed");
    let path = format!("/apis/{}/instances?action=STOP", site.world.api);
    for (part, rows) in [("", 1), ("&limit=1", 1), ("&limit=1&offset=1", 0)] {
        let got = site.call("reviewer", "get", &format!("{path}{part}"), "").await;
        assert_eq!(length(&got, "instances"), rows, "{part}");
    }
}

#[tokio::test]
async fn an_api_is_listed_in_the_edition_it_was_published_in() {
    let site = Site::new().await;
    let shared = site.world.new_api(draft("shared", "/shared")).await;
    site.world.new_api(draft("nowhere", "/nowhere")).await;
    let instance = InstanceId::shared();
    site.world.does("reviewer", Command::Publish { api: shared, instance }).await;
    for (edition, names) in [
        (None, ["nowhere", "orders", "shared"].as_slice()),
        (Some("SHARED"), &["nowhere", "shared"]),
        (Some("EXCLUSIVE"), &["nowhere", "orders"]),
    ] {
        let mut ask = Ask::new("get", "/v1/project-1/service/apis", "").header("workspace", "ws-1");
        if let Some(edition) = edition {
            ask = ask.header("dlm-type", edition);
        }
        let got = site.send(ask.signed_by("owner")).await;
        let records = got.body["records"].as_array().unwrap();
        let mut listed: Vec<&str> = records.iter().map(|r| r["name"].as_str().unwrap()).collect();
        listed.sort_unstable();
        assert_eq!(listed, names, "{edition:?}");
        assert_eq!(got.body["total"], names.len(), "{edition:?}");
    }
}

/// By these codes the Terraform provider learns that something is gone.
#[tokio::test]
async fn what_does_not_exist_has_the_vendors_code() {
    let site = Site::new().await;
    let gone = "0123456789abcdef0123456789abcdef";
    let api = site.world.api.to_string();
    let act = json!({
        "api_id": gone, "instance_id": "gate-1", "app_id": site.world.app.id.as_str(),
        "apply_type": "APPLY_TYPE_AUTHORIZE", "time": "2027-06-01T00:00:00Z",
    });
    let mut unknown_app = act.clone();
    unknown_app["api_id"] = api.as_str().into();
    unknown_app["app_id"] = gone.into();
    let cases = [
        ("get", format!("/apps/{gone}"), String::new(), "DLM.4063"),
        ("put", format!("/apps/{gone}"), json!({"name": "x_1"}).to_string(), "DLM.4063"),
        ("delete", format!("/apps/{gone}"), String::new(), "DLM.4063"),
        ("get", format!("/authorize/apps/{gone}"), String::new(), "DLM.4063"),
        ("get", format!("/apis/{gone}"), String::new(), "DLM.4018"),
        ("get", format!("/authorize/apis/{gone}"), String::new(), "DLM.4018"),
        ("get", format!("/apis/{gone}/publish-info"), String::new(), "DLM.4018"),
        ("post", format!("/apis/{gone}/instances/gate-1/publish"), String::new(), "DLM.4018"),
        ("post", "/apis/authorize/action".to_owned(), act.to_string(), "DLM.4018"),
        ("post", "/apis/authorize/action".to_owned(), unknown_app.to_string(), "DLM.4063"),
        ("post", "/apis/batch-delete".to_owned(), json!([gone]).to_string(), "DLM.4197"),
        ("get", format!("/instances/{gone}"), String::new(), "DLM.4292"),
        ("post", format!("/apis/{api}/instances/{gone}/publish"), String::new(), "DLM.4215"),
        (
            "post",
            format!("/apis/{api}/instances/gate-1/action"),
            json!({"action": "RECOVER"}).to_string(),
            "DLM.4182",
        ),
        ("post", format!("/apis/{api}/instances/gate-1/publish"), String::new(), "DLM.4182"),
    ];
    for (method, path, body, code) in cases {
        let got = site.call("reviewer", method, &path, &body).await;
        let found = (got.status.as_u16(), got.body["error_code"].as_str().unwrap_or_default());
        assert_eq!(found, (400, code), "{method} {path} {body}");
    }
}

#[tokio::test]
async fn an_unknown_catalog_is_refused() {
    let site = Site::new().await;
    let definition = |catalog: Option<&str>, name: &str| {
        json!({
            "name": name, "path": format!("/{name}"), "manager": "reviewer",
            "request_type": "REQUEST_TYPE_GET", "protocol": "PROTOCOL_TYPE_HTTP",
            "api_type": "API_SPECIFIC_TYPE_REGISTER", "catalog_id": catalog,
            "backend_config": {"type": "REQUEST_TYPE_GET", "protocol": "PROTOCOL_TYPE_HTTP",
                "host": "orders.example", "path": "/", "timeout": 1000},
        })
        .to_string()
    };
    for (catalog, name) in [(None, "bare"), (Some("0"), "root"), (Some(""), "blank")] {
        let got = site.call("developer", "post", "/apis", &definition(catalog, name)).await;
        assert_eq!(got.status.as_u16(), 200, "{catalog:?}: {}", got.body);
    }
    for catalog in ["1", "00", "0123456789abcdef0123456789abcdef"] {
        let got = site.call("developer", "post", "/apis", &definition(Some(catalog), "lost")).await;
        assert_eq!(got.verdict(), "catalog-unknown");
        assert_eq!(got.body["error_code"], "DLM.4205", "{catalog}");
    }
}

#[tokio::test]
async fn terraform_gets_no_object_where_it_reads_a_list() {
    let site = Site::new().await;
    let body = json!({
        "name": "bills", "path": "/bills", "manager": "reviewer",
        "request_type": "REQUEST_TYPE_GET", "protocol": "PROTOCOL_TYPE_HTTP",
        "api_type": "API_SPECIFIC_TYPE_REGISTER",
        "backend_config": {"type": "REQUEST_TYPE_GET", "protocol": "PROTOCOL_TYPE_HTTP",
            "host": "bills.example", "path": "/", "timeout": 1000},
    });
    let made = site.call("developer", "post", "/apis", &body.to_string()).await;
    let path = format!("/v1/project-1/service/apis/{}", made.body["id"].as_str().unwrap());
    for (agent, shown) in [
        ("terraform-provider-huaweicloud/1.80.0 golangsdk/2.0.0", false),
        ("terraform-provider-iac", false),
        ("huaweicloud-usdk-go/3.0", true),
        ("not-terraform-provider-", true),
    ] {
        let ask = Ask::new("get", &path, "").header("workspace", "ws-1");
        let got = site.send(ask.header("user-agent", agent).signed_by("owner")).await;
        assert_eq!(got.body["name"], "bills", "{}", got.body);
        assert_eq!(got.body.get("backend_config").is_some(), shown, "{agent}");
        assert!(got.body.get("hosts").is_none());
    }
}

#[tokio::test]
async fn a_reviewers_kind_and_time_are_numbers() {
    let site = Site::new().await;
    let got = site.call("admin", "get", "/authorizeapply/approver?size=100&page=1", "").await;
    let approver = &got.body["approvers"][0];
    assert_eq!(approver["approver_name"], "other-reviewer");
    assert!(approver["approver_type"].is_i64() && approver["create_time"].is_i64(), "{approver}");
}

#[tokio::test]
async fn a_token_for_an_account() {
    let site = Site::new().await;
    let mine = site.send(Ask::new("get", "/v3/auth/domains", "").signed_by("owner")).await;
    let (id, name) = (&mine.body["domains"][0]["id"], &mine.body["domains"][0]["name"]);
    assert_eq!(mine.body["domains"].as_array().unwrap().len(), 1);
    assert_eq!(site.send(Ask::new("get", "/v3/auth/domains", "")).await.status.as_u16(), 401);
    for (domain, status) in [
        (json!({"name": name}), 201),
        (json!({"id": id}), 201),
        (json!({"name": "someone-else"}), 403),
        (json!({"id": "ffffffffffffffffffffffffffffffff"}), 403),
    ] {
        let body = json!({"auth": {
            "identity": {"methods": ["hw_ak_sk"],
                "hw_ak_sk": {"access": {"key": "ak-owner"}, "secret": {"key": "sk-owner"}}},
            "scope": {"domain": domain},
        }});
        let got = site.send(Ask::new("post", "/v3/auth/tokens", &body.to_string())).await;
        assert_eq!(got.status.as_u16(), status, "{domain}: {}", got.body);
        assert_eq!(got.headers.contains_key("x-subject-token"), status == 201);
        if status == 201 {
            assert_eq!(&got.body["token"]["domain"]["id"], id);
            assert!(got.body["token"].get("project").is_none());
            // It opens what its user's keys open, and no other project.
            let token = got.headers["x-subject-token"].to_str().unwrap().to_owned();
            for project in ["project-1", "project-2", "project-3"] {
                let path = format!("/v1/{project}/service/apps");
                let ask = || Ask::new("get", &path, "").header("workspace", "ws-1");
                let with_key = site.send(ask().signed_by("owner")).await;
                let with_token = site.send(ask().header("x-auth-token", &token)).await;
                assert_eq!(with_token.status, with_key.status, "{path}: {}", with_token.body);
                assert_eq!(with_token.status.is_success(), project == "project-1", "{path}");
            }
        }
    }
}

#[tokio::test]
async fn a_temporary_key_is_refused_by_name() {
    let site = Site::new().await;
    let ask = || Ask::new("get", "/v1/project-1/service/apps", "").header("workspace", "ws-1");
    let got = site.send(ask().header("x-security-token", "made-up").signed_by("owner")).await;
    assert_eq!(got.verdict(), "unauthenticated");
    assert!(got.body["error_msg"].as_str().unwrap().contains("X-Security-Token"));
    let mut unsigned = ask().signed_by("owner");
    unsigned.headers.insert("x-security-token", "made-up".parse().unwrap());
    assert_eq!(site.send(unsigned).await.verdict(), "unauthenticated");
    let got = site.send(ask().header("x-security-token", "").signed_by("owner")).await;
    assert_eq!(got.status.as_u16(), 200);
}
