//! A caller's proof, and what is said in the gate's name, reach the same backends whichever proxy forwards the
//! call.

use tidegate_domain::AuthType;
use tidegate_domain::api::Method;
use tidegate_gateway::feed::{Batch, Rules};

use crate::asking::{Raw, Services, Way, set};
use crate::world::{HOUR, NOON, World, exchange, grant, iam_app, token};

const SIGNATURE: &str = "SDK-HMAC-SHA256 Access=k, SignedHeaders=x, Signature=s";

/// The APIs that are called: how each asks for proof, and whether its backend gets it.
const APIS: [(&str, AuthType, bool); 6] = [
    ("app", AuthType::App, false),
    ("app-forwards", AuthType::App, true),
    ("iam", AuthType::Iam, false),
    ("iam-forwards", AuthType::Iam, true),
    ("open", AuthType::None, false),
    ("open-forwards", AuthType::None, true),
];

/// What a header is, by which a caller proves something or speaks for the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// A signature.
    Signature,
    /// What stands where a signature may, and is none.
    Authorization,
    /// Any other proof.
    Credential,
    /// The gate's word.
    Gates,
}

const HEADERS: [(&str, &str, What); 28] = [
    ("authorization", SIGNATURE, What::Signature),
    ("authorization", "Bearer t", What::Authorization),
    ("x-authorization", SIGNATURE, What::Signature),
    ("x-authorization", "Basic dDp0", What::Authorization),
    ("x_authorization", " sdk-hmac-sha256 Access=k", What::Signature),
    ("x_authorization", "Bearer t", What::Authorization),
    ("x.authorization", SIGNATURE, What::Signature),
    ("x.authorization", "Bearer t", What::Authorization),
    ("x-auth-token", "good", What::Credential),
    ("x_auth_token", "good", What::Credential),
    ("x.auth-token", "good", What::Credential),
    ("x-auth_token", "good", What::Credential),
    ("x!auth!token", "good", What::Credential),
    ("x-security-token", "t", What::Credential),
    ("x_security-token", "t", What::Credential),
    ("x.security.token", "t", What::Credential),
    ("x-sdk-nonce", "drawn-for-this-call", What::Credential),
    ("x_sdk_nonce", "drawn-for-this-call", What::Credential),
    ("x-sdk-date", "20260102T030000Z", What::Credential),
    ("x-sdk.date", "20260102T030000Z", What::Credential),
    ("x-tidegate-app", "root", What::Gates),
    ("x-tidegate-reason", "none", What::Gates),
    ("x_tidegate_app", "root", What::Gates),
    ("x.tidegate.app", "root", What::Gates),
    ("x-tidegate-foo", "root", What::Gates),
    ("x-request-id", "mine", What::Gates),
    ("x_request_id", "mine", What::Gates),
    ("x.request-id", "mine", What::Gates),
];

/// The names that stand in the configuration of a proxy.
const CONFIGURED: [&str; 9] = [
    "authorization",
    "x-authorization",
    "x-auth-token",
    "x-security-token",
    "x-sdk-date",
    "x-sdk-nonce",
    "x-tidegate-app",
    "x-tidegate-reason",
    "x-request-id",
];

/// Does a header go on? This is the rule, for every way.
fn goes_on(what: What, auth: AuthType, forwards: bool) -> bool {
    match (what, auth) {
        (What::Gates, _) => false,
        (What::Authorization, AuthType::None) => true,
        (What::Signature | What::Credential, AuthType::None) => false,
        (_, AuthType::App | AuthType::Iam) => forwards,
    }
}

async fn furnished() -> World {
    let world = World::start().await;
    let (apps, tokens) = (vec![iam_app("users", "acme")], vec![token("good", "acme", NOON + HOUR)]);
    world.tell(Batch { apps, tokens, ..Batch::default() }).await;
    for (id, auth, forward_credentials) in APIS {
        let mut api = world.api(id, auth, Method::Get, &format!("/{id}"), "/");
        api.rules = Rules { forward_credentials, ..api.rules };
        world.publish(api).await;
        let holder = match auth {
            AuthType::App => "app",
            AuthType::Iam => "users",
            AuthType::None => continue,
        };
        world.grant(id, holder, Some(grant(NOON, NOON + HOUR, None))).await;
    }
    world
}

