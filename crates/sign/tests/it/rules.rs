//! The rules of checking and signing, one story each.

use aws_lc_rs::hmac;
use tidegate_sign::{
    Authorization, BodyHasher, Cover, Payload, Secret, SignError, SignedRequest, Target,
    app_authorization_of, authorization_of, canonical_request, check, constant_time_eq,
    format_sdk_date, hex, sha256, sign, string_to_sign,
};

use crate::reference::{Plain, signature};
use crate::support::{Call, WINDOW};

const NOW: i64 = 1_767_323_045;
const KEY: &str = "ak-demo-0001";
const SECRET: &str = "sk-demo-0001";
const HASH: &str = "x-sdk-content-sha256";

fn post(body: &str) -> Call {
    Call::new("POST", "/sales/v1?a=1", &[("host", "ds.example.test")], body)
}

/// Signed by a client that signs exactly the headers it has now, with the given last line of the
/// canonical request left to the reference: the hash of the body.
fn signed_by_another_client(call: &Call) -> Call {
    let mut call = call.clone();
    let target = Target::parse(&call.target).unwrap();
    let plain = Plain::of(&target);
    let mut names: Vec<String> = call.headers.keys().map(ToString::to_string).collect();
    names.sort();
    let signature = signature(&call, &plain, SECRET);
    call.set(
        "authorization",
        &format!(
            "SDK-HMAC-SHA256 Access={KEY}, SignedHeaders={}, Signature={signature}",
            names.join(";")
        ),
    );
    call
}

#[test]
fn an_unsigned_host_is_accepted_and_reported() {
    for signed in [vec![], vec![("x-a", "1")], vec![("accept", "a/b"), ("content-type", "a/b")]] {
        let date = format_sdk_date(NOW);
        let headers = [signed.as_slice(), &[("x-sdk-date", date.as_str())]].concat();
        let mut call = signed_by_another_client(&Call::new("GET", "/a", &headers, ""));
        for host in ["ds.example.test", "another.example.test"] {
            call.set("host", host);
            let checked = call.check(SECRET, NOW).unwrap();
            assert!(!checked.host_signed);
            assert_eq!(checked.require_signed_host(), Err(SignError::HostNotSigned));
        }
    }
    let checked = post("").signed(KEY, SECRET, NOW).check(SECRET, NOW).unwrap();
    assert!(checked.host_signed);
    assert_eq!(checked.require_signed_host(), Ok(()));
}

#[test]
fn a_blank_behind_a_comma_of_the_authorization_may_be_left_out() {
    let call = post("").signed(KEY, SECRET, NOW);
    let value = call.headers["authorization"].to_str().unwrap();
    let tight = value.replace(", ", ",");
    let mixed = value.replacen(", ", ",", 1);
    for spelling in [&tight, &mixed] {
        let mut call = call.clone();
        call.set("authorization", spelling);
        assert!(call.check(SECRET, NOW).is_ok(), "{spelling}");
    }
}

/// The Java SDK sorts names and leaves the values of one name as they are sent.
#[test]
fn the_values_of_one_name_may_be_signed_in_the_order_they_are_sent() {
    let call = |target: &str| Call { target: target.to_owned(), ..post("x") };
    // Signed over a query that says what the canonical one would not: `tags=b&tags=a`.
    let signed_as_sent = |target: &str, query: &str| {
        let mut call = call(target);
        call.set("x-sdk-date", &format_sdk_date(NOW));
        let names = ["host", "x-sdk-date"];
        let parsed = Target::parse(target).unwrap();
        let body = hex(&sha256(&call.body));
        let canonical = canonical_request(&call.request(&parsed), &names, &body).unwrap();
        let canonical = String::from_utf8(canonical).unwrap();
        let canonical = canonical.replacen(parsed.canonical_query(), query, 1);
        let message = string_to_sign(&format_sdk_date(NOW), canonical.as_bytes());
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let signature = hex(hmac::sign(&key, message.as_bytes()).as_ref());
        let value = format!(
            "SDK-HMAC-SHA256 Access={KEY}, SignedHeaders=host;x-sdk-date, Signature={signature}"
        );
        call.set("authorization", &value);
        call
    };
    let accepted = |call: Call| call.check(SECRET, NOW).is_ok();
    for (target, query) in [
        ("/a?tags=b&tags=a", "tags=b&tags=a"),
        ("/a?z=1&tags=b&tags=a", "tags=b&tags=a&z=1"),
        ("/a?tags=b&z=1&tags=a&tags=", "tags=b&tags=a&tags=&z=1"),
    ] {
        assert!(accepted(signed_as_sent(target, query)), "{target}");
        assert!(accepted(call(target).signed(KEY, SECRET, NOW)), "{target}");
    }
    // Which values there are, and of which name, is signed all the same, and so is their order.
    let signed = signed_as_sent("/a?tags=b&tags=a", "tags=b&tags=a");
    for target in ["/a?tags=a&tags=b", "/a?tags=b", "/a?tags=b&tags=a&tags=a", "/a?tags=b&sags=a"] {
        assert!(!accepted(Call { target: target.to_owned(), ..signed.clone() }), "{target}");
    }
    assert!(!accepted(signed_as_sent("/a?tags=b&z=1&tags=a", "z=1&tags=b&tags=a")));
    for target in ["/a", "/a?b=1", "/a?b=1&a=2", "/a?t=1&t=2", "/a?t=2&u=1&t=2"] {
        assert_eq!(Target::parse(target).unwrap().query_sorted_by_name(), None, "{target}");
    }
}

