//! The connection slots of a listener: a bound on all of them, a bound per peer address, and who makes room
//! when there is none: the connections that have been of no use for longest.
//!
//! A connection is *held* while a call on it is answered whose caller was let in. A held connection is never
//! closed for another one. Whoever only connects, dribbles a head, announces a body or answers pings holds
//! nothing, so a flood of such peers pushes out its own oldest connections.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::held::Counter;
use crate::limits::{EVICTED_OF_ALL, EVICTED_OF_PEER, EVICTION_PAUSE, LINE_PAUSE};

/// The slots of a listener. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Slots(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    per_peer: usize,
    room: Arc<Semaphore>,
    began: Instant,
    state: Mutex<State>,
    shed: AtomicU64,
    refused: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    taken: HashMap<u64, Arc<Shared>>,
    peers: HashMap<Peer, usize>,
    /// When the last line about a lack of slots was logged, and how many connections were closed since.
    logged: Option<Instant>,
    since: u64,
}

/// A peer: an IPv4 address, or the /64 network of an IPv6 address, which one machine has whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Peer(IpAddr);

impl Peer {
    fn new(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) if !address.is_loopback() => {
                let network = address.to_bits() >> 64 << 64;
                Self(IpAddr::V6(network.into()))
            }
            address => Self(address),
        }
    }

    /// A peer on this machine is a proxy for many, as a rule.
    fn is_bound(self) -> bool {
        !self.0.is_loopback()
    }
}

/// Set in [`Shared::held`] once the connection is to be closed.
const EVICTED: u32 = 1 << 31;

#[derive(Debug)]
struct Shared {
    peer: Peer,
    /// When the slots were made.
    began: Instant,
    /// How many calls hold the connection.
    held: AtomicU32,
    /// When it was of use last, in milliseconds since the slots were made.
    last: AtomicU64,
    evicted: Notify,
    /// How much of its calls' bodies is held.
    bodies: Counter,
}

/// Room for a connection that has not come yet.
pub(crate) struct Room {
    _permit: OwnedSemaphorePermit,
}

/// A connection's slot; it is free again when this is dropped.
pub(crate) struct Slot {
    number: u64,
    slots: Slots,
    shared: Arc<Shared>,
    _room: Room,
}

/// By which calls hold the connection they came on.
#[derive(Debug, Clone, Default)]
pub struct Use(Option<Arc<Shared>>);

/// Keeps a connection from being closed for another one.
#[derive(Debug)]
pub struct Hold(Arc<Shared>);

impl Slots {
    /// `most` in all, and `per_peer` for each peer address but this machine's own.
    pub(crate) fn new(most: usize, per_peer: usize) -> Self {
        Self(Arc::new(Inner {
            most,
            per_peer,
            room: Arc::new(Semaphore::new(most)),
            began: Instant::now(),
            state: Mutex::default(),
            shed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }))
    }

    /// Waits for room. Where there is none, connections of no use are closed.
    pub(crate) async fn room(&self) -> Room {
        loop {
            if let Ok(permit) = Arc::clone(&self.0.room).try_acquire_owned() {
                return Room { _permit: permit };
            }
            self.shed("all connection slots are taken");
            let permit = Arc::clone(&self.0.room).acquire_owned();
            if let Ok(Ok(permit)) = timeout(EVICTION_PAUSE, permit).await {
                return Room { _permit: permit };
            }
        }
    }

