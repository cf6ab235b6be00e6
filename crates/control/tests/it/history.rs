//! A store that goes back to an earlier state is recognised, and nothing is claimed that it does not hold.

use std::sync::Arc;
use std::time::Duration;

use tidegate_control::{Control, Enforcement, GatewayHeard, GrantAction, Line, Settings, Vault};
use tidegate_store::mem::Copy;
use tidegate_store::{MemStore, Point, Revision, Store};
use tidegate_testkit::{World, hour};
use tokio::time::{advance, timeout};

const LEASE_MS: u64 = 10_000;
const OVER: Duration = Duration::from_millis(11_010);
const NOT_AT_ALL: Duration = Duration::ZERO;

/// An installation with one grant, two gateways that have acknowledged it, and a copy of its store.
struct Site {
    world: World,
    store: Arc<MemStore>,
    copy: Copy,
}

impl Site {
    async fn new() -> Self {
        let store = Arc::new(MemStore::new());
        let world = World::over(store.clone(), Settings::default()).await;
        world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(1000))))).await;
        let mut site = Self { world, copy: store.copied(), store };
        for id in ["g1", "g2"] {
            site.acknowledges(&site.world.control, id, &site.head().await).await;
        }
        site.copy = site.store.copied();
        site
    }

    /// Another control node on the same store, or this one after a restart.
    fn node(&self) -> Control {
        let vault = Vault::new(&[7; Vault::KEY_LEN]).unwrap();
        Control::new(self.store.clone(), vault, Settings::default())
    }

    async fn head(&self) -> Point {
        self.store.view().await.unwrap().head().await.unwrap().point()
    }

    async fn acknowledges(&self, control: &Control, id: &str, point: &Point) {
        let Point { epoch, revision, stamp } = point.clone();
        self.tells(control, id, epoch, Some((revision.0, stamp)), None).await;
    }

    /// A gateway that was started anew asks from what its snapshot has, and decides nothing yet.
    async fn asks_from(&self, control: &Control, id: &str, point: &Point) {
        let Point { epoch, revision, stamp } = point.clone();
        self.tells(control, id, epoch, None, Some((revision.0, stamp))).await;
    }

    async fn tells(
        &self,
        control: &Control,
        id: &str,
        epoch: String,
        enforced: Option<(u64, String)>,
        asks_after: Option<(u64, String)>,
    ) {
        let (revision, stamp) = enforced.unzip();
        let heard = GatewayHeard {
            id: id.to_owned(),
            name: format!("gate {id}"),
            epoch,
            revision,
            stamp: stamp.unwrap_or_default(),
            asks_after,
            lease_ms: LEASE_MS,
            clock_ahead_ms: 0,
            version: "0.1.0".to_owned(),
            boot: "once".to_owned(),
            certificate: String::new(),
            line: Line::default(),
            is_alone: false,
        };
        control.gateway_heard(heard, self.world.now()).await.unwrap();
    }

    /// Some changes, which both gateways acknowledge.
    async fn goes_on(&self, changes: usize) -> Point {
        for n in 0..changes {
            self.world.new_app("owner", &format!("app {n}")).await;
        }
        let head = self.head().await;
        for id in ["g1", "g2"] {
            self.acknowledges(&self.world.control, id, &head).await;
        }
        head
    }

    fn goes_back(&self) {
        self.store.put_back(self.copy.clone());
    }

    async fn give_back(&self) -> Revision {
        self.world.does("owner", self.world.on_grant(GrantAction::GiveBack)).await.revision
    }

    async fn looks(&self, control: &Control, revision: Revision) -> Enforcement {
        control.enforced(revision, NOT_AT_ALL, self.world.now()).await.unwrap()
    }

    /// What was found to contradict the history, and by whom.
    async fn found(&self) -> Vec<(Point, String)> {
        let kept = self.store.setbacks().await.unwrap();
        kept.into_iter().map(|setback| (setback.known, setback.known_by)).collect()
    }
}

