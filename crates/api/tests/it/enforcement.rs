//! A change can be asked to be answered when it is enforced, and it can be looked up who enforces it.

use serde_json::json;
use tidegate_control::{GatewayHeard, GrantAction, Line, Revision};
use tidegate_testkit::{World, hour};

use crate::site::{Ask, Got, OPERATOR_TOKEN, Site};

/// A gateway asks, at the last revision or before it.
pub async fn heard(world: &World, id: &str, revisions_behind: u64) {
    let head = world.control.head().await.unwrap();
    let revision = head.revision.0.checked_sub(revisions_behind).map(Revision);
    let stamp = match revision {
        Some(revision) => world.control.stamp_of(revision).await.unwrap(),
        None => String::new(),
    };
    let heard = GatewayHeard {
        id: id.to_owned(),
        name: format!("gate {id}"),
        epoch: head.epoch,
        revision: revision.map(|revision| revision.0),
        stamp,
        asks_after: None,
        lease_ms: 300_000,
        clock_ahead_ms: 0,
        version: "0.1.0".to_owned(),
        boot: "b1".to_owned(),
        certificate: String::new(),
        line: Line::default(),
        is_alone: false,
    };
    world.control.gateway_heard(heard, world.now()).await.unwrap();
}

async fn granted() -> Site {
    let site = Site::new().await;
    site.world.does("reviewer", site.world.on_grant(GrantAction::Authorize(Some(hour(99))))).await;
    site
}

async fn give_back(site: &Site, headers: &[(&'static str, &str)]) -> Got {
    let body = json!({
        "api_id": site.world.api.as_str(), "instance_id": "gate-1",
        "app_id": site.world.app.id.as_str(), "apply_type": "APPLY_TYPE_APP_CANCEL_AUTHORIZE",
    });
    let path = "/v1/project-1/service/apis/authorize/action";
    let ask = Ask::new("post", path, &body.to_string()).header("workspace", "ws-1");
    let ask = headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
    site.send(ask.signed_by("owner")).await
}

fn header<'a>(got: &'a Got, name: &str) -> Option<&'a str> {
    got.headers.get(name).map(|value| value.to_str().unwrap())
}

async fn operator(site: &Site, method: &str, path: &str) -> Got {
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    site.send(Ask::new(method, path, "").header("authorization", &bearer)).await
}

