//! Tokens: got, used, asked about, ended.

use serde_json::json;
use tidegate_domain::time::DAY_MS;

use crate::site::{Ask, Got, Site};

async fn token(site: &Site, body: serde_json::Value) -> Got {
    site.send(Ask::new("post", "/v3/auth/tokens", &body.to_string())).await
}

fn by_key(secret: &str) -> serde_json::Value {
    json!({"auth": {
        "identity": {"methods": ["hw_ak_sk"],
            "hw_ak_sk": {"access": {"key": "ak-owner"}, "secret": {"key": secret}}},
        "scope": {"project": {"name": "local-1"}},
    }})
}

#[tokio::test]
async fn a_token_comes_in_a_header_and_is_good_for_a_day() {
    let mut site = Site::new().await;
    let got = token(&site, by_key("sk-owner")).await;
    assert_eq!(got.status.as_u16(), 201);
    assert_eq!(got.body["token"]["project"]["id"], "project-1");
    let text = got.headers["x-subject-token"].to_str().unwrap().to_owned();
    assert!(!got.body.to_string().contains(&text), "it is in the header only");

    let list = Ask::new("get", "/v1/project-1/service/apps", "").header("x-auth-token", &text);
    assert_eq!(site.send(list.clone()).await.body["total"], 1);
    let about = Ask::new("get", "/v3/auth/tokens", "")
        .header("x-auth-token", &text)
        .header("x-subject-token", &text);
    assert_eq!(site.send(about).await.body["token"]["user"]["name"], "owner");

    site.go_to(site.world.now().plus_ms(DAY_MS - 1));
    assert!(site.send(list.clone()).await.status.is_success());
    site.go_to(site.world.now().plus_ms(1));
    assert_eq!(site.send(list).await.verdict(), "unauthenticated");
}

#[tokio::test]
async fn refusals_have_keystones_form() {
    let site = Site::new().await;
    let wrong = token(&site, by_key("sk-other")).await;
    assert_eq!((wrong.status.as_u16(), &wrong.body["error"]["code"]), (401, &401.into()));
    let mut elsewhere = by_key("sk-owner");
    elsewhere["auth"]["scope"]["project"]["name"] = "mars-1".into();
    assert_eq!(token(&site, elsewhere).await.status.as_u16(), 403);
    assert_eq!(token(&site, json!({})).await.status.as_u16(), 400);
}

#[tokio::test]
async fn an_sdk_that_knows_its_region_finds_its_project() {
    let site = Site::new().await;
    let ask = |name: &str| Ask::new("get", &format!("/v3/projects?name={name}"), "");
    let got = site.send(ask("local-1").signed_by("owner")).await;
    assert_eq!(got.body["projects"][0]["id"], "project-1");
    let got = site.send(ask("mars-1").signed_by("owner")).await;
    assert_eq!(got.body["projects"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn who_is_wrong_too_often_has_to_wait_and_others_do_not() {
    let site = Site::new().await;
    let wrong = |name: &str| {
        json!({"auth": {"identity": {"methods": ["password"], "password": {"user": {
            "name": name, "password": "guess", "domain": {"name": "acme"}}}}}})
    };
    let mut refused = None;
    for _ in 0..50 {
        let got = token(&site, wrong("nobody")).await;
        if got.status.as_u16() != 401 {
            refused = Some(got);
            break;
        }
    }
    let got = refused.unwrap();
    assert_eq!((got.status.as_u16(), &got.body["error"]["code"]), (429, &429.into()));
    assert_eq!(got.headers["retry-after"], "15");
    assert_eq!(token(&site, wrong("somebody")).await.status.as_u16(), 401);
    assert_eq!(token(&site, by_key("sk-owner")).await.status.as_u16(), 201);
}

#[tokio::test]
async fn a_token_is_revoked_and_its_answers_are_kept_by_nobody() {
    let site = Site::new().await;
    let got = token(&site, by_key("sk-owner")).await;
    assert_eq!(got.headers["cache-control"], "no-store");
    let text = got.headers["x-subject-token"].to_str().unwrap().to_owned();
    let about = |method: &str| {
        let ask = Ask::new(method, "/v3/auth/tokens", "");
        ask.header("x-auth-token", &text).header("x-subject-token", &text)
    };
    assert_eq!(site.send(about("get")).await.headers["cache-control"], "no-store");
    // A colleague can ask what it stands for, but not end it.
    let colleague = Ask::new("delete", "/v3/auth/tokens", "").header("x-subject-token", &text);
    assert_eq!(site.send(colleague.signed_by("developer")).await.status.as_u16(), 404);
    assert_eq!(site.send(about("delete")).await.status.as_u16(), 204);
    assert_eq!(site.send(about("delete")).await.verdict(), "unauthenticated");
    let refused = token(&site, by_key("sk-other")).await;
    assert_eq!(refused.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn whoever_is_left_out_of_the_world_file_is_out_at_once() {
    let site = Site::new().await;
    let text = token(&site, by_key("sk-owner")).await.headers["x-subject-token"].clone();
    let list = Ask::new("get", "/v1/project-1/service/apps", "").header("workspace", "ws-1");
    let by_token = list.clone().header("x-auth-token", text.to_str().unwrap());
    assert!(site.send(by_token.clone()).await.status.is_success());
    let world = json!({"projects": [{"id": "project-1", "name": "local-1",
        "domain": {"id": "domain-1", "name": "acme"},
        "users": [{"name": "reviewer"}],
        "workspaces": [{"id": "ws-1", "name": "ws-1", "members": [
            {"user": "reviewer", "role": "developer", "reviewer": true}]}]}]});
    let bearer = format!("Bearer {}", crate::site::OPERATOR_TOKEN);
    let apply = |query: &str| {
        Ask::new("post", &format!("/admin/world{query}"), &world.to_string())
            .header("authorization", &bearer)
    };
    let shown = site.send(apply("?dry_run=true")).await.body;
    assert!(site.send(by_token.clone()).await.status.is_success(), "a dry run changes nothing");
    assert_eq!(site.send(apply("")).await.body["changes"], shown["changes"]);
    let fates: Vec<_> = shown["changes"].as_array().unwrap().iter().collect();
    assert!(fates.contains(&&json!({"fate": "disabled", "kind": "user", "name": "owner"})));
    assert!(fates.contains(&&json!({"fate": "removed", "kind": "member", "name": "ws-1/owner"})));
    assert_eq!(site.send(by_token).await.verdict(), "unauthenticated");
    assert_eq!(site.send(list.signed_by("owner")).await.verdict(), "unauthenticated");
}

#[tokio::test]
async fn what_is_wrong_with_a_world_is_said_without_quoting_it() {
    let site = Site::new().await;
    let bearer = format!("Bearer {}", crate::site::OPERATOR_TOKEN);
    for body in [
        r#"{"projects": [{"id": "p", "users": "hunter2"}]}"#,
        r#"{"projects": "hunter2"}"#,
        r#"{"projects": [{"hunter2": 1}]}"#,
    ] {
        let ask = Ask::new("post", "/admin/world", body).header("authorization", &bearer);
        let got = site.send(ask).await;
        let said = got.body["error_msg"].as_str().unwrap();
        assert!(got.verdict() == "malformed" && said.contains("ine 1, column "), "{said}");
        assert!(!said.contains("hunter"), "{said}");
    }
}
