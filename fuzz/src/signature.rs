//! The `Authorization` value, and signatures made and checked.

use http::{HeaderMap, HeaderName, HeaderValue};
use tidegate_sign::{
    Authorization, Payload, Secret, SignError, SignedRequest, Target, app_authorization_of, check,
    format_sdk_date, sign,
};

use crate::Turn;
use crate::material::Material;

const ACCESS: &str = "ak-fuzz-0001";
const SECRET: &str = "sk-fuzz-0001";
const NOW: i64 = 1_767_322_800;
const WINDOW: i64 = 900;

/// A text has one reading or none and opens nothing; what was signed is accepted, within the window
/// and under its own secret only; and with any signed part changed it is refused.
pub fn run(data: &[u8], turn: Turn) {
    if let Ok(text) = std::str::from_utf8(data) {
        reads(text);
    }
    signs(&mut Material(data), turn);
}

fn reads(text: &str) {
    let Ok(read) = Authorization::parse(text) else { return };
    let written = format!(
        "SDK-HMAC-SHA256 Access={}, SignedHeaders={}, Signature={}",
        read.access,
        read.signed_headers.join(";"),
        read.signature,
    );
    let tight = |text: &str| text.replace(", ", ",");
    assert_eq!(tight(&written), tight(text), "only the blanks behind commas are optional");
    let also = tight(text);
    let also = Authorization::parse(&also).expect("the same without blanks");
    assert_eq!((also.access, also.signature), (read.access, read.signature));
    assert_eq!(also.signed_headers, read.signed_headers);
    assert!(read.signed_headers.is_sorted_by(|a, b| a < b));
    let mut headers = HeaderMap::new();
    for name in &read.signed_headers {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
        headers.insert(name, HeaderValue::from_static("v"));
    }
    headers.insert("host", HeaderValue::from_static("h"));
    headers.insert("x-sdk-date", HeaderValue::from_static("20260102T030000Z"));
    headers.remove("x-sdk-content-sha256");
    let target = Target::parse("/").expect("a target");
    let request = SignedRequest { method: "GET", target: &target, headers: &headers, host: None };
    let secret = Secret::new(SECRET);
    let verdict = check(&request, &read, Payload::Bytes(b""), &secret, NOW, WINDOW);
    assert!(verdict.is_err(), "nobody signed this");
}

/// A request on its way.
#[derive(Clone)]
struct Call {
    method: String,
    target: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Call {
    fn verdict(&self, secret: &Secret, now: i64) -> Option<Result<(), SignError>> {
        let target = Target::parse(&self.target).ok()?;
        let value = match app_authorization_of(&self.headers) {
            Ok(value) => value,
            Err(error) => return Some(Err(error)),
        };
        let authorization = match Authorization::parse(value) {
            Ok(authorization) => authorization,
            Err(error) => return Some(Err(error)),
        };
        let request = SignedRequest {
            method: &self.method,
            target: &target,
            headers: &self.headers,
            host: None,
        };
        let payload = Payload::Bytes(&self.body);
        Some(check(&request, &authorization, payload, secret, now, WINDOW).map(|_| ()))
    }
}

fn signs(material: &mut Material<'_>, turn: Turn) {
    let Some(call) = made_up(material) else { return };
    let Ok(target) = Target::parse(&call.target) else { return };
    let secret = Secret::new(SECRET);
    let request =
        SignedRequest { method: &call.method, target: &target, headers: &call.headers, host: None };
    let Ok(added) = sign(&request, Payload::Bytes(&call.body), ACCESS, &secret, NOW) else {
        return;
    };
    let mut signed = call;
    for (name, value) in &added {
        signed.headers.insert(name, value.clone());
    }
    assert_eq!(signed.verdict(&secret, NOW), Some(Ok(())), "what was signed is accepted");
    let edge = if material.below(2) == 0 { WINDOW } else { -WINDOW };
    if turn.is(0, 6) {
        assert_eq!(signed.verdict(&secret, NOW + edge), Some(Ok(())), "up to the window's end");
    }
    if turn.is(1, 6) {
        let late = signed.verdict(&secret, NOW + edge + edge.signum());
        assert!(matches!(late, Some(Err(SignError::ClockSkew { .. }))), "and no second longer");
    }
    for (nth, other) in [(2, Secret::new("sk-fuzz-0002")), (3, Secret::decoy())] {
        if turn.is(nth, 6) {
            assert_eq!(signed.verdict(&other, NOW), Some(Err(SignError::BadSignature)));
        }
    }
    if !turn.is(4, 6) && !turn.is(5, 6) {
        return;
    }
    let mut changed = signed.clone();
    if changes(&signed, &mut changed, &target, material) {
        let verdict = changed.verdict(&secret, NOW);
        assert!(!matches!(verdict, Some(Ok(()))), "a signed part was changed");
    }
}

/// A call that was never signed.
fn made_up(material: &mut Material<'_>) -> Option<Call> {
    let method = material.one_of(&["GET", "POST", "PUT", "DELETE"]).to_owned();
    let target = format!("/{}", material.text(60));
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("h.example:8443"));
    for _ in 0..material.below(4) {
        let name = HeaderName::from_bytes(material.bytes(12)).ok()?;
        let value = HeaderValue::from_bytes(material.bytes(16)).ok()?;
        headers.insert(name, value);
    }
    let body = material.bytes(40).to_vec();
    Some(Call { method, target, headers, body })
}