#[test]
fn the_date_must_be_signed() {
    let mut call = post("").signed(KEY, SECRET, NOW);
    let value = call.headers["authorization"].to_str().unwrap().replace("host;x-sdk-date", "host");
    call.set("authorization", &value);
    assert_eq!(call.check(SECRET, NOW), Err(SignError::DateNotSigned));
}

#[test]
fn the_window_is_closed_and_reaches_both_ways() {
    let call = post("").signed(KEY, SECRET, NOW);
    for now in [NOW - WINDOW, NOW - 1, NOW, NOW + 1, NOW + WINDOW] {
        assert_eq!(call.check(SECRET, now).map(|checked| checked.date), Ok(NOW));
    }
    for (now, seconds_off) in [
        (NOW - WINDOW - 1, WINDOW + 1),
        (NOW + WINDOW + 1, -WINDOW - 1),
        (i64::MIN, i64::MAX),
        (i64::MAX, NOW - i64::MAX),
    ] {
        let refusal = SignError::ClockSkew { seconds_off, window_seconds: WINDOW };
        assert_eq!(call.check(SECRET, now), Err(refusal));
    }
}

#[test]
fn a_negative_window_lets_nothing_in() {
    let call = post("").signed(KEY, SECRET, NOW);
    let target = Target::parse(&call.target).unwrap();
    let authorization = Authorization::parse(authorization_of(&call.headers).unwrap()).unwrap();
    let with_window = |window| {
        check(
            &call.request(&target),
            &authorization,
            call.payload(),
            &Secret::new(SECRET),
            NOW,
            window,
        )
    };
    assert!(with_window(0).is_ok());
    let refusal = SignError::ClockSkew { seconds_off: 0, window_seconds: -1 };
    assert_eq!(with_window(-1), Err(refusal));
}

#[test]
fn a_date_that_is_none_is_refused() {
    for date in ["20260230T000000Z", "2026-01-02T03:04:05Z", "é", ""] {
        let mut call = post("");
        call.set("x-sdk-date", date);
        assert_eq!(signed_by_another_client(&call).check(SECRET, NOW), Err(SignError::BadDate));
    }
}

#[test]
fn signed_headers_are_there_exactly_once() {
    let call = Call::new("GET", "/a", &[("host", "h"), ("workspace", "w")], "");
    let call = call.signed(KEY, SECRET, NOW);
    assert!(call.check(SECRET, NOW).is_ok());
    for name in ["host", "workspace", "x-sdk-date"] {
        let mut without = call.clone();
        without.headers.remove(name);
        assert_eq!(without.check(SECRET, NOW), Err(SignError::HeaderNotPresent(name.into())));
        let mut twice = call.clone();
        let value = twice.headers[name].clone();
        twice.add(name, value.as_bytes());
        assert_eq!(twice.check(SECRET, NOW), Err(SignError::DuplicateHeader(name.into())));
    }
}

#[test]
fn a_method_in_lower_case_is_refused_not_changed() {
    let call = Call {
        method: "get".into(),
        ..Call::new("GET", "/a", &[("host", "h")], "").signed(KEY, SECRET, NOW)
    };
    assert_eq!(call.check(SECRET, NOW), Err(SignError::BadMethod));
    for method in ["", "G T", "GET\n/x/", "GÉT", "G:T"] {
        let call = Call { method: method.into(), ..call.clone() };
        assert_eq!(call.check(SECRET, NOW), Err(SignError::BadMethod), "{method:?}");
    }
}

