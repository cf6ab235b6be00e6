//! How long a backend says that it keeps an idle connection.

use std::time::Duration;

/// A connection is given up so long before the backend would close it: a call may be on its way by then.
const MARGIN: Duration = Duration::from_secs(1);

/// How long a connection may be idle, by the value of a `Keep-Alive` header; nothing if that says nothing.
pub(super) fn idle_for(value: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(value).ok()?;
    let seconds = text.split(',').find_map(|part| {
        let (name, seconds) = part.split_once('=')?;
        let is_timeout = name.trim().eq_ignore_ascii_case("timeout");
        is_timeout.then(|| seconds.trim().trim_matches('"').parse::<u32>().ok()).flatten()
    })?;
    Some(Duration::from_secs(seconds.into()).saturating_sub(MARGIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_given_up_a_second_before_the_backend_does() {
        for (value, seconds) in [
            ("timeout=5", Some(4)),
            ("max=100, Timeout = 60", Some(59)),
            ("timeout=1", Some(0)),
            ("timeout=0", Some(0)),
            ("timeout=\"5\"", Some(4)),
            ("timeout=-1", None),
            ("timeout", None),
            ("max=5", None),
            ("", None),
        ] {
            assert_eq!(idle_for(value.as_bytes()), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
