use serde_json::{Value, json};

use super::*;
use crate::enums::Position;
use crate::requests;

/// A definition with every field of every model.
fn full() -> Value {
    serde_json::from_str(include_str!("full.json")).unwrap()
}

fn read(definition: &Value) -> Result<ApiBody, Refusal> {
    requests::body(definition.to_string().as_bytes())
}

fn define(definition: &Value) -> Result<Definition, Refusal> {
    Definition::from_body(read(definition)?)
}

/// What the full definition is told when the value at `pointer` is replaced; null takes it away.
fn told(pointer: &str, value: Value) -> String {
    let mut definition = full();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let parent = definition.pointer_mut(parent).unwrap();
    match parent {
        Value::Object(fields) if value.is_null() => {
            fields.remove(field);
        }
        Value::Object(fields) => {
            fields.insert(field.into(), value);
        }
        other => panic!("{other} has no fields"),
    }
    match define(&definition) {
        Ok(_) => "fine".into(),
        Err(Refusal::Malformed { what }) => what,
        Err(Refusal::FieldMissing { field }) => format!("missing {field}"),
        Err(other) => format!("{other:?}"),
    }
}

#[test]
fn what_the_rules_look_at_is_drawn_out() {
    let definition = define(&full()).unwrap();
    assert_eq!(definition.name, "订单_orders");
    assert_eq!(definition.description, "All orders\nof a customer");
    assert_eq!(definition.auth, AuthType::Iam);
    assert_eq!(definition.method, Method::Post);
    assert_eq!(definition.path, "/orders/{customer}/lines");
    assert_eq!(definition.visibility, Visibility::Project);
    assert_eq!(definition.manager_name, "wang");
    assert_eq!(definition.retention_hours, 72);
    assert_eq!(definition.tags, ["sales", "订单"]);
}

#[test]
fn nothing_is_lost_and_writing_back_changes_nothing() {
    let first = define(&full()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&first.json).unwrap(), full());
    let shown = Definition::from_json(&first.json).unwrap();
    assert_eq!(shown, read(&full()).unwrap());
    assert_eq!(Definition::from_body(shown).unwrap(), first);
}

#[test]
fn defaults_are_filled_in_once() {
    let least = json!({
        "name": "orders", "api_type": "API_TYPE_REGISTER", "manager": "wang", "path": "/orders",
        "protocol": "PROTOCOL_TYPE_HTTP", "request_type": "REQUEST_TYPE_GET",
        "backend_config": {
            "type": "REQUEST_TYPE_GET", "protocol": "PROTOCOL_TYPE_HTTPS", "host": "[::1]:8443",
            "timeout": 1, "path": "/",
        },
    });
    let definition = define(&least).unwrap();
    assert_eq!(definition.auth, AuthType::App);
    assert_eq!(definition.visibility, Visibility::Workspace);
    assert_eq!(definition.retention_hours, 0);
    assert_eq!(definition.description, "");
    assert!(definition.tags.is_empty());
    let body = Definition::from_json(&definition.json).unwrap();
    assert_eq!(body.auth_type.as_deref(), Some("APP"));
    assert_eq!(Definition::from_body(body).unwrap(), definition);
}

#[test]
fn a_damaged_definition_is_an_error() {
    for json in ["", "[]", "{\"nome\":\"x\"}", "{\"name\":1}"] {
        assert!(Definition::from_json(json).is_err(), "{json}");
    }
}

#[test]
fn what_a_definition_needs() {
    for field in ["name", "api_type", "manager", "path", "request_type", "backend_config"] {
        assert_eq!(told(&format!("/{field}"), Value::Null), format!("missing {field}"));
    }
    for field in ["host", "path"] {
        let pointer = format!("/backend_config/{field}");
        assert_eq!(told(&pointer, Value::Null), format!("missing backend_config.{field}"));
    }
    for field in [
        "catalog_id",
        "description",
        "log_flag",
        "auth_type",
        "retention_period",
        "tags",
        "visibility",
        "publish_type",
        "data_mask_switch",
        "data_mask_paras",
        "body",
        "datasource_config_list",
        "groovy_content",
        "datasource_config",
    ] {
        assert_eq!(told(&format!("/{field}"), Value::Null), "fine", "{field}");
    }
}

#[test]
fn names() {
    let longest = "a".repeat(64);
    for good in ["abc", "订单_1", "A_1", "〇一二", &longest] {
        assert_eq!(told("/name", json!(good)), "fine", "{good}");
    }
    let too_long = "a".repeat(65);
    let length = |bad| (bad, "3 to 64");
    let odd = ["ab", "1ab", "_ab", "a b", "a-b", "äbc", "orders!", "a.b", &too_long].map(length);
    // Chinese characters that are there a second time, for the sake of older sets.
    let twins = ["\u{f900}ab", "ab\u{2f800}"].map(|bad| (bad, "composed form (NFC)"));
    for (bad, rule) in odd.into_iter().chain(twins) {
        let answer = told("/name", json!(bad));
        assert!(answer.starts_with("`name` is `") && answer.contains(rule), "{answer}");
    }
}

