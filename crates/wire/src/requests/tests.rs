use serde_json::{Value, json};
use tidegate_domain::standing::Choice;
use tidegate_domain::{AppKind, Timestamp};

use super::*;
use crate::enums::{ActionKind, ApiActionKind};

fn read<T: DeserializeOwned>(body_json: &Value) -> Result<T, Refusal> {
    body(body_json.to_string().as_bytes())
}

/// `base` with some fields replaced; null takes a field away.
fn with(base: &Value, changes: &Value) -> Value {
    let mut changed = base.clone();
    let fields = changed.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
    changed
}

/// What a refusal says, in short: the missing field, or what is malformed.
fn says<T>(result: Result<T, Refusal>) -> String {
    match result {
        Ok(_) => "fine".into(),
        Err(Refusal::FieldMissing { field }) => format!("missing {field}"),
        Err(Refusal::Malformed { what }) => what,
        Err(other) => format!("{other:?}"),
    }
}

const NOON: i64 = 1_609_495_200_000;

fn action() -> Value {
    json!({
        "api_id": "4704", "instance_id": "2139", "app_id": "9084",
        "apply_type": "APPLY_TYPE_AUTHORIZE", "time": "2021-01-01T10:00:00.000Z",
    })
}

fn parse_action(changes: &Value) -> Result<Action, Refusal> {
    read::<ActionBody>(&with(&action(), changes))?.parse()
}

#[test]
fn an_action_as_the_sdk_sends_it() {
    let recorded = br#"{"api_id": "4704", "instance_id": "2139", "app_id": "9084", "apply_type": "APPLY_TYPE_RENEW", "time": "2021-01-01T10:00:00.000Z"}"#;
    let action = body::<ActionBody>(recorded).unwrap().parse().unwrap();
    assert_eq!(action.api.as_str(), "4704");
    assert_eq!(action.instance.as_str(), "2139");
    assert_eq!(action.app.as_str(), "9084");
    assert_eq!(action.kind, ActionKind::Renew);
    assert_eq!(action.time, Some(Timestamp::from_ms(NOON)));
}

#[test]
fn an_action_is_checked_for_form_first() {
    for (changes, answer) in [
        (json!({}), "fine"),
        (json!({ "api_id": null }), "missing api_id"),
        (json!({ "api_id": "" }), "missing api_id"),
        (json!({ "instance_id": null }), "missing instance_id"),
        (json!({ "app_id": null }), "missing app_id"),
        (json!({ "apply_type": null }), "missing apply_type"),
        (json!({ "time": null }), "missing time"),
        (json!({ "time": null, "apply_type": "APPLY_TYPE_API_CANCEL_AUTHORIZE" }), "missing time"),
        (json!({ "time": null, "apply_type": "APPLY_TYPE_APP_CANCEL_AUTHORIZE" }), "fine"),
        (json!({ "time": "soon", "apply_type": "APPLY_TYPE_APP_CANCEL_AUTHORIZE" }), "fine"),
        (json!({ "time": "soon" }), "`time` is `soon`: write a time like 2021-01-01T10:00:00.000Z"),
        // An id that can be no id does not exist, but form comes before existence.
        (json!({ "api_id": "a/b", "time": null }), "missing time"),
        (json!({ "api_id": "a/b" }), "ApiUnknown"),
        (json!({ "instance_id": "a/b" }), "InstanceUnknown"),
        (json!({ "app_id": "a/b" }), "AppUnknown { app: \"a/b\" }"),
    ] {
        assert_eq!(says(parse_action(&changes)), answer, "{changes}");
    }
    let unknown_type = says(parse_action(&json!({ "apply_type": "APPLY_TYPE_STOP" })));
    assert!(
        unknown_type
            .starts_with("`apply_type` is `APPLY_TYPE_STOP`; allowed: APPLY_TYPE_AUTHORIZE, ")
    );
}

