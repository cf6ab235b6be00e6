//! A valid request, one bit changed: refused if the bit was signed, accepted if it was not.

use http::HeaderValue;
use tidegate_sign::{Authorization, Secret, Target, authorization_of, check};

use crate::support::{Call, Vector, WINDOW, vectors};

/// Every text that differs from this one in one bit, or lacks or repeats one byte.
fn changes(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut changes = Vec::new();
    for index in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.to_vec();
            changed[index] ^= 1 << bit;
            changes.push(changed);
        }
        let mut shorter = bytes.to_vec();
        let byte = shorter.remove(index);
        changes.push(shorter);
        let mut longer = bytes.to_vec();
        longer.insert(index, byte);
        changes.push(longer);
    }
    changes
}

/// Whether the request gets in as this key. A target that is not read does not get in.
fn accepted(vector: &Vector, call: &Call) -> bool {
    let Ok(target) = Target::parse(&call.target) else {
        return false;
    };
    let Ok(value) = authorization_of(&call.headers) else {
        return false;
    };
    let Ok(authorization) = Authorization::parse(value) else {
        return false;
    };
    let payload =
        if vector.allows_unsigned { tidegate_sign::Payload::Unsigned } else { call.payload() };
    let secret = Secret::new(vector.secret.as_str());
    authorization.access == vector.access
        && check(&call.request(&target), &authorization, payload, &secret, vector.date(), WINDOW)
            .is_ok()
}

fn valid() -> Vec<(Vector, Call)> {
    let valid: Vec<(Vector, Call)> = vectors()
        .into_iter()
        .map(|vector| {
            let call = vector.signed_call();
            (vector, call)
        })
        .collect();
    assert!(valid.iter().all(|(vector, call)| accepted(vector, call)));
    valid
}

#[test]
fn method() {
    for (vector, call) in valid() {
        for changed in changes(call.method.as_bytes()) {
            let Ok(method) = String::from_utf8(changed) else {
                continue;
            };
            let call = Call { method, ..call.clone() };
            // Repeating one of two equal letters changes as well; nothing comes out unchanged.
            assert!(!accepted(&vector, &call), "{}: {}", vector.name, call.method);
        }
    }
}

#[test]
fn path_and_query() {
    let mut changed_targets = 0;
    for (vector, call) in valid() {
        let before = Target::parse(&call.target).unwrap();
        for changed in changes(call.target.as_bytes()) {
            let Ok(changed) = String::from_utf8(changed) else {
                continue;
            };
            // Other spellings of the same path and of the same set of pairs are the same request.
            let same = Target::parse(&changed).is_ok_and(|after| {
                after.segments().eq(before.segments())
                    && after.canonical_query() == before.canonical_query()
            });
            let call = Call { target: changed, ..call.clone() };
            assert_eq!(accepted(&vector, &call), same, "{}: {}", vector.name, call.target);
            changed_targets += usize::from(!same);
        }
    }
    assert!(changed_targets > 3000, "{changed_targets}");
}

#[test]
fn signed_headers() {
    for (vector, call) in valid() {
        for name in vector.names() {
            let before = call.headers[name].as_bytes();
            for changed in changes(before) {
                let Ok(value) = HeaderValue::from_bytes(&changed) else {
                    continue;
                };
                let mut call = call.clone();
                call.headers.insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
                let same = changed.trim_ascii() == before.trim_ascii();
                assert_eq!(accepted(&vector, &call), same, "{}: {name} {changed:?}", vector.name);
            }

            let mut without = call.clone();
            without.headers.remove(name);
            assert!(!accepted(&vector, &without), "{}: without {name}", vector.name);
            let mut twice = call.clone();
            twice.add(name, before);
            assert!(!accepted(&vector, &twice), "{}: {name} twice", vector.name);
        }
    }
}

#[test]
fn body() {
    for (vector, call) in valid() {
        let mut bodies = changes(&call.body);
        bodies.push([call.body.as_slice(), b"x"].concat());
        for body in bodies {
            let call = Call { body, ..call.clone() };
            assert_eq!(accepted(&vector, &call), vector.allows_unsigned, "{}", vector.name);
        }
    }
}

#[test]
fn authorization() {
    for (vector, call) in valid() {
        for changed in changes(call.headers["authorization"].as_bytes()) {
            let Ok(value) = HeaderValue::from_bytes(&changed) else {
                continue;
            };
            let before = call.headers["authorization"].to_str().unwrap();
            // A blank behind a comma may be there or not.
            let same =
                [before.replace(", Signed", ",Signed"), before.replace(", Signat", ",Signat")]
                    .iter()
                    .any(|spelling| spelling.as_bytes() == changed);
            let mut call = call.clone();
            call.headers.insert("authorization", value);
            assert_eq!(
                accepted(&vector, &call),
                same,
                "{}: {:?}",
                vector.name,
                call.headers["authorization"]
            );
        }
    }
}

#[test]
fn what_is_not_signed_may_change() {
    for (vector, call) in valid() {
        let mut call = call.clone();
        call.add("accept", b"*/*");
        call.add("x-forwarded-for", b"192.0.2.1");
        call.add("x-forwarded-for", b"192.0.2.2");
        call.add("x-raw", b"\xff\xfe");
        assert!(accepted(&vector, &call), "{}", vector.name);
    }
}

#[test]
fn leaving_a_name_out_of_the_list_does_not_free_its_header() {
    for (vector, call) in valid() {
        let names = vector.names();
        for left_out in &names {
            let fewer: Vec<&str> = names.iter().filter(|name| *name != left_out).copied().collect();
            let value = call.headers["authorization"].to_str().unwrap();
            let value = value.replace(&names.join(";"), &fewer.join(";"));
            let mut call = call.clone();
            call.set("authorization", &value);
            assert!(!accepted(&vector, &call), "{}: {left_out}", vector.name);
        }
    }
}