    /// Gives a connection its slot; none if its peer has as many as it may have, all of them in use.
    pub(crate) fn enter(&self, address: IpAddr, room: Room) -> Option<Slot> {
        let peer = Peer::new(address);
        let began = self.0.began;
        let (held, last) = (AtomicU32::new(0), AtomicU64::new(0));
        let shared = Arc::new(Shared {
            peer,
            began,
            held,
            last,
            evicted: Notify::new(),
            bodies: Counter::default(),
        });
        shared.touch();
        let mut state = self.state();
        let count = state.peers.get(&peer).copied().unwrap_or(0);
        if peer.is_bound() && count >= self.0.per_peer {
            let share = (count / EVICTED_OF_PEER).max(1);
            if self.evict(&mut state, share, Some(peer)) == 0 {
                self.0.refused.fetch_add(1, Ordering::Relaxed);
                return None;
            }
        }
        *state.peers.entry(peer).or_default() += 1;
        let number = state.next;
        state.next += 1;
        state.taken.insert(number, Arc::clone(&shared));
        drop(state);
        Some(Slot { number, slots: self.clone(), shared, _room: room })
    }

    /// Closes a share of all connections, the ones of no use for longest.
    pub(crate) fn shed(&self, why: &str) {
        let mut state = self.state();
        let evicted = self.evict(&mut state, (self.0.most / EVICTED_OF_ALL).max(1), None);
        state.since += evicted as u64;
        let now = Instant::now();
        if state.logged.is_none_or(|logged| now.duration_since(logged) >= LINE_PAUSE) {
            let closed = std::mem::take(&mut state.since);
            state.logged = Some(now);
            let open = state.taken.len();
            drop(state);
            tracing::warn!(
                why,
                open,
                closed,
                "closing the connections that were quiet for longest"
            );
        }
    }

    fn evict(&self, state: &mut State, most: usize, of: Option<Peer>) -> usize {
        let is_free = |shared: &&Arc<Shared>| {
            shared.held.load(Ordering::Relaxed) == 0 && of.is_none_or(|peer| shared.peer == peer)
        };
        let mut free: Vec<Arc<Shared>> =
            state.taken.values().filter(is_free).map(Arc::clone).collect();
        let last = |shared: &Arc<Shared>| shared.last.load(Ordering::Relaxed);
        if free.len() > most {
            free.select_nth_unstable_by_key(most, last);
            free.truncate(most);
        }
        let mut evicted: usize = 0;
        for shared in free {
            let flag =
                shared.held.compare_exchange(0, EVICTED, Ordering::AcqRel, Ordering::Relaxed);
            if flag.is_ok() {
                state.leave(shared.peer);
                shared.evicted.notify_one();
                evicted += 1;
            }
        }
        self.0.shed.fetch_add(evicted as u64, Ordering::Relaxed);
        evicted
    }

    /// How many connections were closed for others, and how many were not let in.
    pub(crate) fn shed_and_refused(&self) -> (u64, u64) {
        (self.0.shed.load(Ordering::Relaxed), self.0.refused.load(Ordering::Relaxed))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn leave(&mut self, peer: Peer) {
        if let Some(count) = self.peers.get_mut(&peer) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.peers.remove(&peer);
            }
        }
    }
}

impl Slot {
    /// What calls on the connection hold it by.
    pub(crate) fn usage(&self) -> Use {
        Use(Some(Arc::clone(&self.shared)))
    }

    /// Returns when the connection is to be closed for another one.
    pub(crate) async fn evicted(&self) {
        self.shared.evicted.notified().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.slots.state();
        state.taken.remove(&self.number);
        if self.shared.held.load(Ordering::Relaxed) & EVICTED == 0 {
            state.leave(self.shared.peer);
        }
    }
}

impl Shared {
    fn touch(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }
}

impl Use {
    /// Of a connection without a slot.
    pub const NONE: Self = Self(None);

    /// Holds the connection. Nothing where it is to be closed already, or has no slot.
    pub fn hold(&self) -> Option<Hold> {
        let shared = self.0.as_ref()?;
        let one_more = |held: u32| (held & EVICTED == 0).then_some(held + 1);
        shared.held.fetch_update(Ordering::AcqRel, Ordering::Relaxed, one_more).ok()?;
        Some(Hold(Arc::clone(shared)))
    }

    /// How much of the bodies of the connection's calls is held.
    pub(crate) fn bodies(&self) -> Counter {
        self.0.as_ref().map(|shared| shared.bodies.clone()).unwrap_or_default()
    }