#[test]
fn giving_back_has_no_time() {
    let changes = json!({ "apply_type": "APPLY_TYPE_APP_CANCEL_AUTHORIZE" });
    let action = parse_action(&changes).unwrap();
    assert_eq!(action.kind, ActionKind::GiveBack);
    assert_eq!(action.time, None);
}

#[test]
fn what_is_no_body_is_refused() {
    for (bytes, part) in [
        (&b""[..], "this call needs a body, in JSON"),
        (b"  \n", "this call needs a body, in JSON"),
        (b"{", "the body cannot be read: EOF while parsing"),
        (b"[]", "expected a JSON object"),
        (b"[\"4704\",\"2139\",\"9084\",\"APPLY_TYPE_AUTHORIZE\",null]", "expected a JSON object"),
        (b"null", "expected a JSON object"),
        (b"\"api_id\"", "expected a JSON object"),
        (b"{\"api_id\":1}", "invalid type: integer `1`, expected a string"),
        (b"{\"api_id\":\"a\",\"api_id\":\"b\"}", "duplicate field `api_id`"),
        (b"{\"api\":\"a\"}", "unknown field `api`, expected one of `api_id`"),
        (b"{\"api_id\":\"a\"} {}", "trailing characters"),
        (b"{\"api_id\":\"\xff\"}", "the body cannot be read"),
    ] {
        let answer = says(body::<ActionBody>(bytes));
        assert!(answer.contains(part), "{answer}");
    }
    let empty: ActionBody = body(b"{\"api_id\": null}").unwrap();
    assert_eq!(empty, ActionBody::default());
}

#[test]
fn a_complaint_about_a_body_is_short_and_on_one_line() {
    let long = format!("{{\"apply_result\": \"{}\\n\"}}", "x".repeat(10_000));
    let answer = says(body::<DecideBody>(long.as_bytes()));
    assert!(answer.chars().count() < 450 && answer.ends_with('…'), "{answer}");
    assert!(!answer.contains('\n'));
}

#[test]
fn a_batch_names_apps_and_an_end() {
    let batch = json!({ "time": "2021-01-01T10:00:00.000Z", "app_ids": ["b", "a", "b"] });
    let parse = |changes: &Value| read::<BatchAuthorizeBody>(&with(&batch, changes))?.parse();
    let parsed = parse(&json!({})).unwrap();
    let apps: Vec<&str> = parsed.apps.iter().map(|app| app.as_str()).collect();
    assert_eq!(apps, ["b", "a"]);
    assert_eq!(parsed.until, Timestamp::from_ms(NOON));
    let too_many: Vec<String> = (0..1_001).map(|i| i.to_string()).collect();
    for (changes, answer) in [
        (json!({ "app_ids": null }), "missing app_ids"),
        (json!({ "app_ids": [] }), "`app_ids` is empty; name at least one app"),
        (json!({ "time": null }), "missing time"),
        (json!({ "app_ids": ["a", "b c"] }), "AppUnknown { app: \"b c\" }"),
        (json!({ "app_ids": too_many }), "TooMany { what: \"apps\", max: 1000 }"),
    ] {
        assert_eq!(says(parse(&changes)), answer);
    }
}

#[test]
fn a_verdict_names_applications() {
    let verdict = json!({ "apply_result": false, "apply_ids": ["05b9", "05b9", "1"] });
    let parse = |changes: &Value| read::<DecideBody>(&with(&verdict, changes))?.parse();
    let parsed = parse(&json!({ "comment": "太长" })).unwrap();
    assert_eq!(parsed.applications.len(), 2);
    assert!(!parsed.pass);
    assert_eq!(parsed.comment.as_deref(), Some("太长"));
    assert_eq!(parse(&json!({ "comment": " " })).unwrap().comment, None);
    for (changes, answer) in [
        (json!({ "apply_ids": null }), "missing apply_ids"),
        (json!({ "apply_result": null }), "missing apply_result"),
        (json!({ "apply_ids": [] }), "`apply_ids` is empty; name at least one application"),
        (json!({ "apply_ids": ["?"] }), "ApplicationUnknown"),
        (
            json!({ "comment": "x".repeat(256) }),
            "`comment` has 256 characters; at most 255 are allowed",
        ),
    ] {
        assert_eq!(says(parse(&changes)), answer);
    }
    assert!(says(parse(&json!({ "apply_result": "true" }))).contains("expected a boolean"));
}

