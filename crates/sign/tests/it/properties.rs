//! Sign, then check; and the same against the reference.

use proptest::prelude::*;
use tidegate_sign::{Authorization, SignError, Target, authorization_of};

use crate::reference::{Plain, encode, signature};
use crate::support::{Call, WINDOW};

/// Any request that can be sent, with a body.
fn calls() -> impl Strategy<Value = Call> {
    (
        prop::sample::select(vec!["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]),
        prop::collection::vec("[^/\\\\;\\p{Cc}]{1,5}", 0..4),
        prop::collection::vec(("[^\0]{0,4}", "[^\0]{0,4}"), 0..5),
        prop::collection::btree_map("x-[a-z0-9]{1,6}", "[^\\p{Cc}]{0,8}", 0..5),
        prop::collection::vec(any::<u8>(), 0..40),
        any::<bool>(),
    )
        .prop_filter_map("dot segment", |(method, segments, query, headers, body, slash)| {
            if segments.iter().any(|segment| segment == "." || segment == "..") {
                return None;
            }
            let mut target: String =
                segments.iter().map(|segment| format!("/{}", encode(segment))).collect();
            if slash || target.is_empty() {
                target.push('/');
            }
            for (index, (name, value)) in query.iter().enumerate() {
                target.push(if index == 0 { '?' } else { '&' });
                target += &format!("{}={}", encode(name), encode(value));
            }
            let mut call = Call::new(method, &target, &[("host", "h.example:8443")], "");
            for (name, value) in headers {
                call.add(&name, value.as_bytes());
            }
            call.body = body;
            Some(call)
        })
}

proptest! {
    #[test]
    fn what_was_signed_is_accepted_and_the_reference_agrees(
        call in calls(),
        secret in "[^\0]{1,70}",
        access in "[!-+\\--~]{1,30}",
        date in 0_i64..4_000_000_000,
        off in -WINDOW..=WINDOW,
    ) {
        let call = call.signed(&access, &secret, date);
        prop_assert_eq!(call.check(&secret, date + off).map(|checked| checked.date), Ok(date));
        prop_assert_eq!(call.check(&format!("{secret}x"), date), Err(SignError::BadSignature));

        let value = authorization_of(&call.headers).unwrap().to_owned();
        let authorization = Authorization::parse(&value).unwrap();
        prop_assert_eq!(authorization.access, access);
        let target = Target::parse(&call.target).unwrap();
        let plain = Plain::of(&target);
        let mut without = call.clone();
        without.headers.remove("authorization");
        prop_assert_eq!(authorization.signature, signature(&without, &plain, &secret));
    }

    #[test]
    fn sent_on_it_is_still_the_signed_request(call in calls()) {
        let mut call = call.signed("ak", "sk", 0);
        call.target = Target::parse(&call.target).unwrap().path_and_query().to_owned();
        prop_assert!(call.check("sk", 0).is_ok());
    }

    #[test]
    fn the_order_of_pairs_is_not_signed(call in calls()) {
        let mut call = call.signed("ak", "sk", 0);
        if let Some((path, query)) = call.target.split_once('?') {
            let mut pairs: Vec<&str> = query.split('&').collect();
            pairs.reverse();
            call.target = format!("{path}?{}", pairs.join("&"));
        }
        prop_assert!(call.check("sk", 0).is_ok());
    }

    #[test]
    fn any_authorization_is_answered(value in ".{0,60}", tail in "[ -~]{0,60}") {
        let _ = Authorization::parse(&value);
        let _ = Authorization::parse(&format!("SDK-HMAC-SHA256 Access={tail}"));
        let _ = Authorization::parse(&format!("SDK-HMAC-SHA256 Access=a, SignedHeaders={tail}"));
    }
}
