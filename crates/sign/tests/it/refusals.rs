//! The tables of inputs that are refused, each with the name of its error.

use tidegate_sign::{Authorization, Target, parse_sdk_date};

use crate::support::{name_of, refused};

#[test]
fn authorizations() {
    for (error, input) in refused(include_str!("../../vectors/authorizations-refused.txt")) {
        let refusal = Authorization::parse(&input).expect_err(&input);
        assert_eq!(name_of(&refusal), error, "{input:?}");
    }
}

#[test]
fn dates() {
    for (error, input) in refused(include_str!("../../vectors/dates-refused.txt")) {
        let refusal = parse_sdk_date(&input).expect_err(&input);
        assert_eq!(name_of(&refusal), error, "{input:?}");
    }
}

#[test]
fn targets() {
    for (error, input) in refused(include_str!("../../vectors/targets-refused.txt")) {
        let refusal = Target::parse(&input).expect_err(&input);
        assert_eq!(name_of(&refusal), error, "{input:?}");
    }
}

#[test]
fn the_longest_that_is_taken() {
    let signature = "a".repeat(64);
    let names: Vec<String> = (0..64).map(|i| format!("{i:0>100}")).collect();
    let value = format!(
        "SDK-HMAC-SHA256 Access={}, SignedHeaders={}, Signature={signature}",
        "k".repeat(128),
        names.join(";")
    );
    let authorization = Authorization::parse(&value).unwrap();
    assert_eq!(authorization.access.len(), 128);
    assert_eq!(authorization.signed_headers, names);
    assert_eq!(authorization.signature, signature);
    assert!(authorization.signs(&names[63]) && !authorization.signs("host"));

    let segments = "/a".repeat(64);
    assert_eq!(Target::parse(&segments).unwrap().segments().len(), 64);
    assert_eq!(Target::parse(&format!("{segments}/")).unwrap().segments().len(), 64);
    let pairs = format!("/?{}", vec!["a"; 256].join("&"));
    assert_eq!(Target::parse(&pairs).unwrap().query().len(), 256);
    assert!(Target::parse(&format!("/{}", "a".repeat(8191))).is_ok());
    assert!(Target::parse(&format!("/{}", ":".repeat(2730))).is_ok());
}

#[test]
fn a_key_id_may_hold_any_visible_character_but_a_comma() {
    for access in ["ak-demo-0001", "A=B", "a;b", "SignedHeaders=x", "é"] {
        let value = format!(
            "SDK-HMAC-SHA256 Access={access}, SignedHeaders=host, Signature={}",
            "0".repeat(64)
        );
        let parsed = Authorization::parse(&value).map(|authorization| authorization.access);
        assert_eq!(parsed.ok(), access.is_ascii().then_some(access));
    }
}