#[test]
fn an_answer_to_a_notice() {
    let answer = json!({ "message_id": "m1", "action": 1, "time": "2021-01-01T10:00:00.000Z" });
    let parse = |changes: &Value| read::<ConfirmBody>(&with(&answer, changes))?.parse();
    let choice = |changes: &Value| parse(changes).map(|confirmation| confirmation.choice);
    assert_eq!(choice(&json!({})), Ok(Choice::At(Some(Timestamp::from_ms(NOON)))));
    assert_eq!(choice(&json!({ "time": null })), Ok(Choice::At(None)));
    assert_eq!(choice(&json!({ "action": 0 })), Ok(Choice::Now));
    assert_eq!(choice(&json!({ "action": 0, "time": "soon" })), Ok(Choice::Now));
    for (changes, answer) in [
        (json!({ "message_id": null }), "missing message_id"),
        (json!({ "action": null }), "missing action"),
        (json!({ "action": 2 }), "`action` is 2; allowed: 0 (now), 1 (at `time`)"),
        (json!({ "time": "" }), "`time` is ``: write a time like 2021-01-01T10:00:00.000Z"),
        (json!({ "message_id": "m 1" }), "NoticeUnknown"),
    ] {
        assert_eq!(says(parse(&changes)), answer);
    }
}

#[test]
fn a_new_app() {
    let app = json!({ "app_type": "APP", "name": "应用_1", "description": "" });
    let parse = |changes: &Value| read::<AppBody>(&with(&app, changes))?.parse();
    assert_eq!(
        parse(&json!({})),
        Ok(AppSpec { kind: AppKind::App, name: "应用_1".into(), description: String::new() })
    );
    assert_eq!(parse(&json!({ "app_type": null })).unwrap().kind, AppKind::App);
    assert_eq!(parse(&json!({ "app_type": "IAM" })).unwrap().kind, AppKind::Iam);
    for (changes, answer) in [
        (json!({ "name": null }), "missing name"),
        (json!({ "name": "  " }), "missing name"),
        (json!({ "name": " a" }), "`name` is ` a`; a name neither begins nor ends with a blank"),
        (json!({ "apig_type": "APIG", "apig_instance_id": "APIG" }), "fine"),
        (json!({ "apig_type": "DLM" }), "`apig_type` is `DLM`; allowed: APIG, APIGW, ROMA_APIC"),
    ] {
        assert_eq!(says(parse(&changes)), answer);
    }
    for changes in [
        json!({ "name": "x".repeat(65) }),
        json!({ "name": "a\nb" }),
        json!({ "description": "x".repeat(256) }),
        json!({ "app_type": "WEB" }),
    ] {
        assert_ne!(says(parse(&changes)), "fine", "{changes}");
    }
}

#[test]
fn a_change_of_an_app_names_what_changes() {
    let change = |body_json: Value| read::<AppUpdateBody>(&body_json)?.parse();
    assert_eq!(change(json!({})), Ok(AppChange { name: None, description: None }));
    assert_eq!(change(json!({ "description": "" })).unwrap().description.as_deref(), Some(""));
    assert_eq!(change(json!({ "name": "n" })).unwrap().name.as_deref(), Some("n"));
    assert_eq!(says(change(json!({ "name": "" }))), "missing name");
    assert!(says(change(json!({ "app_type": "IAM" }))).contains("unknown field `app_type`"));
}

