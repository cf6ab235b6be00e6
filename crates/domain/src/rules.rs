//! An API's rules: how the gate treats its calls, beside what the API's definition says; and the
//! throttling policies that rules name.

use crate::auth::AuthType;
use crate::id::{ThrottleName, WorkspaceId};
use crate::limits::{
    CONNECT_TIMEOUT_MS, MORE_BACKENDS, READ_TIMEOUT_MS, RETRIES, THROTTLE_CALLS,
    THROTTLE_WINDOW_SECONDS, TOTAL_TIMEOUT_MS,
};
use crate::refusal::Refusal;

/// How the gate treats calls of an API. The default is the strictest and plainest treatment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// The throttling policy of the API's workspace that limits its calls.
    pub throttle: Option<ThrottleName>,
    /// Must a signed call carry a nonce of its own, so that it cannot be sent again?
    pub nonce: bool,
    /// Are values of the path let in that servers read in different ways: `%2F`, `%5C` and `;`?
    pub odd_paths: bool,
    /// May a call become a WebSocket?
    pub upgrade: bool,
    /// How often a safe call that got no answer is tried again.
    pub retries: u8,
    /// Is the backend spoken to over HTTP/2 without asking it first?
    pub http2: bool,
    /// How long a connection to the backend may take, in milliseconds.
    pub connect_timeout_ms: Option<u32>,
    /// How long the backend's answer may stand still, in milliseconds.
    pub read_timeout_ms: Option<u32>,
    /// How long a call may take from its head to the end of the answer, in milliseconds.
    pub total_timeout_ms: Option<u32>,
    /// Further backends with the same service, as `host:port`.
    pub more_backends: Vec<String>,
    /// Must a signature cover the header `Host`?
    pub require_signed_host: bool,
    /// Does the backend get the proof by which a call was admitted: token or signature?
    pub forward_credentials: bool,
}

impl Rules {
    /// Are the numbers within their bounds? Names and hosts are looked at elsewhere.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.retries > RETRIES {
            return Err(out_of_bounds("retries", self.retries.into(), 0, RETRIES.into()));
        }
        for (field, ms, max) in [
            ("connect_timeout_ms", self.connect_timeout_ms, CONNECT_TIMEOUT_MS),
            ("read_timeout_ms", self.read_timeout_ms, READ_TIMEOUT_MS),
            ("total_timeout_ms", self.total_timeout_ms, TOTAL_TIMEOUT_MS),
        ] {
            if let Some(ms) = ms.filter(|ms| !(1..=max).contains(ms)) {
                return Err(out_of_bounds(field, ms.into(), 1, max.into()));
            }
        }
        if self.more_backends.len() > MORE_BACKENDS {
            return Err(Refusal::TooMany { what: "further backends", max: MORE_BACKENDS });
        }
        Ok(())
    }

    /// Refuses rules that an API with this authentication cannot keep: only a signature can cover a nonce
    /// or a host, and an API that asks nobody has no proof to pass on.
    pub fn must_suit(&self, auth: AuthType) -> Result<(), Refusal> {
        if auth != AuthType::App && self.nonce {
            Err(Refusal::NonceUnsigned)
        } else if auth != AuthType::App && self.require_signed_host {
            Err(Refusal::RuleUnsuited { rule: "require_signed_host" })
        } else if auth == AuthType::None && self.forward_credentials {
            Err(Refusal::RuleUnsuited { rule: "forward_credentials" })
        } else {
            Ok(())
        }
    }

    /// Do these rules differ from `before` in what users were told when they got their grants: where
    /// calls go, which are let in, and whether they can be repeated?
    pub fn change_what_was_granted(&self, before: &Self) -> bool {
        self.more_backends != before.more_backends
            || self.odd_paths != before.odd_paths
            || self.upgrade != before.upgrade
            || self.nonce != before.nonce
            || self.require_signed_host != before.require_signed_host
            || self.forward_credentials != before.forward_credentials
    }

    /// Do these rules differ from `before` in nothing but the throttling policy they name?
    pub fn equal_but_for_the_throttle(&self, before: &Self) -> bool {
        Self { throttle: None, ..self.clone() } == Self { throttle: None, ..before.clone() }
    }
}

/// A throttling policy. It belongs to a workspace, and limits each API bound to it by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Throttle {
    /// The workspace it belongs to.
    pub workspace: WorkspaceId,
    /// Its name, unique in the workspace.
    pub name: ThrottleName,
    /// What it allows.
    pub quota: Quota,
}

/// How many calls there may be within any window. A limit that is not there limits nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The length of the window.
    pub window_seconds: u32,
    /// How many calls of each API.
    pub per_api: Option<u32>,
    /// How many of them from one user.
    pub per_user: Option<u32>,
    /// How many of them from one app.
    pub per_app: Option<u32>,
}

impl Quota {
    /// Does it make sense?
    pub fn check(&self) -> Result<(), Refusal> {
        let window = self.window_seconds;
        if !(1..=THROTTLE_WINDOW_SECONDS).contains(&window) {
            let max = THROTTLE_WINDOW_SECONDS.into();
            return Err(out_of_bounds("window_seconds", window.into(), 1, max));
        }
        // From the widest down: what is not limited is wider than any limit.
        let mut wider: Option<(&str, u32)> = None;
        for (field, limit) in
            [("per_api", self.per_api), ("per_user", self.per_user), ("per_app", self.per_app)]
        {
            let Some(limit) = limit else { continue };
            if !(1..=THROTTLE_CALLS).contains(&limit) {
                return Err(out_of_bounds(field, limit.into(), 1, THROTTLE_CALLS.into()));
            }
            if let Some((above, most)) = wider.filter(|(_, most)| limit > *most) {
                let what = format!(
                    "`{field}` is {limit}, more than `{above}`, which is {most}; an API's limit is \
                     at least a user's, and a user's at least an app's"
                );
                return Err(Refusal::Malformed { what });
            }
            wider = Some((field, limit));
        }
        if wider.is_none() {
            let what = "a policy needs a limit: `per_api`, `per_user` or `per_app`".to_owned();
            return Err(Refusal::Malformed { what });
        }
        Ok(())
    }
}