#[test]
fn the_authority_of_http2_stands_for_the_host_header() {
    let call = Call::new("GET", "/a", &[], "");
    let target = Target::parse(&call.target).unwrap();
    let secret = Secret::new(SECRET);
    let request = SignedRequest { host: Some("h:8443"), ..call.request(&target) };
    let added = sign(&request, Payload::Bytes(b""), KEY, &secret, NOW).unwrap();
    assert_eq!(added["host"], "h:8443");

    // Received without a Host header, or with another one that nobody routes by.
    for host_header in [None, Some("other")] {
        let mut received = added.clone();
        received.remove("host");
        if let Some(host) = host_header {
            received.insert("host", host.parse().unwrap());
        }
        let value = authorization_of(&received).unwrap().to_owned();
        let authorization = Authorization::parse(&value).unwrap();
        for (host, outcome) in [
            (Some("h:8443"), Ok(())),
            (Some("h"), Err(SignError::BadSignature)),
            (Some(""), Err(SignError::BadHost)),
            (Some("h:8443\nx-sdk-date:x"), Err(SignError::BadHost)),
        ] {
            let request =
                SignedRequest { method: "GET", target: &target, headers: &received, host };
            let checked =
                check(&request, &authorization, Payload::Bytes(b""), &secret, NOW, WINDOW);
            assert_eq!(checked.map(|_| ()), outcome, "{host:?}");
        }
    }
}

#[test]
fn a_declared_hash_must_be_the_hash_of_the_body_and_signed() {
    let hash = |body: &[u8]| crate::support::hex(&sha256(body));
    let mut call = post("{}");
    call.set(HASH, &hash(b"{}"));
    let call = call.signed(KEY, SECRET, NOW);
    assert_eq!(call.check(SECRET, NOW).unwrap().body, Cover::Verified);
    assert_eq!(
        call.check_as(Payload::Digest(&sha256(b"{}")), &Secret::new(SECRET), NOW).unwrap().body,
        Cover::Verified
    );
    let other = Call { body: b"[]".to_vec(), ..call.clone() };
    assert_eq!(other.check(SECRET, NOW), Err(SignError::BodyMismatch));

    let mut unsigned = post("{}").signed(KEY, SECRET, NOW);
    unsigned.set(HASH, &hash(b"{}"));
    assert_eq!(unsigned.check(SECRET, NOW), Err(SignError::ContentHashNotSigned));
    assert_eq!(
        unsigned.check_as(Payload::Declared, &Secret::new(SECRET), NOW),
        Err(SignError::ContentHashNotSigned)
    );

    for garbage in ["", "abc", &"g".repeat(64), "unsigned-payload", "STREAMING", "é"] {
        let mut call = post("{}").signed(KEY, SECRET, NOW);
        call.set(HASH, garbage);
        assert_eq!(call.check(SECRET, NOW), Err(SignError::BadContentHash), "{garbage:?}");
    }
    let mut twice = call.clone();
    twice.add(HASH, hash(b"{}").as_bytes());
    assert_eq!(twice.check(SECRET, NOW), Err(SignError::DuplicateHeader(HASH.into())));
}

#[test]
fn a_streamed_body_is_compared_by_the_caller() {
    let secret = Secret::new(SECRET);
    let mut call = post("one two");
    call.set(HASH, &crate::support::hex(&sha256(b"one two")));
    let call = call.signed(KEY, SECRET, NOW);
    for payload in [Payload::Declared, Payload::Unsigned] {
        let cover = call.check_as(payload, &secret, NOW).unwrap().body;
        let mut hasher = BodyHasher::new();
        hasher.update(b"one ");
        hasher.update(b"two");
        assert_eq!(cover, Cover::Declared(hasher.finish()));
    }
    assert_eq!(BodyHasher::default().finish(), sha256(b""));

    let undeclared = post("one two").signed(KEY, SECRET, NOW);
    for payload in [Payload::Declared, Payload::Unsigned] {
        assert_eq!(undeclared.check_as(payload, &secret, NOW), Err(SignError::MissingContentHash));
    }
}

