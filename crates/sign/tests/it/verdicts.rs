//! Every request of `vectors/verdicts.json`, which an independent signer wrote, and of
//! `vectors/clients.json`, which the vendor's clients sent: let in, or refused for the reason that stands
//! there.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tidegate_sign::{
    Authorization, BodyHasher, Cover, Payload, Secret, SignedRequest, Target, app_authorization_of,
    check,
};

use crate::support::name_of;

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"))
}

/// A byte for each character.
fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

/// None if it is let in, otherwise why not. As a gate does it: what the signature says of a body that
/// is still to come is compared with the body afterwards.
fn verdict(keys: &Value, vector: &Value) -> Option<String> {
    let target = match Target::parse(text(vector, "target")) {
        Ok(target) => target,
        Err(error) => return Some(name_of(&error)),
    };
    let mut headers = HeaderMap::new();
    for header in vector["headers"].as_array().unwrap() {
        let (name, value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_bytes(&bytes(value)).unwrap());
    }
    let body = bytes(text(vector, "body"));
    let payload = match text(vector, "payload") {
        "whole" => Payload::Bytes(&body),
        "declared" => Payload::Declared,
        "unsigned" => Payload::Unsigned,
        other => panic!("{other}"),
    };
    let request = SignedRequest {
        method: text(vector, "method"),
        target: &target,
        headers: &headers,
        host: None,
    };
    let checked =
        app_authorization_of(&headers).and_then(Authorization::parse).and_then(|authorization| {
            let secret = keys[authorization.access].as_str();
            let secret = secret.map_or_else(Secret::decoy, Secret::new);
            let (now, window) = (vector["now"].as_i64(), vector["window"].as_i64());
            check(&request, &authorization, payload, &secret, now.unwrap(), window.unwrap())
        });
    match checked.map(|checked| checked.body) {
        Ok(Cover::Declared(hash)) => {
            let mut hasher = BodyHasher::new();
            body.chunks(5).for_each(|piece| hasher.update(piece));
            (hasher.finish() != hash).then(|| "BodyMismatch".to_owned())
        }
        Ok(Cover::Verified | Cover::Unsigned) => None,
        Err(error) => Some(name_of(&error)),
    }
}

/// How many requests are in the file, and how many are refused.
fn all_get_the_verdict_that_stands_there(file: &str) -> (usize, usize) {
    let file: Value = serde_json::from_str(file).unwrap();
    let mut refused = 0;
    let mut wrong = Vec::new();
    let vectors = file["vectors"].as_array().unwrap();
    for vector in vectors {
        let error = verdict(&file["keys"], vector);
        refused += usize::from(error.is_some());
        if error.as_deref() != vector["error"].as_str() {
            wrong.push(format!("{}: {error:?}", text(vector, "name")));
        }
        let expected = if error.is_some() { "refused" } else { "accepted" };
        assert_eq!(text(vector, "verdict"), expected, "{}", text(vector, "name"));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    (vectors.len(), refused)
}

#[test]
fn every_request_gets_the_verdict_that_stands_there() {
    let file = include_str!("../../vectors/verdicts.json");
    let (all, refused) = all_get_the_verdict_that_stands_there(file);
    assert!(all >= 400 && refused * 2 >= all, "{refused} of {all}");
}

#[test]
fn the_vendors_clients_are_let_in() {
    let file = include_str!("../../vectors/clients.json");
    let (all, refused) = all_get_the_verdict_that_stands_there(file);
    assert!(all >= 170 && refused <= 5, "{refused} of {all}");
}