#[test]
fn paths() {
    for (path, part) in [
        ("orders", "begins with a slash"),
        ("/orders/", "leave out the slash"),
        ("//orders", "an empty segment"),
        ("/orders/../x", "a segment of dots"),
        ("/orders/./x", "a segment of dots"),
        ("/orders/{customer}/{customer}", "the placeholder `customer` twice"),
        ("/orders/{}", "neither plain"),
        ("/orders/x{customer}", "neither plain"),
        ("/orders/{customer", "neither plain"),
        ("/orders/{{customer}}", "the placeholder `{customer}` is no name"),
        ("/orders/{1a}", "the placeholder `1a` is no name"),
        ("/orders/{a}b}", "the placeholder `a}b` is no name"),
        ("/orders?x=1", "neither plain"),
        ("/orders/%2e%2e", "neither plain"),
        ("/orders/a b", "neither plain"),
        ("/订单", "neither plain"),
        ("/orders;x", "neither plain"),
    ] {
        let answer = told("/path", json!(path));
        assert!(answer.starts_with("`path` is `") && answer.contains(part), "{path}: {answer}");
    }
    let too_long = format!("/{}", "a".repeat(255));
    assert!(told("/path", json!(too_long)).contains("at most 255 characters"));
    for good in ["/{customer}", "/a-b_c.d~e/{customer}", "/{customer}/{other}"] {
        assert_eq!(told("/path", json!(good)), "fine", "{good}");
    }
    assert!(told("/path", json!("/")).contains("no placeholder `{customer}`"));
}

#[test]
fn enumerations() {
    for (pointer, allowed) in [
        ("/request_type", "REQUEST_TYPE_GET, REQUEST_TYPE_POST"),
        ("/protocol", "PROTOCOL_TYPE_HTTP, PROTOCOL_TYPE_HTTPS"),
        ("/auth_type", "APP, IAM, NONE"),
        ("/visibility", "WORKSPACE, PROJECT, DOMAIN"),
        ("/publish_type", "PUBLISH_TYPE_PUBLIC, PUBLISH_TYPE_PRIVATE"),
        ("/api_type", "API_SPECIFIC_TYPE_REGISTER"),
        ("/backend_config/type", "REQUEST_TYPE_GET, REQUEST_TYPE_POST"),
        ("/backend_config/protocol", "PROTOCOL_TYPE_HTTP, PROTOCOL_TYPE_HTTPS"),
    ] {
        let answer = told(pointer, json!("X"));
        let field = pointer[1..].replace('/', ".");
        assert!(answer.starts_with(&format!("`{field}` is `X`; allowed: ")), "{answer}");
        assert!(answer.contains(allowed), "{answer}");
    }
    for text in ["API_SPECIFIC_TYPE_SCRIPT", "API_TYPE_CREATE", "API_SPECIFIC_TYPE_GROOVY"] {
        let answer = told("/api_type", json!(text));
        assert!(answer.contains("only registered APIs"), "{answer}");
    }
    assert_eq!(told("/api_type", json!("API_TYPE_REGISTER")), "fine");
}

#[test]
fn numbers_and_texts() {
    for (pointer, value, part) in [
        ("/retention_period", json!(-1), "allowed: 0 to 87600 hours"),
        ("/retention_period", json!(87_601), "allowed: 0 to 87600 hours"),
        ("/retention_period", json!(i64::MAX), "allowed: 0 to 87600 hours"),
        ("/backend_config/timeout", json!(0), "allowed: 1 to 600000 milliseconds"),
        ("/backend_config/timeout", json!(600_001), "allowed: 1 to 600000 milliseconds"),
        ("/backend_config/timeout", json!(1.5), "expected i64"),
        ("/description", json!("x".repeat(256)), "at most 255"),
        ("/description", json!("a\u{0}"), "control character"),
        ("/tags", json!([" "]), "a blank tag"),
        ("/tags", json!(["x".repeat(65)]), "at most 64"),
        ("/tags", json!(vec!["x"; 51]), "TooMany"),
        ("/body", json!("x".repeat(300_000)), "at most 262144"),
        ("/backend_config/host", json!("http://orders"), "leave out the scheme"),
        ("/backend_config/host", json!("or ders"), "write a host name"),
        ("/request_paras", json!([["customer"]]), "expected a JSON object"),
        ("/backend_config", json!(["REQUEST_TYPE_GET"]), "expected a JSON object"),
        ("/datasource_config", json!({ "typ": "x" }), "unknown field `typ`"),
    ] {
        let answer = told(pointer, value);
        assert!(answer.contains(part), "{pointer}: {answer}");
    }
    assert_eq!(told("/retention_period", json!(87_600)), "fine");
    assert_eq!(told("/backend_config/timeout", json!(600_000)), "fine");
    let twice = define(&{
        let mut definition = full();
        definition["tags"] = json!(["a", "b", "a"]);
        definition
    });
    assert_eq!(twice.unwrap().tags, ["a", "b"]);
}

