//! Gateways acknowledge what they enforce; whoever takes access away can wait for it.

use std::sync::Arc;
use std::time::Duration;

use tidegate_control::{
    Command, Control, Error, ForgetError, GatewayHeard, GatewayState, GrantAction, HearError,
    Impostor, Line, Settings, Vault,
};

use tidegate_domain::{Key, Refusal, Rules};
use tidegate_store::{MemStore, Revision, Store};
use tidegate_testkit::{World, hour, instance};
use tokio::time::{Instant, advance};

/// The lease of every gateway here; those who read of one wait 11.01 s for its end.
const LEASE_MS: u64 = 10_000;
const OVER: Duration = Duration::from_millis(11_010);
const LONG: Duration = Duration::from_secs(600);
const NOT_AT_ALL: Duration = Duration::ZERO;

/// An installation with one grant: its gateways ask whichever control node they like.
struct Site {
    world: World,
    store: Arc<MemStore>,
    epoch: String,
}

impl Site {
    async fn new() -> Self {
        let store = Arc::new(MemStore::new());
        let world = World::over(store.clone(), Settings::default()).await;
        world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(1000))))).await;
        let epoch = world.control.head().await.unwrap().epoch;
        Self { world, store, epoch }
    }

    /// Another control node on the same store, or this one after a restart.
    fn node(&self) -> Control {
        let vault = Vault::new(&[7; Vault::KEY_LEN]).unwrap();
        Control::new(self.store.clone(), vault, Settings::default())
    }

    async fn poll_of(&self, id: &str, revision: u64) -> GatewayHeard {
        let mut view = self.store.view().await.unwrap();
        let stamp = view.stamp_of(Revision(revision)).await.unwrap().unwrap_or_default();
        GatewayHeard {
            stamp,
            id: id.to_owned(),
            name: format!("gate {id}"),
            epoch: self.epoch.clone(),
            revision: Some(revision),
            asks_after: None,
            lease_ms: LEASE_MS,
            clock_ahead_ms: 0,
            version: "0.1.0".to_owned(),
            boot: "b1".to_owned(),
            certificate: String::new(),
            line: Line::default(),
            is_alone: false,
        }
    }

    async fn heard_at(&self, control: &Control, id: &str, revision: Revision) {
        control.gateway_heard(self.poll_of(id, revision.0).await, self.world.now()).await.unwrap();
    }

    async fn heard(&self, id: &str, revision: Revision) {
        self.heard_at(&self.world.control, id, revision).await;
    }

    /// What comes of it that a process asks under `g1`, on a connection that goes on as long as it is kept.
    async fn asks(
        &self,
        control: &Control,
        boot: &str,
        revision: Revision,
        open: &Arc<()>,
    ) -> Result<(), Impostor> {
        let line = Line(Arc::downgrade(open));
        let heard =
            GatewayHeard { boot: boot.to_owned(), line, ..self.poll_of("g1", revision.0).await };
        self.is_heard(control, heard).await
    }

    async fn is_heard(&self, control: &Control, heard: GatewayHeard) -> Result<(), Impostor> {
        match control.gateway_heard(heard, self.world.now()).await {
            Ok(()) => Ok(()),
            Err(HearError::Impostor(impostor)) => Err(impostor),
            Err(HearError::Other(error)) => panic!("{error}"),
        }
    }

    async fn give_back(&self) -> Revision {
        self.world.does("owner", self.world.on_grant(GrantAction::GiveBack)).await.revision
    }

    /// Those who are awaited.
    async fn awaited(&self, control: &Control, revision: Revision) -> Vec<String> {
        let found = control.enforced(revision, NOT_AT_ALL, self.world.now()).await.unwrap();
        found.awaited().map(|shown| shown.gateway.id.clone()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_gateway_is_waited_for_until_its_lease_is_over() {
    let site = Site::new().await;
    let before = site.world.control.head().await.unwrap().revision;
    for id in ["g1", "g2", "g3"] {
        site.heard(id, before).await;
    }
    let cancelled = site.give_back().await;
    site.heard("g1", cancelled).await;
    site.heard("g2", cancelled).await;
    assert_eq!(site.awaited(&site.world.control, cancelled).await, ["g3"]);

    let begun = Instant::now();
    let found = site.world.control.enforced(cancelled, LONG, site.world.now()).await.unwrap();
    assert!(found.is_enforced());
    let states: Vec<_> = found.gateways.iter().map(|shown| shown.state).collect();
    assert!(matches!(states[..2], [GatewayState::Enforces { .. }, GatewayState::Enforces { .. }]));
    assert!(matches!(states[2], GatewayState::Lapsed { .. }));
    // One second more, for the look at what was written of it last.
    assert!(
        (OVER..OVER + Duration::from_secs(1)).contains(&begun.elapsed()),
        "{:?}",
        begun.elapsed()
    );
}

/// E5: what one of two under one id acknowledges says nothing of the other.
#[tokio::test(start_paused = true)]
async fn a_second_process_under_one_id_is_refused_while_the_first_is_connected() {
    let site = Site::new().await;
    let control = &site.world.control;
    let before = control.head().await.unwrap().revision;
    let (first, second) = (Arc::new(()), Arc::new(()));
    site.asks(control, "one", before, &first).await.unwrap();
    let cancelled = site.give_back().await;
    assert_eq!(site.asks(control, "two", cancelled, &second).await, Err(Impostor::Connected));
    assert_eq!(
        site.awaited(control, cancelled).await,
        ["g1"],
        "its acknowledgement counts nothing"
    );
    assert_eq!(control.gateway_figures().refused, 1);
    // The first on another connection is still the first.
    let again = Arc::new(());
    site.asks(control, "one", before, &again).await.unwrap();
    drop(first);
    assert_eq!(site.asks(control, "two", cancelled, &second).await, Err(Impostor::Connected));

    // It is gone without a word: its lease may still run, wherever it is.
    drop(again);
    site.asks(control, "two", cancelled, &second).await.unwrap();
    assert_eq!(site.awaited(control, cancelled).await, ["g1"]);
    let shown = control.gateways(site.world.now()).await.unwrap().gateways.remove(0);
    assert!(!shown.is_lapsed && shown.ends_at > site.world.now());
    advance(OVER).await;
    site.asks(control, "two", cancelled, &second).await.unwrap();
    assert!(site.awaited(control, cancelled).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_second_process_is_refused_at_another_control_node_too() {
    let site = Site::new().await;
    let (here, there) = (&site.world.control, site.node());
    let head = here.head().await.unwrap().revision;
    let (first, second) = (Arc::new(()), Arc::new(()));
    for _ in 0..10 {
        site.asks(&there, "one", head, &first).await.unwrap();
        here.tend_gateways(site.world.now()).await.unwrap();
        assert_eq!(site.asks(here, "two", head, &second).await, Err(Impostor::Elsewhere));
        advance(Duration::from_secs(2)).await;
    }
    // The first comes over, as it may at any time.
    site.asks(here, "one", head, &second).await.unwrap();
    drop(second);
    for _ in 0..6 {
        advance(Duration::from_secs(1)).await;
        here.tend_gateways(site.world.now()).await.unwrap();
    }
    site.asks(here, "two", head, &first).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_lease_of_a_gateway_that_said_goodbye_is_not_awaited() {
    let site = Site::new().await;
    let control = &site.world.control;
    let before = control.head().await.unwrap().revision;
    let line = Arc::new(());
    site.asks(control, "one", before, &line).await.unwrap();
    let leaves =
        GatewayHeard { lease_ms: 0, boot: "one".to_owned(), ..site.poll_of("g1", before.0).await };
    site.is_heard(control, leaves).await.unwrap();
    let cancelled = site.give_back().await;
    // One second, for those who read of it.
    advance(Duration::from_secs(1)).await;
    for node in [&**control, &site.node()] {
        let found = node.enforced(cancelled, Duration::from_secs(2), site.world.now()).await;
        assert!(found.unwrap().is_enforced());
    }
    // It comes back as another process, at once and without a predecessor.
    let back = Arc::new(());
    site.asks(control, "two", cancelled, &back).await.unwrap();
    assert!(site.awaited(control, cancelled).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_id_is_bound_to_the_certificate_it_came_with() {
    let site = Site::new().await;
    let control = &site.world.control;
    let head = control.head().await.unwrap().revision;
    let poll = site.poll_of("g1", head.0).await;
    let with =
        |certificate: &str| GatewayHeard { certificate: certificate.to_owned(), ..poll.clone() };
    site.is_heard(control, with("gw-1")).await.unwrap();
    for other in ["gw-2", ""] {
        for node in [&**control, &site.node()] {
            node.tend_gateways(site.world.now()).await.unwrap();
            let refused = site.is_heard(node, with(other)).await;
            assert_eq!(refused, Err(Impostor::OtherCertificate), "{other}");
        }
    }
    site.is_heard(control, with("gw-1")).await.unwrap();
    // The operator forgets it once its lease is over; then it may come with another one.
    advance(OVER).await;
    control.tend_gateways(site.world.now()).await.unwrap();
    advance(OVER).await;
    control.forget_gateway("g1", site.world.now()).await.unwrap();
    site.is_heard(control, with("gw-2")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_as_soon_as_the_last_has_acknowledged() {
    let site = Site::new().await;
    let before = site.world.control.head().await.unwrap().revision;
    site.heard("g1", before).await;
    let cancelled = site.give_back().await;
    let control = Arc::clone(&site.world.control);
    let now = site.world.now();
    let waiting = tokio::spawn(async move { control.enforced(cancelled, LONG, now).await });
    tokio::task::yield_now().await;
    let begun = Instant::now();
    site.heard("g1", cancelled).await;
    assert!(waiting.await.unwrap().unwrap().is_enforced());
    assert!(begun.elapsed() < Duration::from_millis(1), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_a_silent_gateway_may_still_hold_its_lease() {
    let site = Site::new().await;
    let before = site.world.control.head().await.unwrap().revision;
    site.heard("g1", before).await;
    site.heard("g2", before).await;
    let cancelled = site.give_back().await;
    site.heard("g2", cancelled).await;
    site.world.control.tend_gateways(site.world.now()).await.unwrap();
    // It stood still for an hour, as far as the time of day can be believed: it is not.
    let restarted = site.node();
    let later = site.world.now().plus_ms(3_600_000);
    let found = restarted.enforced(cancelled, NOT_AT_ALL, later).await.unwrap();
    assert_eq!(found.awaited().map(|g| g.gateway.id.as_str()).collect::<Vec<_>>(), ["g1"]);
    advance(OVER).await;
    assert!(restarted.enforced(cancelled, NOT_AT_ALL, later).await.unwrap().is_enforced());
    // What it enforced was kept: it is not waited for.
    let g2 = restarted.enforced(cancelled, NOT_AT_ALL, later).await.unwrap().gateways.remove(1);
    assert_eq!(g2.state, GatewayState::Enforces { since: site.world.now() });
}

#[tokio::test(start_paused = true)]
async fn what_was_not_written_down_is_not_claimed_after_a_crash() {
    let site = Site::new().await;
    let before = site.world.control.head().await.unwrap().revision;
    site.heard("g1", before).await;
    let cancelled = site.give_back().await;
    site.heard("g1", cancelled).await;
    assert!(
        site.awaited(&site.world.control, cancelled).await.is_empty(),
        "reported to this process"
    );
    assert_eq!(
        site.awaited(&site.node(), cancelled).await,
        ["g1"],
        "the other has not heard of it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_gateway_is_written_down_before_its_first_answer_and_once_a_second_after_that() {
    let site = Site::new().await;
    let beats = async || {
        let known = site.store.gateways().await.unwrap();
        known.iter().map(|gateway| gateway.beat).collect::<Vec<_>>()
    };
    let head = site.world.control.head().await.unwrap().revision;
    for _ in 0..100 {
        site.heard("g1", head).await;
    }
    assert_eq!(beats().await, [1]);
    advance(Duration::from_secs(1)).await;
    site.heard("g1", head).await;
    assert_eq!(beats().await, [2]);
    let longer = GatewayHeard { lease_ms: 60_000, ..site.poll_of("g1", head.0).await };
    site.world.control.gateway_heard(longer, site.world.now()).await.unwrap();
    assert_eq!(beats().await, [3], "a longer lease is known before it begins");
    assert_eq!(site.world.control.head().await.unwrap().revision, head, "no change of the world");
}

#[tokio::test(start_paused = true)]
async fn control_nodes_learn_from_each_other() {
    let site = Site::new().await;
    let (here, there) = (&site.world.control, site.node());
    let before = here.head().await.unwrap().revision;
    site.heard_at(&there, "g1", before).await;
    let cancelled = site.give_back().await;
    assert_eq!(site.awaited(here, cancelled).await, ["g1"]);
    site.heard_at(&there, "g1", cancelled).await;
    there.tend_gateways(site.world.now()).await.unwrap();
    assert!(site.awaited(here, cancelled).await.is_empty());
    // It keeps asking there, so its lease goes on, as seen from here.
    let (next, mut times) = (Revision(cancelled.0 + 1), 0);
    while times < 20 {
        advance(Duration::from_secs(1)).await;
        site.heard_at(&there, "g1", cancelled).await;
        assert_eq!(site.awaited(here, next).await, ["g1"]);
        times += 1;
    }
    advance(OVER).await;
    assert!(site.awaited(here, next).await.is_empty());
}

/// Whatever was written down of it elsewhere meanwhile, what it reported here may still hold.
#[tokio::test(start_paused = true)]
async fn a_longer_lease_told_just_now_is_not_lost_to_what_another_node_wrote() {
    let site = Site::new().await;
    let (here, now) = (&site.world.control, site.world.now());
    let before = here.head().await.unwrap().revision;
    let shorter = site.poll_of("g1", before.0).await;
    let longer = GatewayHeard { lease_ms: 60_000, ..shorter.clone() };
    here.gateway_heard(longer, now).await.unwrap();
    let cancelled = site.give_back().await;
    // The other node writes what it heard before; this one reads it.
    site.node().gateway_heard(shorter, now).await.unwrap();
    here.tend_gateways(now).await.unwrap();
    advance(OVER).await;
    assert_eq!(site.awaited(here, cancelled).await, ["g1"], "its lease of a minute may run");
    advance(Duration::from_secs(60)).await;
    assert!(site.awaited(here, cancelled).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_revision_of_another_history_says_nothing() {
    let site = Site::new().await;
    let cancelled = site.give_back().await;
    let foreign = GatewayHeard { epoch: "other".to_owned(), ..site.poll_of("g1", 9_999).await };
    site.world.control.gateway_heard(foreign, site.world.now()).await.unwrap();
    let nothing = GatewayHeard { revision: None, ..site.poll_of("g2", 0).await };
    site.world.control.gateway_heard(nothing, site.world.now()).await.unwrap();
    assert_eq!(site.awaited(&site.world.control, cancelled).await, ["g1", "g2"]);
}

#[tokio::test(start_paused = true)]
async fn only_a_gateway_whose_lease_is_over_is_forgotten() {
    let site = Site::new().await;
    let (control, now) = (&site.world.control, site.world.now());
    site.heard("g1", Revision(1)).await;
    let unknown = control.forget_gateway("g2", now).await;
    assert!(matches!(unknown, Err(ForgetError::Unknown)));
    let early = control.forget_gateway("g1", now).await;
    assert!(matches!(early, Err(ForgetError::HoldsLease { until }) if until > now));
    advance(OVER).await;
    control.forget_gateway("g1", now).await.unwrap();
    assert!(control.gateways(now).await.unwrap().gateways.is_empty());
    site.heard("g1", Revision(1)).await;
    assert_eq!(control.gateways(now).await.unwrap().gateways.len(), 1, "it may come back");
    // Silent for 30 days, it is forgotten by itself; not before, and never while its lease may run.
    let late = now.plus_ms(30 * 86_400_000);
    control.tend_gateways(late).await.unwrap();
    assert_eq!(site.store.gateways().await.unwrap().len(), 1);
    advance(OVER).await;
    control.tend_gateways(late.plus_ms(-1)).await.unwrap();
    assert_eq!(site.store.gateways().await.unwrap().len(), 1);
    control.tend_gateways(late).await.unwrap();
    assert!(site.store.gateways().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_believed_is_not_registered() {
    let site = Site::new().await;
    let good = site.poll_of("g1", 1).await;
    for bad in [
        GatewayHeard { id: String::new(), ..good.clone() },
        GatewayHeard { id: "g 1".to_owned(), ..good.clone() },
        GatewayHeard { id: "g".repeat(129), ..good.clone() },
        GatewayHeard { name: "g\n1".to_owned(), ..good.clone() },
        GatewayHeard { lease_ms: 86_400_001, ..good.clone() },
    ] {
        let refused = site.world.control.gateway_heard(bad, site.world.now()).await;
        assert!(matches!(
            refused,
            Err(HearError::Other(Error::Refused(Refusal::Malformed { .. })))
        ));
    }
    assert!(site.store.gateways().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn whoever_sees_the_right_sees_who_enforces_it() {
    let site = Site::new().await;
    let world = &site.world;
    let key = Key { api: world.api.clone(), instance: instance(), app: world.app.id.clone() };
    let show = async |who: &str| {
        let caller = world.caller(who).await;
        world.control.show_right(&caller, &key, world.now()).await
    };
    let before = world.control.head().await.unwrap().revision;
    site.heard("g1", before).await;
    let shown = show("viewer").await.unwrap();
    assert_eq!((shown.enforcement.revision, shown.enforcement.is_enforced()), (before, true));
    let cancelled = site.give_back().await;
    world.new_app("owner", "another").await;
    let shown = show("owner").await.unwrap();
    assert_eq!(shown.enforcement.revision, cancelled, "what others do does not count");
    assert!(matches!(shown.enforcement.gateways[0].state, GatewayState::Awaited { .. }));
    site.heard("g1", cancelled).await;
    assert!(show("reviewer").await.unwrap().enforcement.is_enforced());
    let reset = world.does("admin", Command::ResetSecret(world.app.id.clone())).await.revision;
    assert_eq!(show("owner").await.unwrap().enforcement.revision, reset);
    let stranger = show("stranger").await.err().unwrap();
    assert!(matches!(stranger, Error::Refused(Refusal::AppUnknown { .. })));
}

#[tokio::test(start_paused = true)]
async fn figures_tell_who_is_behind_and_how_long_it_takes() {
    let site = Site::new().await;
    let (control, now) = (&site.world.control, site.world.now());
    control.tend_gateways(now).await.unwrap();
    let before = control.head().await.unwrap().revision;
    site.heard("g1", before).await;
    let counted = |control: &Control| control.gateway_figures().enforced.iter().sum::<u64>();
    let first = counted(control);
    let cancelled = site.give_back().await;
    advance(Duration::from_secs(3)).await;
    let figures = control.gateway_figures();
    assert_eq!(figures.bound, OVER);
    let g1 = &figures.gateways[0];
    assert_eq!((g1.behind_revisions, g1.behind.as_secs(), g1.is_lapsed), (1, 3, false));
    assert_eq!(counted(control), first);
    site.heard("g1", cancelled).await;
    let figures = control.gateway_figures();
    assert_eq!((figures.gateways[0].behind, counted(control)), (NOT_AT_ALL, first + 1));
    assert_eq!(figures.enforced_seconds.round() as u64, 3);
}

/// What a stricter rule takes away is measured like what a reviewer takes.
#[tokio::test(start_paused = true)]
async fn changed_rules_are_among_the_revocation_figures() {
    let site = Site::new().await;
    let control = &site.world.control;
    site.heard("g1", control.head().await.unwrap().revision).await;
    let measured = || control.gateway_figures().enforced.iter().sum::<u64>();
    let before = measured();
    let rules = Rules { nonce: true, ..Rules::default() };
    let stricter = Command::SetRules { api: site.world.api.clone(), rules };
    let changed = site.world.does("reviewer", stricter).await.revision;
    assert_eq!(measured(), before, "not enforced yet");
    site.heard("g1", changed).await;
    assert_eq!(measured(), before + 1);
}