fn out_of_bounds(field: &str, value: u64, min: u64, max: u64) -> Refusal {
    Refusal::Malformed { what: format!("`{field}` is {value}; allowed: {min} to {max}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policys_limits_narrow_from_the_api_to_the_app() {
        for (window, api, user, app, complaint) in [
            (60, Some(10), Some(10), Some(10), ""),
            (60, Some(10), Some(5), Some(1), ""),
            (60, None, None, Some(1), ""),
            (60, None, Some(7), Some(7), ""),
            (60, Some(7), None, Some(7), ""),
            (1, Some(1), None, None, ""),
            (86_400, Some(1_000_000_000), None, None, ""),
            (0, Some(1), None, None, "`window_seconds` is 0; allowed: 1 to 86400"),
            (86_401, Some(1), None, None, "`window_seconds` is 86401"),
            (60, None, None, None, "needs a limit"),
            (60, Some(0), None, None, "`per_api` is 0"),
            (60, None, Some(0), None, "`per_user` is 0"),
            (60, None, None, Some(1_000_000_001), "`per_app` is 1000000001"),
            (60, Some(5), Some(6), None, "`per_user` is 6, more than `per_api`"),
            (60, Some(5), None, Some(6), "`per_app` is 6, more than `per_api`"),
            (60, Some(9), Some(5), Some(6), "`per_app` is 6, more than `per_user`"),
        ] {
            let quota =
                Quota { window_seconds: window, per_api: api, per_user: user, per_app: app };
            let said = quota.check().err().map(|refusal| refusal.to_string());
            let said = said.unwrap_or_default();
            assert_eq!(said.is_empty(), complaint.is_empty(), "{said}");
            assert!(said.contains(complaint), "{said}");
        }
    }

    #[test]
    fn rules_have_bounds() {
        let check = |change: fn(&mut Rules)| {
            let mut rules = Rules::default();
            change(&mut rules);
            rules.check().err().map(|refusal| refusal.to_string()).unwrap_or_default()
        };
        assert_eq!(check(|_| {}), "");
        assert_eq!(check(|rules| rules.retries = 3), "");
        assert_eq!(check(|rules| rules.total_timeout_ms = Some(3_600_000)), "");
        assert_eq!(check(|rules| rules.retries = 4), "`retries` is 4; allowed: 0 to 3");
        for (said, field) in [
            (check(|rules| rules.connect_timeout_ms = Some(0)), "connect_timeout_ms"),
            (check(|rules| rules.connect_timeout_ms = Some(60_001)), "connect_timeout_ms"),
            (check(|rules| rules.read_timeout_ms = Some(600_001)), "read_timeout_ms"),
            (check(|rules| rules.total_timeout_ms = Some(3_600_001)), "total_timeout_ms"),
            (check(|rules| rules.more_backends = vec!["b".to_owned(); 17]), "further backends"),
        ] {
            assert!(said.contains(field), "{field}: {said}");
        }
    }

    #[test]
    fn rules_suit_the_authentication_of_their_api() {
        let rules = |nonce, require_signed_host, forward_credentials| Rules {
            nonce,
            require_signed_host,
            forward_credentials,
            ..Rules::default()
        };
        let unsuited = |rule| Refusal::RuleUnsuited { rule };
        for (rules, app, iam, none) in [
            (rules(false, false, false), None, None, None),
            (
                rules(true, false, false),
                None,
                Some(Refusal::NonceUnsigned),
                Some(Refusal::NonceUnsigned),
            ),
            (
                rules(false, true, false),
                None,
                Some(unsuited("require_signed_host")),
                Some(unsuited("require_signed_host")),
            ),
            (rules(false, false, true), None, None, Some(unsuited("forward_credentials"))),
        ] {
            for (auth, refused) in
                [(AuthType::App, app), (AuthType::Iam, iam), (AuthType::None, none)]
            {
                assert_eq!(rules.must_suit(auth).err(), refused, "{auth:?} {rules:?}");
            }
        }
    }

    #[test]
    fn what_rules_change_is_told_apart() {
        let before = Rules::default();
        let throttle = ThrottleName::parse("t").ok();
        let bound = Rules { throttle, ..Rules::default() };
        assert!(
            bound.equal_but_for_the_throttle(&before) && !bound.change_what_was_granted(&before)
        );
        let patient = Rules { retries: 1, ..bound.clone() };
        assert!(
            !patient.equal_but_for_the_throttle(&bound) && !patient.change_what_was_granted(&bound)
        );
        for further in [
            Rules { nonce: true, ..Rules::default() },
            Rules { odd_paths: true, ..Rules::default() },
            Rules { upgrade: true, ..Rules::default() },
            Rules { more_backends: vec!["b:1".to_owned()], ..Rules::default() },
            Rules { require_signed_host: true, ..Rules::default() },
            Rules { forward_credentials: true, ..Rules::default() },
        ] {
            assert!(
                further.change_what_was_granted(&before)
                    && before.change_what_was_granted(&further)
            );
        }
    }
}
