//! What goes in and comes out: forms that are refused, and the shapes of answers.

use serde_json::json;
use tidegate_control::GrantAction;
use tidegate_testkit::hour;

use crate::site::{Ask, Site};

fn action(site: &Site, kind: &str, time: &serde_json::Value) -> String {
    json!({
        "api_id": site.world.api.as_str(), "instance_id": "gate-1",
        "app_id": site.world.app.id.as_str(), "apply_type": kind, "time": time,
    })
    .to_string()
}

#[tokio::test]
async fn a_grant_goes_in_as_text_and_comes_out_as_milliseconds_on_the_hour() {
    let site = Site::new().await;
    let until = hour(100).plus_ms(1_234_567);
    let time = json!(tidegate_wire::format_iso(until));
    let body = action(&site, "APPLY_TYPE_AUTHORIZE", &time);
    let got = site.call("reviewer", "post", "/apis/authorize/action", &body).await;
    assert_eq!(got.status.as_u16(), 204, "{}", got.body);
    assert!(got.headers.contains_key("x-tidegate-revision"));

    let path = format!("/authorize/apis/{}", site.world.api);
    let got = site.call("reviewer", "get", &path, "").await;
    assert_eq!(got.headers["content-type"], "application/json;charset=UTF-8");
    let record = &got.body["records"][0];
    assert_eq!(record["api_using_time"], hour(100).as_ms());
    assert_eq!(record["relationship_type"], "LINKED");
    assert_eq!(record["app_name"], "web-shop");
    let path = format!("/authorize/apps/{}", site.world.app.id);
    let got = site.call("owner", "get", &path, "").await;
    assert_eq!(got.body["records"][0]["deadline"], hour(100).as_ms());
}

#[tokio::test]
async fn malformed_bodies_are_told_what_is_wrong() {
    let site = Site::new().await;
    let good = json!("2027-06-01T00:00:00Z");
    let cases = [
        ("{", ""),
        ("[]", ""),
        (r#"{"api_id": "x", "api_id": "y"}"#, "api_id"),
        (r#"{"surprise": 1}"#, "surprise"),
        (&action(&site, "APPLY_TYPE_PLEASE", &good), "apply_type"),
        (&action(&site, "APPLY_TYPE_AUTHORIZE", &json!("tomorrow")), "time"),
        (&action(&site, "APPLY_TYPE_AUTHORIZE", &json!(null)), "time"),
        (&action(&site, "APPLY_TYPE_APPLY", &json!("2027-06-01T00:00:00")), "time"),
    ];
    for (body, told) in cases {
        let got = site.call("reviewer", "post", "/apis/authorize/action", body).await;
        assert_eq!(got.status.as_u16(), 400, "{body}");
        let text = got.body["error_msg"].as_str().unwrap();
        assert!(text.contains(told), "{body}: {text}");
    }
    // An app's side cancellation needs no time, so a wrong one does no harm.
    site.world.does("reviewer", site.world.on_grant(GrantAction::Authorize(Some(hour(9))))).await;
    let body = action(&site, "APPLY_TYPE_APP_CANCEL_AUTHORIZE", &json!("whenever"));
    let got = site.call("owner", "post", "/apis/authorize/action", &body).await;
    assert_eq!(got.status.as_u16(), 204, "{}", got.body);
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let site = Site::new().await;
    let body = " ".repeat(tidegate_api::BODY_LIMIT + 1);
    let got = site.call("owner", "post", "/apps", &body).await;
    assert_eq!(got.status.as_u16(), 413);
}

#[tokio::test]
async fn a_list_of_notices_starts_again_past_its_end() {
    let site = Site::new().await;
    let world = &site.world;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(1000))))).await;
    world.does("reviewer", world.on_grant(GrantAction::Cancel(Some(hour(100))))).await;
    let got = site.call("owner", "get", "/messages?offset=10&limit=10", "").await;
    assert_eq!(got.body["records"].as_array().unwrap().len(), 1);
    assert_eq!(got.body["records"][0]["api_apply_status"], "STATUS_TYPE_PENDING_CHECK");
    let path = format!("/authorize/apis/{}?offset=10&limit=10", world.api);
    let got = site.call("reviewer", "get", &path, "").await;
    assert_eq!(got.body["records"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn secrets_come_out_on_creation_and_to_the_owner_only() {
    let site = Site::new().await;
    let body = json!({"name": "应用_1", "app_type": "APP"}).to_string();
    let made = site.call("owner", "post", "/apps", &body).await.body;
    let secret = made["app_secret"].as_str().unwrap();
    assert_eq!((secret.len(), made["name"].as_str().unwrap()), (32, "应用_1"));
    let path = format!("/apps/{}", made["id"].as_str().unwrap());
    assert_eq!(site.call("owner", "get", &path, "").await.body["app_secret"], secret);
    for (who, path) in [("admin", path.as_str()), ("owner", "/apps")] {
        let got = site.call(who, "get", path, "").await;
        assert!(got.status.is_success());
        assert!(!got.body.to_string().contains(secret), "{who} {path}");
    }
}

#[tokio::test]
async fn who_comes_late_is_told_who_decided_and_when() {
    let site = Site::new().await;
    let world = &site.world;
    world.does("owner", world.on_grant(GrantAction::Apply(Some(hour(1000))))).await;
    let got = site.call("reviewer", "get", "/applys", "").await;
    let id = got.body["records"][0]["id"].as_str().unwrap().to_owned();
    let body = json!({"apply_ids": [id], "apply_result": false, "comment": "too long"}).to_string();
    assert_eq!(site.call("reviewer", "post", "/applys", &body).await.status.as_u16(), 204);
    let late = site.call("reviewer", "post", "/applys", &body).await;
    let text = late.body["error_msg"].as_str().unwrap();
    assert_eq!(late.verdict(), "already-decided");
    assert!(text.contains("reviewer"), "{text}");
    let got = site.call("owner", "get", &format!("/applys/{id}"), "").await;
    assert_eq!(got.body["api_apply_status"], "STATUS_TYPE_REJECTED");
    assert_eq!(got.body["comment"], "too long");
}

/// D10: refused by its name, with the status that says what is too long.
#[tokio::test]
async fn too_long_a_target_is_414() {
    let site = Site::new().await;
    let path = format!("/v1/project-1/service/apps?name={}", "a".repeat(8_192));
    let got = site.send(Ask::new("get", &path, "")).await;
    assert_eq!((got.status.as_u16(), got.verdict().as_str()), (414, "target-too-long"));
    assert!(got.headers.contains_key("x-request-id"), "{:?}", got.headers);
}