/// Those who are awaited.
fn awaited(found: &Enforcement) -> Vec<&str> {
    found.awaited().map(|shown| shown.gateway.id.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_ahead_of_the_head_enforces_nothing() {
    let site = Site::new().await;
    let lost = site.goes_on(5).await;
    site.goes_back();
    let control = &site.world.control;
    let cancelled = site.give_back().await;
    assert!(cancelled < lost.revision);
    let found = site.looks(control, cancelled).await;
    assert!(!found.is_enforced());
    assert_eq!(awaited(&found), ["g1", "g2"]);
    assert_eq!(site.found().await, [(lost.clone(), "this node".to_owned())]);
    assert_eq!(control.setbacks(), 1);

    // They go on telling what they knew, until they have learnt everything anew.
    site.acknowledges(control, "g1", &lost).await;
    assert_eq!(awaited(&site.looks(control, cancelled).await), ["g1", "g2"]);
    site.acknowledges(control, "g1", &site.head().await).await;
    assert_eq!(awaited(&site.looks(control, cancelled).await), ["g2"]);
    site.acknowledges(control, "g2", &site.head().await).await;
    assert!(site.looks(control, cancelled).await.is_enforced());
    assert_eq!((site.found().await.len(), control.setbacks()), (1, 1), "it is said once");
}

#[tokio::test(start_paused = true)]
async fn what_only_a_snapshot_of_a_gateway_remembers_is_recorded() {
    let site = Site::new().await;
    let lost = site.goes_on(5).await;
    // Everything was stopped, and an old copy brought back: no node remembers.
    site.goes_back();
    let fresh = site.node();
    site.asks_from(&fresh, "g1", &site.head().await).await;
    assert_eq!((site.found().await, fresh.setbacks()), (vec![], 0), "it is part of the history");
    for id in ["g1", "g2"] {
        site.asks_from(&fresh, id, &lost).await;
    }
    assert_eq!(site.found().await, [(lost, "gate g1".to_owned())]);
    assert_eq!(fresh.setbacks(), 1, "once");
}

#[tokio::test(start_paused = true)]
async fn the_same_revision_of_another_history_enforces_nothing() {
    let site = Site::new().await;
    let lost = site.goes_on(3).await;
    site.goes_back();
    for n in 0..5 {
        site.world.new_app("owner", &format!("other {n}")).await;
    }
    let cancelled = site.give_back().await;
    assert!(cancelled > lost.revision);
    // A node that was started since knows nothing of it but what a gateway brings.
    let fresh = site.node();
    for id in ["g1", "g2"] {
        site.acknowledges(&fresh, id, &lost).await;
    }
    assert_eq!(awaited(&site.looks(&fresh, lost.revision).await), ["g1", "g2"]);
    assert_eq!(fresh.setbacks(), 1);
    let known_by: Vec<String> = site.found().await.into_iter().map(|(_, by)| by).collect();
    assert_eq!(known_by, ["this node"], "whoever found it first");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_tells_nodes_that_were_started_since() {
    let site = Site::new().await;
    let lost = site.goes_on(4).await;
    site.goes_back();
    let fresh = site.node();
    let cancelled = site.head().await.revision;
    assert!(site.looks(&fresh, cancelled).await.is_enforced(), "as far as the store knows");
    site.acknowledges(&fresh, "g2", &lost).await;
    assert_eq!(site.found().await, [(lost, "gate g2".to_owned())]);
    assert_eq!(awaited(&site.looks(&fresh, cancelled).await), ["g2"]);
}

/// What another node wrote before it noticed is no proof either.
#[tokio::test(start_paused = true)]
async fn what_is_written_of_a_lost_history_enforces_nothing() {
    let site = Site::new().await;
    let lost = site.goes_on(3).await;
    let written = site.store.gateways().await.unwrap();
    site.goes_back();
    let fresh = site.node();
    let rows: Vec<_> = written
        .into_iter()
        .map(|row| tidegate_store::Gateway {
            revision: Some(lost.revision),
            stamp: lost.stamp.clone(),
            ..row
        })
        .collect();
    site.store.keep_gateways(&rows).await.unwrap();
    let head = site.head().await.revision;
    assert_eq!(awaited(&site.looks(&fresh, head).await), ["g1", "g2"]);
    assert_eq!(fresh.setbacks(), 1, "it is noticed at once");
}

/// The store has lost that it registered; it may decide until its lease is over.
#[tokio::test(start_paused = true)]
async fn a_gateway_the_store_has_lost_is_awaited() {
    let site = Site::new().await;
    let lost = site.goes_on(1).await;
    site.acknowledges(&site.world.control, "g3", &lost).await;
    site.goes_back();
    let cancelled = site.give_back().await;
    let control = &site.world.control;
    for id in ["g1", "g2"] {
        site.acknowledges(control, id, &site.head().await).await;
    }
    assert_eq!(awaited(&site.looks(control, cancelled).await), ["g3"]);
    control.tend_gateways(site.world.now()).await.unwrap();
    assert_eq!(site.store.gateways().await.unwrap().len(), 3, "and is written down again");
    advance(OVER).await;
    assert!(awaited(&site.looks(control, cancelled).await).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_what_the_store_loses_ends_unenforced() {
    let site = Site::new().await;
    let cancelled = site.give_back().await;
    let (control, now) = (Arc::clone(&site.world.control), site.world.now());
    let waiting = tokio::spawn(async move { control.enforced(cancelled, OVER, now).await });
    tokio::task::yield_now().await;
    site.goes_back();
    let found = waiting.await.unwrap().unwrap();
    assert!(found.is_lost && !found.is_enforced());
    // Nor when it has come as far again with something else, of which all is acknowledged.
    site.goes_on(3).await;
    assert!(site.head().await.revision > cancelled);
    site.goes_back();
    assert!(site.looks(&site.world.control, cancelled).await.is_lost);
}

#[tokio::test(start_paused = true)]
async fn a_new_epoch_is_no_setback_and_everything_is_learnt_anew() {
    let site = Site::new().await;
    let before = site.goes_on(2).await;
    site.store.begin_epoch();
    let cancelled = site.give_back().await;
    let control = &site.world.control;
    site.acknowledges(control, "g1", &before).await;
    assert_eq!(awaited(&site.looks(control, cancelled).await), ["g1", "g2"]);
    for id in ["g1", "g2"] {
        site.acknowledges(control, id, &site.head().await).await;
    }
    assert!(site.looks(control, cancelled).await.is_enforced());
    assert_eq!((site.found().await.len(), control.setbacks()), (0, 0));
}

/// Whoever waits for a change waits for one of the history that is, not of the one that was.
#[tokio::test(start_paused = true)]
async fn the_bell_starts_over() {
    let site = Site::new().await;
    let control = &site.world.control;
    let here = site.head().await.revision;
    site.goes_on(5).await;
    site.goes_back();
    control.tend_gateways(site.world.now()).await.unwrap();
    let soon = Duration::from_secs(1);
    assert!(timeout(soon, control.bell().heard_after(here)).await.is_err(), "nothing is new");
    site.give_back().await;
    timeout(soon, control.bell().heard_after(here)).await.unwrap();
}

/// What a message is known by stays the same; what was lost and came again under its revision is another.
#[tokio::test]
async fn a_message_has_its_name_for_ever_and_alone() {
    let mut site = Site::new().await;
    let letters = async |site: &Site| {
        let letters = site.world.control.letters(site.world.now()).await.unwrap();
        letters.into_iter().map(|letter| letter.id).collect::<Vec<_>>()
    };
    let before = letters(&site).await;
    assert!(!before.is_empty());
    site.copy = site.store.copied();
    site.give_back().await;
    let lost: Vec<String> =
        letters(&site).await.into_iter().filter(|id| !before.contains(id)).collect();
    assert!(!lost.is_empty());
    site.goes_back();
    site.give_back().await;
    let now = letters(&site).await;
    assert!(before.iter().all(|id| now.contains(id)), "delivered before, it comes under its name");
    assert!(lost.iter().all(|id| !now.contains(id)), "another one is not taken for it");
    site.store.begin_epoch();
    assert_eq!(letters(&site).await, now, "whatever the history is called");
}