    /// Makes the connection one that was of use just now.
    pub fn touch(&self) {
        if let Some(shared) = &self.0 {
            shared.touch();
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.touch();
        self.0.held.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const A: [u8; 4] = [10, 0, 0, 1];
    const B: [u8; 4] = [10, 0, 0, 2];

    async fn enter(slots: &Slots, address: impl Into<IpAddr>) -> Option<Slot> {
        tokio::time::advance(Duration::from_millis(10)).await;
        let room = timeout(Duration::from_secs(60), slots.room()).await.ok()?;
        slots.enter(address.into(), room)
    }

    fn is_evicted(slot: &Slot) -> bool {
        slot.shared.held.load(Ordering::Relaxed) & EVICTED != 0
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_of_no_use_for_longest_makes_room_and_one_in_use_never_does() {
        let slots = Slots::new(3, 3);
        let [one, two, three] = [(); 3].map(|()| enter(&slots, A));
        let (one, two, three) = (one.await.unwrap(), two.await.unwrap(), three.await.unwrap());
        let hold = one.usage().hold().unwrap();
        tokio::time::advance(Duration::from_millis(10)).await;
        two.usage().touch();
        // Whoever is evicted leaves, as the task of a connection does.
        let waiting = async {
            three.evicted().await;
            drop(three);
        };
        let (four, ()) = tokio::join!(enter(&slots, B), waiting);
        let four = four.unwrap();
        assert!(!is_evicted(&one) && !is_evicted(&two));
        let (held_two, held_four) = (two.usage().hold().unwrap(), four.usage().hold().unwrap());
        assert!(enter(&slots, B).await.is_none(), "all are in use");
        drop(held_two);
        let (five, ()) = tokio::join!(enter(&slots, B), async {
            two.evicted().await;
            assert!(two.usage().hold().is_none(), "too late");
            drop(two);
        });
        assert!(five.is_some());
        assert_eq!(slots.shed_and_refused(), (2, 0));
        drop((hold, held_four));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_has_its_own_bound_and_pays_with_its_own() {
        let slots = Slots::new(100, 2);
        let other = enter(&slots, B).await.unwrap();
        let (one, two) = (enter(&slots, A).await.unwrap(), enter(&slots, A).await.unwrap());
        let three = enter(&slots, A).await.unwrap();
        assert!(is_evicted(&one) && !is_evicted(&two) && !is_evicted(&other));
        drop(one);
        let (_two, _three) = (two.usage().hold().unwrap(), three.usage().hold().unwrap());
        assert!(enter(&slots, A).await.is_none(), "both of its own are in use");
        assert_eq!(slots.shed_and_refused(), (1, 1));
        drop(two);
        assert!(enter(&slots, A).await.is_some(), "a slot is given back");
        assert!(enter(&slots, B).await.is_some(), "others are not asked");
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_of_ipv6_is_one_peer_and_this_machine_has_no_bound_of_its_own() {
        let slots = Slots::new(100, 1);
        let in_network = |host: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, host]);
        let one = enter(&slots, in_network(1)).await.unwrap();
        let _two = enter(&slots, in_network(2)).await.unwrap();
        assert!(is_evicted(&one));
        let mapped = "::ffff:10.0.0.1".parse::<IpAddr>().unwrap();
        let one = enter(&slots, A).await.unwrap();
        let _two = enter(&slots, mapped).await.unwrap();
        assert!(is_evicted(&one));
        let own: Vec<Slot> = vec![
            enter(&slots, [127, 0, 0, 1]).await.unwrap(),
            enter(&slots, [127, 0, 0, 1]).await.unwrap(),
            enter(&slots, IpAddr::from([0_u16, 0, 0, 0, 0, 0, 0, 1])).await.unwrap(),
        ];
        assert!(!own.iter().any(is_evicted));
    }
}