fn para(name: &str, position: &str) -> Value {
    json!({ "name": name, "position": format!("REQUEST_PARAMETER_POSITION_{position}") })
}

#[test]
fn request_parameters() {
    let customer = para("customer", "PATH");
    let page = para("page", "QUERY");
    let lines = para("lines", "BODY");
    let ask = |next: Value| told("/request_paras", json!([customer, page, lines, next]));
    for good in [
        para("a", "QUERY"),
        para("A.b-c_9", "HEADER"),
        para("authorization", "QUERY"),
        para("x-sdk", "HEADER"),
    ] {
        assert_eq!(ask(good.clone()), "fine", "{good}");
    }
    for (bad, part) in [
        (
            json!({ "position": "REQUEST_PARAMETER_POSITION_PATH" }),
            "request_paras[3].name` is missing",
        ),
        (json!({ "name": "a" }), "request_paras[3].position` is missing"),
        (para("a", "COOKIE"), "request_paras[3].position` is"),
        (para("1a", "QUERY"), "a name has 1 to 32"),
        (para("a b", "QUERY"), "a name has 1 to 32"),
        (para(&"a".repeat(33), "QUERY"), "a name has 1 to 32"),
        (para("订单", "QUERY"), "a name has 1 to 32"),
        (para("page", "HEADER"), "the name `page` twice"),
        (para("other", "PATH"), "no placeholder `{other}`"),
        (para("x-apig-mode", "QUERY"), "reserved"),
        (para("X-Sdk-Date", "HEADER"), "reserved"),
        (para("x-stage", "QUERY"), "reserved"),
        (para("X-Api-Id", "HEADER"), "reserved"),
        (para("x-app-id", "HEADER"), "reserved"),
        (para("x-request-id", "QUERY"), "reserved"),
        (para("AUTHORIZATION", "HEADER"), "reserved"),
        (para("X-Auth-Token", "HEADER"), "reserved"),
    ] {
        let answer = ask(bad.clone());
        assert!(answer.contains(part), "{bad}: {answer}");
    }
    let mut typed = para("a", "QUERY");
    typed["type"] = json!("STRING");
    assert!(ask(typed).contains("request_paras[3].type` is `STRING`"));
    let mut described = para("a", "QUERY");
    described["description"] = json!("x".repeat(256));
    assert!(ask(described).contains("request_paras[3].description` has 256"));
    let elsewhere = told("/request_paras", json!([para("customer", "QUERY"), page, lines]));
    assert!(elsewhere.contains("is a placeholder of `path`"), "{elsewhere}");
    let headers = json!([customer, page, lines, para("X-A", "HEADER"), para("x-a", "HEADER")]);
    assert!(told("/request_paras", headers).contains("the name `x-a` twice"));
    let many: Vec<Value> = (0..101).map(|i| para(&format!("p{i}"), "QUERY")).collect();
    assert!(told("/request_paras", json!(many)).contains("TooMany"));
}

#[test]
fn a_call_becomes_a_call_to_the_backend() {
    let spec = backend(&read(&full()).unwrap()).unwrap();
    let mapping = |name: &str, from, to_name: &str, to| Mapping {
        name: name.into(),
        from,
        to_name: to_name.into(),
        to,
    };
    assert_eq!(
        spec,
        BackendSpec {
            https: false,
            authority: "orders.example.com:8080".into(),
            method: Method::Post,
            path: "/v2/{who}/lines/".into(),
            timeout_ms: 5_000,
            mappings: vec![
                mapping("customer", Position::Path, "who", Position::Path),
                mapping("page", Position::Query, "X-Page", Position::Header),
            ],
            constants: vec![ConstantPara {
                name: "source".into(),
                position: Position::Query,
                value: "gate".into(),
            }],
        }
    );
}

#[test]
fn a_placeholder_need_not_be_declared_to_be_passed_on() {
    let mut definition = full();
    definition["request_paras"] = json!([para("page", "QUERY"), para("lines", "BODY")]);
    let spec = backend(&read(&definition).unwrap()).unwrap();
    assert_eq!(spec.mappings[0].from, Position::Path);
}

