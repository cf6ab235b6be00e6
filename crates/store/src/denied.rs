//! Apps and APIs of which something cannot be read: they are reported with what their calls are recognised by, so
//! that those are denied by name; if not even that can be read, as if they were deleted.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::{ApiId, AppId, InstanceId};

use crate::{Changes, Damaged, Revision, UnreadableApi, UnreadableApp};

/// Those that are denied, as their rows name them, and why.
#[derive(Default)]
pub struct Denied {
    apps: BTreeSet<String>,
    apis: BTreeSet<String>,
    known_apps: Vec<UnreadableApp>,
    known_apis: BTreeMap<String, UnreadableApi>,
    instances: Vec<(String, InstanceId)>,
    damaged: Vec<Damaged>,
}

impl Denied {
    /// Denies an app, of which this much is known.
    pub fn app(&mut self, id: &str, known: Option<UnreadableApp>, what: Damaged) {
        match known {
            Some(known) => self.known_apps.push(known),
            None => drop(self.apps.insert(id.to_owned())),
        }
        self.damaged.push(what);
    }

    /// Denies an API, of which this much is known.
    pub fn api(&mut self, id: &str, known: Option<UnreadableApi>, what: Damaged) {
        self.apis.insert(id.to_owned());
        if let Some(known) = known {
            self.known_apis.entry(id.to_owned()).or_insert(known);
        }
        self.damaged.push(what);
    }

    /// Denies an API at an instance where nobody can say whether it is published.
    pub fn published_at(&mut self, api: &str, instance: Option<InstanceId>) {
        self.instances.extend(instance.map(|instance| (api.to_owned(), instance)));
    }

    /// Takes them out of what changed after a revision, and adds what is known of them. An id that cannot be read is
    /// nobody's.
    pub fn leave_out(self, changes: &mut Changes, after: Revision) {
        let Self { apps, apis, known_apps, mut known_apis, instances, damaged } = self;
        for (api, instance) in instances {
            if let Some(known) = known_apis.get_mut(&api) {
                known.instances.push(instance);
            }
        }
        changes.apis.retain(|api| !apis.contains(api.id.as_str()));
        let is_gone = |id: &str| apis.contains(id) && !known_apis.contains_key(id);
        changes.publications.retain(|it| !is_gone(it.api.as_str()));
        changes.damaged.extend(damaged);
        if after > Revision(0) {
            let gone = apis.iter().filter(|id| is_gone(id));
            changes.apis_deleted.extend(gone.filter_map(|id| ApiId::parse(id).ok()));
            changes.apps_deleted.extend(apps.iter().filter_map(|id| AppId::parse(id).ok()));
        }
        changes.apps_unreadable.extend(known_apps);
        changes.apis_unreadable.extend(known_apis.into_values());
    }
}

/// What is known of an API that can be read, while a record that belongs to it cannot.
impl From<&tidegate_domain::Api> for UnreadableApi {
    fn from(api: &tidegate_domain::Api) -> Self {
        Self {
            id: api.id.clone(),
            project: api.project.clone(),
            auth: api.auth,
            method: api.method,
            path: api.path.clone(),
            instances: Vec::new(),
        }
    }
}
