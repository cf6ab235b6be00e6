//! Apps and APIs of which something cannot be read: they are reported as if they were deleted, so that
//! their calls are denied.

use std::collections::BTreeSet;

use tidegate_domain::{ApiId, AppId};

use crate::{Changes, Damaged, Revision};

/// Those that are denied, as their rows name them, and why.
#[derive(Default)]
pub struct Denied {
    apps: BTreeSet<String>,
    apis: BTreeSet<String>,
    damaged: Vec<Damaged>,
}

impl Denied {
    /// Denies an app.
    pub fn app(&mut self, id: &str, what: Damaged) {
        self.apps.insert(id.to_owned());
        self.damaged.push(what);
    }

    /// Denies an API.
    pub fn api(&mut self, id: &str, what: Damaged) {
        self.apis.insert(id.to_owned());
        self.damaged.push(what);
    }

    /// Takes them out of what changed after a revision. An id that cannot be read is nobody's.
    pub fn leave_out(self, changes: &mut Changes, after: Revision) {
        changes.apis.retain(|api| !self.apis.contains(api.id.as_str()));
        changes.publications.retain(|it| !self.apis.contains(it.api.as_str()));
        changes.damaged.extend(self.damaged);
        if after > Revision(0) {
            changes.apps_deleted.extend(self.apps.iter().filter_map(|id| AppId::parse(id).ok()));
            changes.apis_deleted.extend(self.apis.iter().filter_map(|id| ApiId::parse(id).ok()));
        }
    }
}