/// Changes one signed part; false if it came out as it was, or as another spelling of the same.
fn changes(
    signed: &Call,
    changed: &mut Call,
    target: &Target,
    material: &mut Material<'_>,
) -> bool {
    let flip = |bytes: &[u8], material: &mut Material<'_>| {
        let mut bytes = bytes.to_vec();
        let at = usize::from(material.byte());
        let with = material.byte() | 1;
        if let Some(byte) = at.checked_rem(bytes.len()).and_then(|at| bytes.get_mut(at)) {
            *byte ^= with;
        }
        bytes
    };
    match material.below(6) {
        0 => {
            let Ok(method) = String::from_utf8(flip(signed.method.as_bytes(), material)) else {
                return false;
            };
            changed.method = method;
            true
        }
        1 => {
            let Ok(text) = String::from_utf8(flip(signed.target.as_bytes(), material)) else {
                return false;
            };
            changed.target = text;
            Target::parse(&changed.target).is_ok_and(|now| {
                now.canonical_path() != target.canonical_path()
                    || now.canonical_query() != target.canonical_query()
            })
        }
        2 => {
            changed.body = flip(&signed.body, material);
            changed.body.push(material.byte());
            true
        }
        3 => {
            let seconds = NOW + 1 + i64::from(material.byte());
            let date = HeaderValue::try_from(format_sdk_date(seconds)).expect("a value");
            changed.headers.insert("x-sdk-date", date);
            true
        }
        4 => {
            let value = signed.headers["authorization"].as_bytes();
            let Ok(value) = HeaderValue::from_bytes(&flip(value, material)) else { return false };
            changed.headers.insert("authorization", value);
            // The key id is not signed: whoever looks it up finds another secret.
            let names = |call: &Call| {
                let text = call.headers["authorization"].to_str().unwrap_or_default().to_owned();
                text.split_once(", SignedHeaders=").map(|(_, signed)| signed.to_owned())
            };
            names(changed) != names(signed)
        }
        _ => {
            let authorization = signed.headers["authorization"].to_str().unwrap_or_default();
            let Ok(read) = Authorization::parse(authorization) else { return false };
            let name =
                read.signed_headers[usize::from(material.byte()) % read.signed_headers.len()];
            let before = &signed.headers[name];
            let Ok(value) = HeaderValue::from_bytes(&flip(before.as_bytes(), material)) else {
                return false;
            };
            let differs = value.as_bytes().trim_ascii() != before.as_bytes().trim_ascii();
            let name = HeaderName::from_bytes(name.as_bytes()).expect("it was one");
            changed.headers.insert(name, value);
            differs
        }
    }
}
