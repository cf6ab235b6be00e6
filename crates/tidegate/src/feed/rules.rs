//! An API's rules as the gate takes them, with the throttling policy they name.

use tidegate_domain::Api;
use tidegate_gateway::{Rules, Throttle};

/// The API's rules. The store tells the policies of the APIs it tells, and no API is bound to one
/// that is not there.
pub fn of(api: &Api, throttles: &[tidegate_domain::Throttle]) -> Rules {
    let rules = &api.rules;
    let throttle = api.throttle().and_then(|(workspace, name)| {
        throttles.iter().find(|throttle| throttle.workspace == *workspace && throttle.name == *name)
    });
    Rules {
        nonce: rules.nonce,
        odd_paths: rules.odd_paths,
        upgrade: rules.upgrade,
        throttle: throttle.map(throttle_of),
        retries: rules.retries,
        http2: rules.http2,
        connect_timeout_ms: rules.connect_timeout_ms,
        read_timeout_ms: rules.read_timeout_ms,
        total_timeout_ms: rules.total_timeout_ms,
        more_backends: rules.more_backends.clone(),
        require_signed_host: rules.require_signed_host,
        forward_credentials: rules.forward_credentials,
    }
}

fn throttle_of(throttle: &tidegate_domain::Throttle) -> Throttle {
    let quota = &throttle.quota;
    Throttle {
        name: throttle.name.to_string(),
        window_ms: u64::from(quota.window_seconds) * 1_000,
        per_api: quota.per_api.map(u64::from),
        per_user: quota.per_user.map(u64::from),
        per_app: quota.per_app.map(u64::from),
    }
}