#[test]
fn a_placeholder_of_the_same_name_fills_itself() {
    let mut definition = full();
    definition["path"] = json!("/customers/{who}");
    definition["request_paras"] = json!([]);
    definition["backend_config"]["backend_paras"] = json!([]);
    let spec = backend(&read(&definition).unwrap()).unwrap();
    let who = |m: &Mapping| m.name == "who" && m.from == Position::Path && m.to == Position::Path;
    assert!(spec.mappings.len() == 1 && who(&spec.mappings[0]));
}

fn to(name: &str, position: &str, backend_name: &str) -> Value {
    let mut mapping = para(name, position);
    mapping["backend_para_name"] = json!(backend_name);
    mapping
}

#[test]
fn mappings() {
    let who = to("customer", "PATH", "who");
    let ask = |next: Value| told("/backend_config/backend_paras", json!([who, next]));
    for good in [
        to("page", "QUERY", "$top"),
        to("customer", "HEADER", "Authorization"),
        to("lines", "BODY", "lines"),
    ] {
        assert_eq!(ask(good.clone()), "fine", "{good}");
    }
    for (bad, part) in [
        (to("nobody", "QUERY", "a"), "which is no parameter of the API"),
        (para("page", "QUERY"), "backend_paras[1].backend_para_name` is missing"),
        (to("page", "COOKIE", "a"), "backend_paras[1].position` is"),
        (to("page", "BODY", "page"), "into or out of the body"),
        (to("lines", "QUERY", "lines"), "into or out of the body"),
        (to("lines", "BODY", "rows"), "into or out of the body"),
        (to("page", "PATH", "who"), "the backend's parameter `who` twice"),
        (to("page", "PATH", "what"), "no such placeholder"),
        (to("page", "QUERY", "source"), "the backend's parameter `source` twice"),
        (to("page", "QUERY", "a b"), "that its position allows"),
        (to("page", "HEADER", "a:b"), "that its position allows"),
        (to("page", "HEADER", "a\r\nb"), "that its position allows"),
        (to("page", "QUERY", &"a".repeat(65)), "that its position allows"),
        (to("page", "HEADER", "Host"), "a header that only the gate sets"),
        (to("page", "HEADER", "transfer-encoding"), "a header that only the gate sets"),
    ] {
        let answer = ask(bad.clone());
        assert!(answer.contains(part), "{bad}: {answer}");
    }
    let unfilled = told("/backend_config/backend_paras", json!([]));
    assert!(unfilled.contains("nothing fills the placeholder `{who}`"), "{unfilled}");
}

#[test]
fn constants() {
    let constant = |name: &str, position: &str, value: &str| {
        let mut constant = para(name, position);
        constant["value"] = json!(value);
        constant
    };
    let ask = |next: Value| told("/backend_config/constant_paras", json!([next]));
    for good in [
        constant("source", "QUERY", ""),
        constant("source", "QUERY", "订单"),
        constant("Authorization", "HEADER", "Basic YTpi"),
    ] {
        assert_eq!(ask(good.clone()), "fine", "{good}");
    }
    for (bad, part) in [
        (para("source", "QUERY"), "constant_paras[0].value` is missing"),
        (constant("source", "BODY", "x"), "adds to the body"),
        (constant("X-Page", "HEADER", "x"), "the backend's parameter `X-Page` twice"),
        (constant("x-page", "HEADER", "x"), "the backend's parameter `x-page` twice"),
        (constant("who", "PATH", "x"), "the backend's parameter `who` twice"),
        (constant("who", "PATH", "a/b"), "cannot stand in a segment of a path"),
        (constant("who", "PATH", ".."), "cannot stand in a segment of a path"),
        (constant("X-A", "HEADER", "a\r\nX-B: c"), "cannot stand in a header"),
        (constant("X-A", "HEADER", "ä"), "cannot stand in a header"),
        (constant("Content-Length", "HEADER", "0"), "a header that only the gate sets"),
        (constant("source", "QUERY", &"x".repeat(1_025)), "at most 1024"),
    ] {
        let answer = ask(bad.clone());
        assert!(answer.contains(part), "{bad}: {answer}");
    }
}

#[test]
fn paths_of_backends() {
    for good in ["/v2/{who}", "/v2/{who}/a:b@c!$&'()*+,;=~/"] {
        assert_eq!(told("/backend_config/path", json!(good)), "fine", "{good}");
    }
    for bad in [
        "v2/{who}",
        "//",
        "/{{who}}",
        "/{who}//x",
        "/{who}/..",
        "/{who}?a=b",
        "/{who}/%41",
        "/{who}#a",
    ] {
        let answer = told("/backend_config/path", json!(bad));
        assert!(answer.starts_with("`backend_config.path` is"), "{bad}: {answer}");
    }
}
