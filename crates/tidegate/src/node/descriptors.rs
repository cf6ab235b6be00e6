//! File descriptors: as many as the system allows, shared out so that callers never take those that the store
//! and the backends need.

use tidegate_gateway::Limits;

/// The share of all descriptors that the connections of one listener may have: six listeners leave a
/// quarter for everything else.
const SHARE: usize = 8;

/// Raises the limit of this process as far as it may, and bounds the connections of a listener by it.
pub fn within(limits: Limits) -> Limits {
    let Some(descriptors) = raised() else { return limits };
    let room = (descriptors / SHARE).max(1);
    if room < limits.connections {
        let wanted = limits.connections.saturating_mul(SHARE);
        tracing::info!(
            descriptors,
            connections = room,
            wanted,
            "each listener has an eighth of the open files for its connections; a higher limit (LimitNOFILE) allows more"
        );
    }
    let connections = limits.connections.min(room);
    let connections_per_peer = limits.connections_per_peer.min(connections);
    Limits { connections, connections_per_peer, ..limits }
}

/// How many descriptors there are; nothing where they have no limit, or it is not known.
#[cfg(unix)]
fn raised() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    let is_raised = setrlimit(Resource::Nofile, raised).is_ok();
    let limit = if is_raised { maximum } else { current };
    limit.and_then(|limit| usize::try_from(limit).ok())
}

#[cfg(not(unix))]
fn raised() -> Option<usize> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_the_rest() {
        let most = Limits { connections: usize::MAX, ..Limits::default() };
        let Some(all) = raised() else { return };
        let limits = within(most);
        assert!(limits.connections >= 1 && limits.connections * SHARE <= all.max(SHARE));
        assert!(limits.connections_per_peer <= limits.connections);
        let few = Limits { connections: 1, ..Limits::default() };
        assert_eq!(within(few).connections, 1);
    }
}