#[test]
fn names_of_apps_can_be_distinguished_by_eye() {
    let made = |name: &str| {
        let body = json!({ "name": name, "app_type": "APP", "description": "" });
        read::<AppBody>(&body).unwrap().parse().map(|spec| spec.name)
    };
    let changed = |name: &str| {
        let body: AppUpdateBody = read(&json!({ "name": name })).unwrap();
        body.parse().map(|change| change.name.unwrap_or_default())
    };
    for good in ["wallboard", "大屏 2", "Zoë", "приложение", "a.b-c_d (test)", "🙂"]
    {
        assert_eq!(made(good).unwrap(), good);
        assert_eq!(changed(good).unwrap(), good);
    }
    for (bad, why) in [
        ("a\u{2800}b", "`name` is `a\\u{2800}b`; U+2800 in it is an invisible character"),
        ("a\u{fe0f}", "`name` is `a\\u{fe0f}`; U+FE0F in it is a variation selector"),
        ("a\u{ffff}", "`name` is `a\\u{ffff}`; U+FFFF in it is no character of Unicode"),
        ("a\u{e000}", "`name` is `a\\u{e000}`; U+E000 in it is a character of private use"),
        ("a\u{a0}b", "U+00A0 in it is a blank that looks like the plain one"),
        ("a\u{202e}b", "U+202E in it is a character that turns the direction of writing"),
        ("a\0b", "U+0000 in it is a control character"),
        (" a", "`name` is ` a`; a name neither begins nor ends with a blank"),
        ("a ", "a name neither begins nor ends with a blank"),
        ("a  b", "a name has no two blanks in a row"),
        ("Zoe\u{308}", "a name is written in Unicode's composed form (NFC)"),
    ] {
        for answer in [says(made(bad)), says(changed(bad))] {
            assert!(answer.contains(why), "{answer}");
        }
    }
}

#[test]
fn an_action_on_an_api() {
    let parse = |body_json: Value| read::<ApiActionBody>(&body_json)?.parse();
    for (text, kind) in [("STOP", ApiActionKind::Stop), ("UNPUBLISH", ApiActionKind::Unpublish)] {
        let at = "2021-01-01T10:00:00.000Z";
        let action = parse(json!({ "action": text, "time": at })).unwrap();
        assert_eq!(action, ApiAction { kind, at: Some(Timestamp::from_ms(NOON)) });
        assert_eq!(parse(json!({ "action": text })).unwrap().at, None);
    }
    let recover = parse(json!({ "action": "RECOVER", "time": "soon" })).unwrap();
    assert_eq!(recover, ApiAction { kind: ApiActionKind::Recover, at: None });
    assert_eq!(says(parse(json!({}))), "missing action");
    assert!(says(parse(json!({ "action": "PUBLISH" }))).contains("UNPUBLISH, STOP, RECOVER"));
}

#[test]
fn a_publication_may_have_no_body() {
    for bytes in [&b""[..], b" ", b"null", b"{}", b"{\"apig_type\": \"APIGW\"}"] {
        let gateway: GatewayBody = optional_body(bytes).unwrap();
        assert_eq!(gateway.parse(), Ok(()));
    }
    assert!(optional_body::<GatewayBody>(b"{\"apig_type\": 1}").is_err());
    assert!(read::<GatewayBody>(&json!({ "apig_type": "X" })).unwrap().parse().is_err());
}

#[test]
fn apis_to_delete_are_a_bare_list() {
    let apis = apis_to_delete(br#"["a", "b", "a"]"#).unwrap();
    assert_eq!(apis.iter().map(|api| api.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let too_many = serde_json::to_vec(&vec!["a"; 1_001]).unwrap();
    for (bytes, answer) in [
        (&b"[]"[..], "the list is empty; name at least one API"),
        (br#"["a b"]"#, "ApiToDeleteUnknown"),
        (&too_many, "TooMany { what: \"APIs\", max: 1000 }"),
    ] {
        assert_eq!(says(apis_to_delete(bytes)), answer);
    }
    assert!(apis_to_delete(br#"{"ids": []}"#).is_err());
}

#[test]
fn bodies_are_written_as_they_are_read() {
    let body_json = action();
    let body: ActionBody = read(&body_json).unwrap();
    assert_eq!(serde_json::to_value(&body).unwrap(), body_json);
    assert_eq!(serde_json::to_value(ActionBody::default()).unwrap(), json!({}));
}