#[test]
fn an_unsigned_payload_is_for_those_who_ask_for_it() {
    let secret = Secret::new(SECRET);
    let call = post("file");
    let target = Target::parse(&call.target).unwrap();
    let added = sign(&call.request(&target), Payload::Unsigned, KEY, &secret, NOW).unwrap();
    assert_eq!(added[HASH], "UNSIGNED-PAYLOAD");
    let mut call = call.clone();
    call.headers.extend(added);

    assert_eq!(call.check_as(Payload::Unsigned, &secret, NOW).unwrap().body, Cover::Unsigned);
    for payload in [Payload::Declared, call.payload(), Payload::Digest(&sha256(b"file"))] {
        assert_eq!(call.check_as(payload, &secret, NOW), Err(SignError::UnsignedPayloadRefused));
    }
}

#[test]
fn an_empty_body_is_covered_whatever_the_content_header_says() {
    // The official SDK: the header is signed, the last line is the hash of nothing.
    let mut call = post("");
    call.set(HASH, "UNSIGNED-PAYLOAD");
    let call = call.signed(KEY, SECRET, NOW);
    assert_eq!(call.check(SECRET, NOW).unwrap().body, Cover::Verified);

    // A body that was slipped in is seen.
    let more = Call { body: b"x".to_vec(), ..call };
    assert_eq!(more.check(SECRET, NOW), Err(SignError::UnsignedPayloadRefused));

    // A header that was slipped in does not matter, since it says nothing.
    let mut call = post("").signed(KEY, SECRET, NOW);
    call.set(HASH, "UNSIGNED-PAYLOAD");
    assert_eq!(call.check(SECRET, NOW).unwrap().body, Cover::Verified);
    call.set(HASH, &crate::support::hex(&sha256(b"x")));
    assert_eq!(call.check(SECRET, NOW), Err(SignError::BodyMismatch));
}

#[test]
fn the_decoy_refuses_what_was_signed_with_its_own_bytes() {
    let decoy = Secret::decoy();
    let call = post("").signed(KEY, decoy.expose(), NOW);
    assert!(call.check(decoy.expose(), NOW).is_ok());
    assert_eq!(call.check_as(call.payload(), &decoy, NOW), Err(SignError::BadSignature));
    assert_eq!(call.check_as(call.payload(), &decoy.clone(), NOW), Err(SignError::BadSignature));
}

#[test]
fn an_unknown_key_and_a_wrong_secret_get_the_same_answers() {
    let call = post("{}").signed(KEY, SECRET, NOW);
    let mut cases = vec![(call.clone(), NOW), (call.clone(), NOW + WINDOW + 1)];
    let mut other = call.clone();
    other.headers.remove("host");
    cases.push((other, NOW));
    let mut other = call.clone();
    other.set(HASH, &"0".repeat(64));
    cases.push((other, NOW));
    for (call, now) in cases {
        let unknown = call.check_as(call.payload(), &Secret::decoy(), now);
        let wrong = call.check_as(call.payload(), &Secret::new("other"), now);
        assert!(unknown.is_err());
        assert_eq!(unknown, wrong);
    }
}

#[test]
fn one_authorization_in_one_or_both_headers() {
    let headers = |pairs: &[(&str, &str)]| Call::new("GET", "/", pairs, "").headers;
    let (a, x) = ("authorization", "x-authorization");
    let duplicate = |name: &str| SignError::DuplicateHeader(name.to_owned());

    for (pairs, of_sdk, of_app) in [
        (vec![], Err(SignError::MissingAuthorization), Err(SignError::MissingAuthorization)),
        (vec![(a, "s")], Ok("s"), Ok("s")),
        (vec![(x, "s")], Err(SignError::MissingAuthorization), Ok("s")),
        (vec![(a, "s"), (x, "s")], Ok("s"), Ok("s")),
        (vec![(a, "s"), (x, "t")], Ok("s"), Err(SignError::Conflict)),
        (vec![(a, "s"), (x, "")], Ok("s"), Err(SignError::Conflict)),
        (vec![(a, "s"), (a, "s")], Err(duplicate(a)), Err(duplicate(a))),
        (vec![(a, "s"), (x, "s"), (x, "s")], Ok("s"), Err(duplicate(x))),
        (
            vec![(a, "é")],
            Err(SignError::MalformedAuthorization("not visible ASCII")),
            Err(SignError::MalformedAuthorization("not visible ASCII")),
        ),
    ] {
        let headers = headers(&pairs);
        assert_eq!(authorization_of(&headers), of_sdk, "{pairs:?}");
        assert_eq!(app_authorization_of(&headers), of_app, "{pairs:?}");
    }
}

