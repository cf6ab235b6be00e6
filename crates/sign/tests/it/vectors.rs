//! Every request of `vectors/requests.txt`, made and checked.

use tidegate_sign::{
    Cover, Secret, SignError, Target, canonical_request, sha256, sign, string_to_sign,
};

use crate::support::{Vector, hex, vectors};

/// The one vector whose last line the official Python SDK would not write.
fn is_of_the_other_sdk(vector: &Vector) -> bool {
    vector.name == "empty-body-unsigned-go"
}

#[test]
fn the_file_is_complete() {
    let names: Vec<String> = vectors().into_iter().map(|vector| vector.name).collect();
    assert_eq!(names.len(), 25, "{names:?}");
    for name in [
        "json-post",
        "get-with-query",
        "multipart-unsigned",
        "security-token",
        "iam-projects",
        "app-call",
    ] {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
}

#[test]
fn canonical_parts_and_hash() {
    for vector in vectors() {
        let name = &vector.name;
        let target = Target::parse(&vector.call.target).unwrap();
        assert_eq!(target.canonical_path(), vector.canonical_path, "{name}");
        assert_eq!(target.canonical_query(), vector.canonical_query, "{name}");

        let canonical =
            canonical_request(&vector.call.request(&target), &vector.names(), &vector.last_line)
                .unwrap();
        assert_eq!(hex(&sha256(&canonical)), vector.canonical_sha256, "{name}");

        let date = vector.call.headers["x-sdk-date"].to_str().unwrap();
        assert_eq!(
            string_to_sign(date, &canonical),
            format!("SDK-HMAC-SHA256\n{date}\n{}", vector.canonical_sha256),
            "{name}"
        );
    }
}

#[test]
fn the_canonical_request_of_the_first_vector_byte_by_byte() {
    let vectors = vectors();
    let vector = vectors.iter().find(|vector| vector.name == "json-post").unwrap();
    let target = Target::parse(&vector.call.target).unwrap();
    let canonical =
        canonical_request(&vector.call.request(&target), &vector.names(), &vector.last_line)
            .unwrap();
    let expected = "POST\n\
        /v1/0833a5737480d53b2f250010d01a7b88/service/apis/authorize/action/\n\
        \n\
        content-type:application/json;charset=utf-8\n\
        dlm-type:EXCLUSIVE\n\
        host:dataarts.example.com\n\
        user-agent:huaweicloud-usdk-python/3.0\n\
        workspace:d9ef3a1b2c3d4e5f90a1b2c3d4e5f600\n\
        x-project-id:0833a5737480d53b2f250010d01a7b88\n\
        x-sdk-date:20201231T235959Z\n\
        \n\
        content-type;dlm-type;host;user-agent;workspace;x-project-id;x-sdk-date\n\
        f8fa3ef7632ff3e52444b442c5c4d65bd7b2c8d61ea3d108b288fe13a282d568";
    assert_eq!(String::from_utf8(canonical).unwrap(), expected);
}

#[test]
fn signing_gives_the_signature() {
    for vector in vectors().iter().filter(|vector| !is_of_the_other_sdk(vector)) {
        let target = Target::parse(&vector.call.target).unwrap();
        let added = sign(
            &vector.call.request(&target),
            vector.payload(),
            &vector.access,
            &Secret::new(vector.secret.as_str()),
            vector.date(),
        )
        .unwrap();
        let expected = vector.signed_call();
        for header in ["authorization", "x-sdk-date"] {
            assert_eq!(added[header], expected.headers[header], "{}", vector.name);
        }
        assert_eq!(added.len(), 2, "{}", vector.name);
    }
}

#[test]
fn checking_accepts_the_signature() {
    for vector in vectors() {
        let name = &vector.name;
        let (call, secret) = (vector.signed_call(), Secret::new(vector.secret.as_str()));
        let checked = call.check_as(vector.payload(), &secret, vector.date());
        let checked = checked.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(checked.date, vector.date(), "{name}");
        let cover = if vector.allows_unsigned { Cover::Unsigned } else { Cover::Verified };
        assert_eq!(checked.body, cover, "{name}");
    }
}

#[test]
fn another_secret_or_none_is_refused() {
    for vector in vectors() {
        let call = vector.signed_call();
        let mut longer = vector.secret.clone();
        longer.push('x');
        for secret in [Secret::new(longer), Secret::new(""), Secret::new("\0"), Secret::decoy()] {
            let refused = call.check_as(vector.payload(), &secret, vector.date());
            assert_eq!(refused, Err(SignError::BadSignature), "{}", vector.name);
        }
    }
}