/// An admitted call that has this header; none if the header would make it another call.
fn call(world: &World, id: &str, auth: AuthType, name: &str, value: &str) -> Option<Vec<u8>> {
    let call = world.call("GET", &format!("/{id}"));
    match auth {
        // The signature and its date are there already; another one would be a second.
        AuthType::App if ["authorization", "x-sdk-date"].contains(&name) => {
            (value != "Bearer t").then(|| call.bytes())
        }
        AuthType::App if name == "x-authorization" => None,
        AuthType::App => Some(call.unsigned(name, value).bytes()),
        AuthType::Iam if name == "x-auth-token" => Some(call.header(name, value).plain_bytes()),
        AuthType::Iam => {
            Some(call.header("x-auth-token", "good").unsigned(name, value).plain_bytes())
        }
        AuthType::None => Some(call.unsigned(name, value).plain_bytes()),
    }
}

#[tokio::test]
async fn one_rule_says_what_of_a_callers_proof_goes_on_whoever_forwards_the_call() {
    let world = furnished().await;
    let services = Services::of(&world.gate).await;
    let by_hyper = world.by_hyper().await;
    for (id, auth, forwards) in APIS {
        for (name, value, what) in HEADERS {
            let Some(bytes) = call(&world, id, auth, name, value) else { continue };
            let about = format!("{id} {name}: {value}");
            let raw = Raw::of(&bytes);
            let sent = raw.headers.iter().find(|(sent, _)| sent == name).unwrap().1.clone();
            let goes = goes_on(what, auth, forwards);

            // The gate's own proxy, on both its ways.
            for address in [world.address, by_hyper] {
                exchange(address, &bytes).await.allowed();
                let seen = world.backend.last();
                let seen = seen.headers.get_all(name).iter().any(|seen| seen.as_bytes() == sent);
                assert_eq!(seen, goes, "{about}");
            }

            // Envoy is told what to take away, or replaces it.
            let removes = |removed: Vec<String>, replaced: bool| {
                assert_eq!(removed.iter().any(|gone| gone == name) || replaced, !goes, "{about}");
                for gone in removed {
                    assert!(raw.headers.iter().any(|(sent, _)| *sent == gone), "{about}: {gone}");
                }
            };
            let ok = services.check(&raw, true).await.unwrap().ok.expect(&about);
            removes(ok.headers_to_remove, set(&ok.headers).contains_key(name));
            let answer = services.ask(&raw, Way::Envoy, true).await;
            let removed = answer.header("x-envoy-auth-headers-to-remove").unwrap_or_default();
            let is_named = answer.header(name).is_some();
            removes(removed.split_terminator(',').map(str::to_owned).collect(), is_named);
            assert_eq!(answer.status, 200, "{about}");

            // The others take away what their configuration names, unless the answer has it. What they do not
            // know may go on, or is refused.
            let is_configured = CONFIGURED.contains(&name);
            for way in [Way::Check, Way::AuthRequest] {
                let answer = services.ask(&raw, way, true).await;
                if goes || is_configured {
                    assert_eq!(answer.status, 200, "{about} {way:?}");
                    let given: Vec<_> = answer.headers.get_all(name).iter().collect();
                    let is_given = given.iter().any(|given| given.as_bytes() == sent);
                    assert_eq!(is_given, goes && is_configured, "{about} {way:?}");
                } else {
                    let reason = answer.header("x-tidegate-reason");
                    assert_eq!((answer.status, reason), (403, Some("bad-request")), "{about}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_denied_call_has_no_proof_given_back() {
    let world = furnished().await;
    let services = Services::of(&world.gate).await;
    let raw = Raw::of(&world.call("GET", "/nowhere").unsigned("x-auth-token", "good").bytes());
    for way in Way::ALL {
        let answer = services.ask(&raw, way, true).await;
        assert_eq!(answer.header("x-tidegate-reason"), Some("no-route"));
        for name in ["authorization", "x-auth-token", "x-sdk-date"] {
            assert_eq!(answer.header(name), None, "{way:?} {name}");
        }
    }
}
