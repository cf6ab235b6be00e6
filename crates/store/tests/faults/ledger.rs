//! What was answered, held against what is there.

use std::collections::BTreeSet;

use tidegate_store::battery::samples::{app, at, gateway};
use tidegate_store::sql::SqlStore;
use tidegate_store::{JournalEntry, Result, Revision, Store, StoreError};

/// What one store has answered.
#[derive(Debug, Default)]
pub struct Ledger {
    /// What was acknowledged.
    pub kept: BTreeSet<String>,
    /// What may be there: its outcome was not known.
    pub open: BTreeSet<String>,
    /// How often each answer was given.
    pub answers: Answers,
    number: u64,
}

/// How often each answer was given.
#[derive(Debug, Default, Clone, Copy)]
pub struct Answers {
    pub kept: u64,
    pub refused: u64,
    pub unknown: u64,
}

/// A use case that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// An app, with its line in the journal.
    App,
    /// An app with so many lines that the log is checkpointed every few commits.
    Large,
    /// What a gateway tells, beside the turn.
    Gateway,
}

impl Change {
    pub const ALL: [Self; 3] = [Self::App, Self::Large, Self::Gateway];
}

impl Ledger {
    /// Makes a change and notes the answer; whether it was kept.
    pub async fn change(&mut self, store: &SqlStore, change: Change) -> bool {
        self.number += 1;
        let name = format!("n{}", self.number);
        let answer = make(store, change, &name).await;
        match answer {
            Ok(()) => {
                self.answers.kept += 1;
                self.kept.insert(name);
                true
            }
            Err(StoreError::Unknown(_)) => {
                self.answers.unknown += 1;
                self.open.insert(name);
                false
            }
            Err(StoreError::Away(_) | StoreError::ReadOnly) => {
                self.answers.refused += 1;
                false
            }
            Err(other) => panic!("{change:?} is refused without a name: {other:?}"),
        }
    }

    /// Holds a store against the answers: all that was kept is there, and nothing that was refused.
    pub async fn check(&self, store: &SqlStore, when: &str) -> BTreeSet<String> {
        let there = there(store).await;
        let lost: Vec<_> = self.kept.difference(&there).collect();
        assert!(lost.is_empty(), "{when}: acknowledged and lost: {lost:?}");
        let strange: Vec<_> = there.iter().filter(|it| !self.may_be(it)).collect();
        assert!(strange.is_empty(), "{when}: refused and kept: {strange:?}");
        there
    }

    /// What was open is known now.
    pub fn settle(&mut self, there: BTreeSet<String>) {
        self.kept = there;
        self.open.clear();
    }

    fn may_be(&self, name: &str) -> bool {
        self.kept.contains(name) || self.open.contains(name)
    }
}

async fn make(store: &SqlStore, change: Change, name: &str) -> Result<()> {
    if change == Change::Gateway {
        return store.keep_gateways(&[gateway(name, None, 1)]).await;
    }
    let mut tx = store.begin().await?;
    tx.set_decided_at(at(1), &tidegate_store::ClockMark::Unknown).await?;
    tx.put_app(&app(name, name, 1)).await?;
    for _ in 0..if change == Change::Large { 300 } else { 1 } {
        let entry = JournalEntry {
            revision: tx.revision(),
            at: at(1),
            actor: None,
            what: "app.created".to_owned(),
            subject: name.to_owned(),
            details: "x".repeat(3_000),
        };
        tx.journal_write(&entry).await?;
    }
    tx.commit().await.map(drop)
}

/// The apps and gateways, and that the journal agrees with the apps.
async fn there(store: &SqlStore) -> BTreeSet<String> {
    let mut view = store.view().await.unwrap();
    let changes = view.changes(Revision(0)).await.unwrap();
    let apps = changes.apps.iter().map(|record| record.app.id.to_string());
    let apps: BTreeSet<_> = apps.collect();
    let gateways = store.gateways().await.unwrap().into_iter().map(|gateway| gateway.id);
    apps.into_iter().chain(gateways).collect()
}
