//! What an index holds, as text: two indexes with the same facts answer everything alike. For tests,
//! since it shows secrets.

use std::collections::{BTreeSet, HashSet};

use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_sign::Target;

use super::Index;
use super::code::Code;
use super::grants::Grants;
use super::mix::Mix;
use crate::feed::FeedApp;
use crate::routes::Found;

impl Index {
    /// The same, if it has no grants yet, but with an order of grants that is always the same one.
    pub(crate) fn in_known_order(mut self) -> Self {
        self.grants =
            Mix::get(&mut [0x5a; 32].as_slice()).map(Grants::in_order_of).unwrap_or_default();
        self
    }

    /// Does it show every grant once, and find it as it shows it?
    pub(crate) fn finds_what_it_shows(&self) -> bool {
        let mut seen = HashSet::new();
        let mut all = true;
        self.grants.each(|pair, held| {
            all &= seen.insert((pair.place, pair.app)) && self.grants.get(pair) == Some(held);
        });
        all && seen.len() == self.grants.count()
    }

    /// All the index would ever answer; its routes by what they find for these paths.
    pub fn facts(&self, paths: &[&str]) -> BTreeSet<String> {
        let mut facts = BTreeSet::from([format!("{} {}", self.epoch, self.revision)]);
        let show = |app: &FeedApp| {
            let secret = app.secret.as_ref().map(|secret| secret.expose().to_owned());
            format!("{:?} {:?} {:?} {} {secret:?}", app.id, app.domain, app.kind, app.key)
        };
        facts.extend(self.apps.iter().map(|app| show(&app.feed)));
        facts
            .extend(self.keys.iter().map(|app| format!("{} -> {}", app.feed.key, show(&app.feed))));
        facts.extend(self.accounts.iter().map(|account| format!("{account:?}")));
        facts.extend(self.tokens.values().map(|token| format!("{token:?}")));
        facts.extend(self.apis.values().map(|api| format!("{:?}", api.feed)));
        for door in self.doors.iter().flatten().filter(|door| door.status != Status::Created) {
            facts.insert(format!("{:?}", door.publication()));
        }
        let apps = self.app_ids();
        self.grants.each(|pair, held| {
            let place = self.door(pair.place).map(|door| (&door.instance, &door.api.feed.id));
            facts.insert(format!("{place:?} {:?} {held:?}", apps.get(&pair.app)));
        });
        facts.extend(self.spaces.instances().map(|instance| format!("{instance:?}")));
        facts.insert(format!("{:?}", self.spaces.default_project()));
        let mut spaces: BTreeSet<Option<String>> = BTreeSet::from([None]);
        let hosts = self.spaces.instances().flat_map(|instance| instance.hosts);
        spaces.extend(hosts.map(|host| Some(host.to_string())));
        for target in paths.iter().filter_map(|path| Target::parse(path).ok()) {
            for (host, method) in
                spaces.iter().flat_map(|host| [(host, Method::Get), (host, Method::Post)])
            {
                let found = self.found(host.as_deref(), method, &target);
                facts.insert(format!("{host:?} {method:?} {} {found:?}", target.path()));
            }
        }
        facts
    }

    /// What is on a route; none if nothing ever was.
    pub(super) fn found(
        &self,
        host: Option<&str>,
        method: Method,
        target: &Target,
    ) -> Option<Vec<String>> {
        let places = match self.find(self.space(host).ok()??, method, target) {
            Found::Places(places) => places.to_vec(),
            Found::Unpublished => Vec::new(),
            Found::Nothing => return None,
        };
        let doors = places.into_iter().filter_map(|number| self.door(number));
        Some(doors.map(|door| format!("{} {:?}", door.instance, door.api.feed)).collect())
    }
}
