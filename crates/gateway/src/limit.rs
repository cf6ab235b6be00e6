//! The step between admission and the backend: is this call a new one, and may there be one more?
//!
//! A nonce is spent before the call is counted, and given back if it is throttled: a call that was
//! let through before costs its app nothing when somebody repeats it, and a call that was throttled
//! may be sent again as it is. So neither guard can be used up by a call that the other denies.

use http::HeaderMap;
use tidegate_sign::sha256;

use crate::check::Admitted;
use crate::denial::{Denial, Reason};
use crate::feed::Throttle;
use crate::headers::AUTH_TOKEN;
use crate::index::Index;
use crate::state::State;
use crate::throttle::User;

impl State {
    /// Counts an admitted call, or denies it. `index` is the one it was admitted by. Most APIs have
    /// neither rule, and their calls pass at once.
    pub(crate) fn limit(
        &self,
        index: &Index,
        admitted: &Admitted,
        headers: &HeaderMap,
    ) -> Result<(), Denial> {
        let rules = &admitted.api.feed.rules;
        let spent = match rules.nonce {
            true => Some(self.nonces.spend(admitted, headers, (self.clock.wall)())?),
            false => None,
        };
        let Some(throttle) = &rules.throttle else { return Ok(()) };
        self.throttle(index, throttle, admitted, headers).inspect_err(|_| {
            if let Some(spent) = spent {
                self.nonces.give_back(spent);
            }
        })
    }

    fn throttle(
        &self,
        index: &Index,
        throttle: &Throttle,
        admitted: &Admitted,
        headers: &HeaderMap,
    ) -> Result<(), Denial> {
        // An API that asks nobody knows neither users nor apps: only its own limit holds.
        let user = match (&admitted.app, admitted.cover) {
            (None, _) => None,
            (Some(app), Some(_)) => {
                let app = index.app(app).ok_or(Reason::Internal)?;
                Some(User::Account(app.feed.domain.clone()))
            }
            (Some(_), None) => {
                let token = headers.get(AUTH_TOKEN).map(|token| sha256(token.as_bytes()));
                let token = token.and_then(|hash| index.token(&hash)).ok_or(Reason::Internal)?;
                Some(User::Token(token.user.clone()))
            }
        };
        self.throttles.take(&admitted.api.feed.id, throttle, user, admitted.app.as_ref())
    }
}