#[test]
fn signing_leaves_out_what_does_not_last() {
    let call = Call::new(
        "POST",
        "/a",
        &[
            ("Host", "h"),
            ("Content-Type", "text/plain"),
            ("Content-Length", "2"),
            ("Connection", "close"),
            ("Transfer-Encoding", "chunked"),
            ("x_under_score", "1"),
            ("Authorization", "old"),
            ("X-Authorization", "old"),
            ("X-Sdk-Date", "old"),
            ("X-Other", "2"),
        ],
        "{}",
    )
    .signed(KEY, SECRET, NOW);
    let value = authorization_of(&call.headers).unwrap();
    assert_eq!(
        Authorization::parse(value).unwrap().signed_headers,
        ["content-type", "host", "x-other", "x-sdk-date"]
    );
    assert_eq!(call.headers["x-sdk-date"], format_sdk_date(NOW).as_str());
    assert!(call.check(SECRET, NOW).is_ok());
}

#[test]
fn what_cannot_be_signed() {
    let refusal = |call: &Call, access: &str, secret: &str| {
        let target = Target::parse(&call.target).unwrap();
        sign(&call.request(&target), call.payload(), access, &Secret::new(secret), NOW).unwrap_err()
    };
    for access in ["", "a b", "a,b", "é", "a\nb", &"a".repeat(129)] {
        assert_eq!(refusal(&post(""), access, SECRET), SignError::BadAccess);
    }
    for secret in ["", "\0\0"] {
        assert_eq!(refusal(&post(""), KEY, secret), SignError::UnusableSecret);
    }
    let hostless = Call::new("GET", "/a", &[], "");
    assert_eq!(refusal(&hostless, KEY, SECRET), SignError::HeaderNotPresent("host".into()));
    let mut twice = post("");
    twice.add("host", b"h");
    assert_eq!(refusal(&twice, KEY, SECRET), SignError::DuplicateHeader("host".into()));
    let mut many = post("");
    for i in 0..63 {
        many.add(&format!("x-{i}"), b"1");
    }
    let too_many = SignError::MalformedAuthorization("too many SignedHeaders");
    assert_eq!(refusal(&many, KEY, SECRET), too_many);
    many.headers.remove("x-0");
    assert!(many.signed(KEY, SECRET, NOW).check(SECRET, NOW).is_ok());
    let mut mismatch = post("{}");
    mismatch.set(HASH, &"0".repeat(64));
    assert_eq!(refusal(&mismatch, KEY, SECRET), SignError::BodyMismatch);
}

#[test]
fn error_texts_hold_no_values() {
    let call = post("{}").signed(KEY, SECRET, NOW);
    let value = call.headers["authorization"].to_str().unwrap().to_owned();
    let signature = value.rsplit('=').next().unwrap().to_owned();
    let mut errors = vec![call.check("other", NOW).unwrap_err()];
    errors.push(call.check(SECRET, NOW + 10_000).unwrap_err());
    errors.push(Authorization::parse(&value.replace("host;", "host;;")).unwrap_err());
    errors.push(Authorization::parse(&value.replace("SHA256", "SM3")).unwrap_err());
    for error in errors {
        let text = format!("{error} {error:?}");
        assert!(
            !text.contains(SECRET) && !text.contains(KEY) && !text.contains(&signature),
            "{text}"
        );
    }
}

#[test]
fn comparing_bytes() {
    assert!(constant_time_eq(b"", b"") && constant_time_eq(b"abc", b"abc"));
    assert!(!constant_time_eq(b"abc", b"abd") && !constant_time_eq(b"abc", b"ab"));
}

/// Does not compile once `Secret` gets one of these: the item would then be there twice.
#[test]
fn a_secret_cannot_be_shown_or_compared() {
    trait There<A> {
        fn item() {}
    }
    impl<T> There<()> for T {}
    struct Debug;
    impl<T: std::fmt::Debug> There<Debug> for T {}
    struct Display;
    impl<T: std::fmt::Display> There<Display> for T {}
    struct PartialEq;
    impl<T: std::cmp::PartialEq> There<PartialEq> for T {}
    <Secret as There<_>>::item();
}
