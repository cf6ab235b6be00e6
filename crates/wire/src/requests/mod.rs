//! Bodies of requests. All fields are optional, as in the SDKs; unknown and repeated fields are
//! refused. Each body is turned into plain values by a method that says what is wrong with it.

mod action;
mod api;
mod app;
mod life;
mod object;
mod review;
mod rules;

pub use action::{Action, ActionBody, BatchAuthorize, BatchAuthorizeBody};
pub use api::{
    ApiBody, ApiRequestPara, ApiResponsePara, BackendConfig, BackendConstant, BackendRequestPara,
    DataMaskPara, DatasourceConfig, DatasourceOrderPara, RequestPara,
};
pub use app::{AppBody, AppChange, AppSpec, AppUpdateBody};
pub use life::{ApiAction, ApiActionBody, GatewayBody, TransferBody, apis_to_delete};
pub use review::{ConfirmBody, Confirmation, DecideBody, Decision};
pub use rules::{RulesBody, ThrottleBody};

use serde::de::DeserializeOwned;
use tidegate_domain::Refusal;

use crate::limits::COMPLAINT_CHARS;
use crate::text::{malformed, visible};
use object::Object;

/// The body in `bytes`, a JSON object.
pub fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    Ok(read::<Object<T>>(bytes)?.0)
}

/// The body in `bytes`, which may be absent.
pub fn optional_body<T: DeserializeOwned + Default>(bytes: &[u8]) -> Result<T, Refusal> {
    if bytes.trim_ascii().is_empty() || bytes.trim_ascii() == b"null" {
        return Ok(T::default());
    }
    body(bytes)
}

/// The JSON in `bytes`.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    if bytes.trim_ascii().is_empty() {
        return Err(malformed("this call needs a body, in JSON"));
    }
    serde_json::from_slice(bytes).map_err(|e| {
        let complaint = visible(&e.to_string());
        let mut shown: String = complaint.chars().take(COMPLAINT_CHARS).collect();
        if shown.len() < complaint.len() {
            shown.push('…');
        }
        malformed(format!("the body cannot be read: {shown}"))
    })
}

#[cfg(test)]
mod tests;
