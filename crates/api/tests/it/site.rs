//! A control side to send requests to.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tidegate_api::{Api, Bodies, Clock, router};
use tidegate_domain::Timestamp;
use tidegate_sign::{Payload, Secret, SignedRequest, Target, sign};
use tidegate_testkit::{World, hour};
use tower::ServiceExt;

/// The operator's token of every site.
pub const OPERATOR_TOKEN: &str = "operators-token";

/// A control side with a world behind it.
pub struct Site {
    pub world: World,
    router: Router,
    now: Arc<AtomicI64>,
}

/// What came back.
#[derive(Debug)]
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Got {
    /// The status, and the stable name of what is wrong if something is.
    pub fn verdict(&self) -> String {
        let reason = self.headers.get("x-tidegate-reason").map(|reason| reason.to_str().unwrap());
        reason.map_or_else(|| self.status.as_u16().to_string(), str::to_owned)
    }
}

/// A request before it is signed.
#[derive(Clone)]
pub struct Ask {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

/// The time of day at every site: that of the world's beginning.
pub fn wall() -> Timestamp {
    hour(0)
}

impl Ask {
    pub fn new(method: &str, path: &str, body: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("control.test"));
        headers.insert("content-type", HeaderValue::from_static("application/json;charset=utf-8"));
        Self {
            method: method.to_uppercase().parse().unwrap(),
            path: path.to_owned(),
            headers,
            body: body.to_owned(),
        }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).unwrap();
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// Signed by somebody of the world.
    pub fn signed_by(self, who: &str) -> Self {
        self.signed_with(&format!("ak-{who}"), &format!("sk-{who}"), wall())
    }

    pub fn signed_with(mut self, access: &str, secret: &str, at: Timestamp) -> Self {
        let target = Target::parse(&self.path).unwrap();
        let request = SignedRequest {
            method: self.method.as_str(),
            target: &target,
            headers: &self.headers,
            host: None,
        };
        let (secret, seconds) = (Secret::new(secret), at.as_ms() / 1_000);
        let payload = Payload::Bytes(self.body.as_bytes());
        let added = sign(&request, payload, access, &secret, seconds).unwrap();
        for (name, value) in &added {
            self.headers.insert(name, value.clone());
        }
        self
    }
}

impl Site {
    pub async fn new() -> Self {
        let world = World::new().await;
        let now = Arc::new(AtomicI64::new(world.now().as_ms()));
        let clock = {
            let now = Arc::clone(&now);
            let now = move || Timestamp::from_ms(now.load(Ordering::Relaxed));
            Clock { now: Arc::new(now), wall: Arc::new(wall) }
        };
        let control = Arc::clone(&world.control);
        let operator_token = Some(Secret::new(OPERATOR_TOKEN));
        let bodies = Bodies::default();
        let router = router(Api { control, clock, operator_token, own_gateway: None, bodies });
        Self { world, router, now }
    }

    /// Moves the site's clock, and the world's.
    pub fn go_to(&mut self, moment: Timestamp) {
        self.now.store(moment.as_ms(), Ordering::Relaxed);
        self.world.go_to(moment);
    }

    pub async fn send(&self, ask: Ask) -> Got {
        let body = Body::from(ask.body.clone());
        self.send_with(ask, body).await
    }

    /// The same with another body than the one that was signed.
    pub async fn send_with(&self, ask: Ask, body: Body) -> Got {
        let mut request = Request::builder().method(ask.method).uri(ask.path);
        request.headers_mut().unwrap().extend(ask.headers);
        let request = request.body(body).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Got { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a call of the service, as somebody in the workspace most people are in.
    pub async fn call(&self, who: &str, method: &str, path: &str, body: &str) -> Got {
        let path = format!("/v1/project-1/service{path}");
        let ask = Ask::new(method, &path, body).header("workspace", "ws-1");
        self.send(ask.signed_by(who)).await
    }
}
