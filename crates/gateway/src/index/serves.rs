//! Which instances a gateway serves.

use std::collections::HashSet;

use tidegate_domain::InstanceId;

/// The instances a gateway serves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Serves {
    /// All there are.
    #[default]
    All,
    /// These.
    These(HashSet<InstanceId>),
}

impl Serves {
    pub(super) fn contains(&self, instance: &InstanceId) -> bool {
        match self {
            Self::All => true,
            Self::These(instances) => instances.contains(instance),
        }
    }
}
