//! Who calls, and what happens to requests that prove nothing or too much.

use tidegate_domain::time::HOUR_MS;

use crate::site::{Ask, Site, wall};

fn ask() -> Ask {
    Ask::new("get", "/v1/project-1/service/apps?limit=5", "").header("workspace", "ws-1")
}

#[tokio::test]
async fn a_signature_is_good_for_a_quarter_of_an_hour_around_the_time_of_day() {
    let site = Site::new().await;
    for (off_seconds, good) in [(0, true), (900, true), (-900, true), (901, false), (-901, false)] {
        let at = wall().plus_ms(off_seconds * 1_000);
        let got = site.send(ask().signed_with("ak-owner", "sk-owner", at)).await;
        assert_eq!(got.status.is_success(), good, "{off_seconds}: {}", got.body);
    }
}

#[tokio::test]
async fn moving_the_decision_clock_does_not_outdate_signatures() {
    let mut site = Site::new().await;
    site.go_to(wall().plus_ms(1_000 * HOUR_MS));
    assert!(site.send(ask().signed_by("owner")).await.status.is_success());
}

#[tokio::test]
async fn a_wrong_key_and_a_wrong_secret_get_the_same_answer() {
    let site = Site::new().await;
    let unknown = site.send(ask().signed_with("ak-nobody", "sk-owner", wall())).await;
    let wrong = site.send(ask().signed_with("ak-owner", "sk-nobody", wall())).await;
    assert_eq!(unknown.status.as_u16(), 401);
    assert_eq!(unknown.body, wrong.body);
    assert_eq!(unknown.body["error_code"], "APIGW.0301");
    assert!(unknown.headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn nothing_signed_may_change_on_the_way() {
    let site = Site::new().await;
    let signed = ask().signed_by("owner");
    let mut bent = signed.clone();
    bent.path = bent.path.replace("limit=5", "limit=6");
    let mut other_workspace = signed.clone();
    other_workspace.headers.insert("workspace", "ws-2".parse().unwrap());
    let mut with_body = signed.clone();
    with_body.body = "{}".to_owned();
    for bent in [bent, other_workspace, with_body] {
        assert_eq!(site.send(bent).await.verdict(), "unauthenticated");
    }
    assert!(site.send(signed).await.status.is_success());
}

#[tokio::test]
async fn twice_the_same_control_header_is_refused() {
    let site = Site::new().await;
    let mut twice = ask().signed_by("owner");
    let first = twice.headers["authorization"].clone();
    twice.headers.append("authorization", first);
    assert_eq!(site.send(twice).await.verdict(), "unauthenticated");
}

#[tokio::test]
async fn another_project_does_not_exist() {
    let site = Site::new().await;
    let path = "/v1/project-2/service/apps";
    let got = site.send(Ask::new("get", path, "").signed_by("owner")).await;
    assert_eq!(got.verdict(), "project-unknown");
    assert!(got.body["error_msg"].as_str().unwrap().contains("project"));
    let got = site.send(ask().header("x-project-id", "project-2").signed_by("owner")).await;
    assert_eq!(got.verdict(), "project-unknown");
}

#[tokio::test]
async fn what_is_no_route_is_told_in_the_services_form() {
    let site = Site::new().await;
    for (method, path) in
        [("get", "/v1/project-1/service/apps/"), ("get", "/"), ("patch", "/v3/projects")]
    {
        let got = site.send(Ask::new(method, path, "").signed_by("owner")).await;
        assert_eq!((got.status.as_u16(), &got.body["error_code"]), (404, &"APIGW.0101".into()));
    }
}

#[tokio::test]
async fn crooked_targets_are_refused() {
    let site = Site::new().await;
    for path in ["/v1/project-1/service/apps/%2e%2e", "/v1/project-1/service/apps/a%2Fb"] {
        let mut ask = Ask::new("get", "/", "").signed_by("owner");
        path.clone_into(&mut ask.path);
        assert_eq!(site.send(ask).await.status.as_u16(), 400, "{path}");
    }
}

/// A body that never comes. Whoever asks for it fails the test.
struct Untouched;

impl http_body::Body for Untouched {
    type Data = axum::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        panic!("the body is waited for");
    }
}

#[tokio::test]
async fn nobody_unknown_is_waited_for() {
    let site = Site::new().await;
    let post = || Ask::new("post", "/v1/project-1/service/apps", "{}").header("workspace", "ws-1");
    let late = wall().plus_ms(-HOUR_MS);
    let with = |name, value| post().header(name, value);
    for (ask, verdict) in [
        (post(), "unauthenticated"),
        (with("x-auth-token", "made-up"), "unauthenticated"),
        (with("authorization", "SDK-HMAC-SHA256 Access=a"), "unauthenticated"),
        (post().signed_with("ak-nobody", "sk-nobody", wall()), "unauthenticated"),
        (post().signed_with("ak-owner", "sk-owner", late), "unauthenticated"),
        (Ask::new("post", "/admin/world", "{}"), "not-operator"),
        (Ask::new("post", "/nowhere", "{}"), "no-such-call"),
    ] {
        let got = site.send_with(ask, axum::body::Body::new(Untouched)).await;
        assert_eq!(got.verdict(), verdict);
    }
}
