//! Bodies of requests, and definitions of APIs. The first byte chooses the body.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tidegate_wire::definition::Definition;
use tidegate_wire::iam;
use tidegate_wire::requests::{
    ActionBody, ApiActionBody, ApiBody, AppBody, AppUpdateBody, BatchAuthorizeBody, ConfirmBody,
    DecideBody, GatewayBody, apis_to_delete, body,
};

use crate::Turn;

/// What is read is kept: it is written with the same fields and values, nothing lost and nothing
/// added, and read back as the same.
pub fn run(data: &[u8], _: Turn) {
    let Some((first, text)) = data.split_first() else { return };
    match first % 11 {
        0 => drop(reads::<ActionBody>(text).map(|body| body.parse().is_ok())),
        1 => drop(reads::<BatchAuthorizeBody>(text).map(|body| body.parse().is_ok())),
        2 => drop(reads::<ApiActionBody>(text).map(|body| body.parse().is_ok())),
        3 => drop(reads::<AppBody>(text).map(|body| body.parse().is_ok())),
        4 => drop(reads::<AppUpdateBody>(text).map(|body| body.parse().is_ok())),
        5 => drop(reads::<DecideBody>(text).map(|body| body.parse().is_ok())),
        6 => drop(reads::<ConfirmBody>(text).map(|body| body.parse().is_ok())),
        7 => drop(reads::<GatewayBody>(text).map(|body| body.parse().is_ok())),
        8 => drop(apis_to_delete(text).is_ok()),
        9 => drop(iam::TokenRequest::parse(text).is_ok()),
        _ => drop(reads::<ApiBody>(text).map(define)),
    }
}

fn reads<T>(text: &[u8]) -> Option<T>
where
    T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug,
{
    let read: T = body(text).ok()?;
    let written = serde_json::to_vec(&read).expect("it can be written");
    let again: T = body(&written).expect("what is written is read");
    assert_eq!(again, read);
    let given: Value = serde_json::from_slice(text).expect("it was read before");
    let kept: Value = serde_json::from_slice(&written).expect("it was read before");
    assert_eq!(without_nulls(given), kept, "nothing lost, nothing added");
    Some(read)
}

/// A missing field and one that is null are the same.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        plain => plain,
    }
}

/// A stored definition is one that is accepted again, and stays as it is.
fn define(body: ApiBody) {
    let Ok(definition) = Definition::from_body(body) else { return };
    let stored = Definition::from_json(&definition.json).expect("what is kept is read");
    assert_eq!(Definition::from_body(stored), Ok(definition));
}
