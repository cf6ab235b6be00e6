//! What a change of an API changed, for the journal.

use serde_json::{Map, Value, json};
use tidegate_domain::Api;
use tidegate_sign::{hex, sha256};

/// Each field that differs, with its old and its new value. Of the definition only the address of the
/// backend is shown, and a digest of the whole: constant parameters may be secrets of the backend.
pub(crate) fn of(before: &Api, after: &Api) -> Value {
    let (old, new) = (fields(before), fields(after));
    let changed: Map<String, Value> = old
        .into_iter()
        .zip(new)
        .filter(|((_, old), (_, new))| old != new)
        .map(|((name, old), (_, new))| (name.to_owned(), json!({ "old": old, "new": new })))
        .collect();
    Value::Object(changed)
}

fn fields(api: &Api) -> [(&'static str, Value); 11] {
    [
        ("name", json!(api.name)),
        ("description", json!(api.description)),
        ("auth", json!(api.auth.name())),
        ("method", json!(api.method.as_str())),
        ("path", json!(api.path)),
        ("visibility", json!(api.visibility.name())),
        ("manager", json!(api.manager.as_str())),
        ("retention_hours", json!(api.retention_hours)),
        ("tags", json!(api.tags)),
        ("backend", backend(&api.definition)),
        ("definition_sha256", json!(hex(&sha256(api.definition.as_bytes())))),
    ]
}

/// Where the backend is: its scheme, host, method and path.
fn backend(definition: &str) -> Value {
    let definition: Value = serde_json::from_str(definition).unwrap_or_default();
    let of = |field: &str| definition.pointer(&format!("/backend_config/{field}")).cloned();
    json!({
        "protocol": of("protocol"),
        "host": of("host"),
        "method": of("type"),
        "path": of("path"),
    })
}
