//! Apps by one of their names, which stands in the app itself.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::known::App;

/// Apps, by the name that `name` gives.
#[derive(Clone)]
pub(super) struct Named {
    name: fn(&App) -> &str,
    hasher: DefaultHashBuilder,
    table: HashTable<Arc<App>>,
}

impl Named {
    pub(super) fn by_id() -> Self {
        Self::by(|app| app.feed.id.as_str())
    }

    pub(super) fn by_key() -> Self {
        Self::by(|app| &app.feed.key)
    }

    fn by(name: fn(&App) -> &str) -> Self {
        Self { name, hasher: DefaultHashBuilder::default(), table: HashTable::new() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Arc<App>> {
        self.table.find(self.hasher.hash_one(name), |app| (self.name)(app) == name)
    }

    /// Puts it in place of the one that has its name.
    pub(super) fn put(&mut self, app: Arc<App>) {
        let Self { name, hasher, table } = self;
        let hash = hasher.hash_one(name(&app));
        let same = |other: &Arc<App>| name(other) == name(&app);
        match table.entry(hash, same, |app| hasher.hash_one(name(app))) {
            Entry::Occupied(mut there) => *there.get_mut() = app,
            Entry::Vacant(free) => drop(free.insert(app)),
        }
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Arc<App>> {
        let hash = self.hasher.hash_one(name);
        let found = self.table.find_entry(hash, |app| (self.name)(app) == name);
        found.ok().map(|entry| entry.remove().0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<App>> {
        self.table.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn reserve(&mut self, more: usize) {
        let Self { name, hasher, table } = self;
        table.reserve(more, |app| hasher.hash_one(name(app)));
    }
}
