//! The clock of a development server. These routes exist there only.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_domain::Timestamp;
use tidegate_wire::errors::ErrorBody;

use crate::bodies::Bodies;
use crate::reply::Reply;

/// A clock that can be moved.
pub trait DevClock: Send + Sync {
    /// Moves it forward, for good.
    fn advance(&self, seconds: i64) -> Result<(), String>;
    /// What it shows.
    fn now(&self) -> Timestamp;
    /// By how much it was moved in all.
    fn advanced_seconds(&self) -> i64;
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: i64,
}

#[derive(Serialize)]
struct Shown {
    now: i64,
    now_iso: String,
    advanced_seconds: i64,
}

/// `GET` and `POST /dev/clock`.
pub fn router(clock: Arc<dyn DevClock>) -> Router {
    Router::new().route("/dev/clock", get(show).post(advance)).with_state(clock)
}

async fn show(State(clock): State<Arc<dyn DevClock>>) -> Reply {
    shown(&*clock)
}

async fn advance(State(clock): State<Arc<dyn DevClock>>, body: Body) -> Response {
    let body = match Bodies::default().read(body, false).await {
        Ok(body) => body.bytes,
        Err(fault) => return fault.into_response(),
    };
    advanced(&*clock, &body).into_response()
}

fn advanced(clock: &dyn DevClock, body: &[u8]) -> Reply {
    let advanced = match serde_json::from_slice::<Advance>(body) {
        Ok(advance) if advance.advance_seconds >= 0 => clock.advance(advance.advance_seconds),
        Ok(_) => Err("the clock only moves forward".to_owned()),
        Err(_) => Err("send {\"advance_seconds\": N}".to_owned()),
    };
    match advanced {
        Ok(()) => shown(clock),
        Err(text) => {
            let body = ErrorBody { error_code: "DLM.4600", error_msg: &text };
            Reply::json_with(StatusCode::BAD_REQUEST, &body)
        }
    }
}

fn shown(clock: &dyn DevClock) -> Reply {
    let now = clock.now();
    Reply::json(&Shown {
        now: now.as_ms(),
        now_iso: tidegate_wire::time::format_iso(now),
        advanced_seconds: clock.advanced_seconds(),
    })
}