#[tokio::test]
async fn an_answer_says_whether_it_is_enforced_only_if_that_was_asked() {
    let site = granted().await;
    let got = give_back(&site, &[]).await;
    assert_eq!((got.status.as_u16(), header(&got, "x-tidegate-enforced")), (204, None));
    let site = granted().await;
    let got = give_back(&site, &[("x-tidegate-wait", "durable")]).await;
    assert_eq!((got.status.as_u16(), header(&got, "x-tidegate-enforced")), (204, None));
    let site = granted().await;
    let got = give_back(&site, &[("x-tidegate-wait", "enforced")]).await;
    assert_eq!(got.status.as_u16(), 204);
    assert_eq!(header(&got, "x-tidegate-enforced"), Some("true"), "there is no gateway");
    assert!(header(&got, "x-tidegate-revision").is_some());
    assert_eq!(header(&got, "x-tidegate-awaited"), None);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_over_names_who_is_awaited() {
    let site = granted().await;
    heard(&site.world, "g1", 0).await;
    heard(&site.world, "g2", 0).await;
    let wait = [("x-tidegate-wait", "enforced"), ("x-tidegate-wait-seconds", "3")];
    let got = give_back(&site, &wait).await;
    assert_eq!((got.status.as_u16(), header(&got, "x-tidegate-enforced")), (204, Some("false")));
    assert_eq!(header(&got, "x-tidegate-awaited"), Some("gate g1, gate g2"));
    assert!(site.world.admits().await.is_err(), "it is done all the same");
}

#[tokio::test]
async fn a_change_that_finds_no_place_to_wait_is_refused_and_nothing_is_done() {
    let site = granted().await;
    let waiting: Vec<_> = std::iter::from_fn(|| site.world.control.waiter()).collect();
    let got = give_back(&site, &[("x-tidegate-wait", "enforced")]).await;
    assert_eq!((got.status.as_u16(), got.verdict()), (429, "too-many-waiters".to_owned()));
    assert!(site.world.admits().await.is_ok(), "nothing was done");
    drop(waiting);
    let got = give_back(&site, &[("x-tidegate-wait", "enforced")]).await;
    assert_eq!(header(&got, "x-tidegate-enforced"), Some("true"));
}

#[tokio::test]
async fn a_wait_nobody_knows_is_refused_and_nothing_is_done() {
    let site = granted().await;
    for headers in [
        [("x-tidegate-wait", "forever"), ("x-tidegate-wait-seconds", "3")],
        [("x-tidegate-wait", "enforced"), ("x-tidegate-wait-seconds", "0")],
        [("x-tidegate-wait", "enforced"), ("x-tidegate-wait-seconds", "601")],
        [("x-tidegate-wait", "enforced"), ("x-tidegate-wait-seconds", "soon")],
    ] {
        let got = give_back(&site, &headers).await;
        assert_eq!(got.status.as_u16(), 400, "{headers:?}");
        assert!(got.body["error_msg"].as_str().unwrap().contains("x-tidegate-wait"), "{got:?}");
    }
    assert!(site.world.admits().await.is_ok());
}

#[tokio::test]
async fn a_right_is_shown_with_those_who_enforce_it() {
    let site = granted().await;
    heard(&site.world, "g1", 0).await;
    heard(&site.world, "g2", 1).await;
    let (api, app) = (&site.world.api, &site.world.app.id);
    let path = format!("/apis/{api}/instances/gate-1/apps/{app}/enforcement");
    let got = site.call("owner", "get", &path, "").await;
    assert_eq!(got.status.as_u16(), 200, "{got:?}");
    let right = &got.body;
    assert_eq!(right["relationship_type"], "LINKED");
    assert_eq!(
        (&right["granted_by"], &right["app_name"]),
        (&json!("reviewer"), &json!("web-shop"))
    );
    assert_eq!(right["until"], hour(99).as_ms());
    assert_eq!(right["enforced"], false);
    let now = site.world.now();
    assert_eq!(
        right["gateways"][0],
        json!({
            "id": "g1", "name": "gate g1", "state": "enforces", "since": now.as_ms(),
        })
    );
    assert_eq!(right["gateways"][1]["state"], "awaited");
    let until = right["gateways"][1]["until"].as_i64().unwrap();
    assert!((300_000..=301_300).contains(&(until - now.as_ms())), "{until}");
    let missing = format!("/apis/{api}/instances/gate-1/apps/nobody/enforcement");
    assert_eq!(site.call("owner", "get", &missing, "").await.verdict(), "app-unknown");
}

#[tokio::test(start_paused = true)]
async fn the_operator_lists_and_forgets_gateways() {
    let site = granted().await;
    heard(&site.world, "g1", 0).await;
    let listed = operator(&site, "get", "/admin/gateways").await;
    let g1 = &listed.body["gateways"][0];
    assert_eq!((&g1["state"], &g1["lapsed"]), (&json!("enforces"), &json!(false)));
    assert_eq!(g1["revision"], listed.body["revision"]);
    let got = operator(&site, "delete", "/admin/gateways/g2").await;
    assert_eq!((got.status.as_u16(), got.verdict()), (404, "gateway-unknown".to_owned()));
    let got = operator(&site, "delete", "/admin/gateways/g1").await;
    assert_eq!((got.status.as_u16(), got.verdict()), (409, "gateway-holds-lease".to_owned()));
    tokio::time::advance(std::time::Duration::from_secs(400)).await;
    let listed = operator(&site, "get", "/admin/gateways").await;
    assert_eq!(listed.body["gateways"][0]["lapsed"], json!(true));
    let got = operator(&site, "delete", "/admin/gateways/g1").await;
    assert_eq!(got.status.as_u16(), 204);
    assert_eq!(operator(&site, "get", "/admin/gateways").await.body["total"], 0);
}
