//! G6: bytes of a grant, and a look-up beside hashbrown's while a writer makes 1,000 changes a
//! second.

use std::hint::black_box;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hashbrown::HashMap;
use tidegate_gateway::{Grants, Pair};

use crate::measure::{Report, Writer, in_turns, resident};
use crate::world::{INSTANCES, Triple, held};

/// Look-ups of a block.
const CALLS: usize = 100_000;

type Map = HashMap<(u32, u32, u32), u32>;

fn pair(triple: Triple) -> Pair {
    let place = u64::from(triple.api) * INSTANCES + u64::from(triple.instance);
    Pair { place, app: triple.app.into() }
}

/// Takes in a range of grants, a batch at a time.
fn grow(grants: &mut Grants, from: u64, to: u64) {
    for begin in (from..to).step_by(100_000) {
        let end = to.min(begin + 100_000);
        let change = |n| grants.change_of(pair(Triple::of(n)), n as usize);
        let changes = (begin..end).map(change).collect();
        grants.change(changes, |n| Some(held(n as u64)), |_, _| {});
    }
}

/// A number drawn from another one, evenly.
fn drawn(n: u64) -> u64 {
    let mut x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^ (x >> 32)
}

pub fn measure(count: u64, report: &mut Report) {
    let mut grants = Grants::default();
    grow(&mut grants, 0, count / 10);
    let before = resident();
    grow(&mut grants, count / 10, count);
    let growth = (resident() - before) / (count - count / 10) as f64;
    let computed = grants.bytes() as f64 / count as f64;
    assert_eq!(grants.count() as u64, count);
    report.row("G6 bytes a grant, by growth of memory", format!("{growth:.1} B"), None, "≤ 16");
    report.row("G6 bytes a grant, computed", format!("{computed:.1} B"), None, "≤ 16");

    let mut map = Map::new();
    let put = |map: &mut Map, from: u64, to: u64| {
        for n in from..to {
            let Triple { api, instance, app } = Triple::of(n);
            map.insert((api, instance, app), n as u32);
        }
    };
    put(&mut map, 0, count / 10);
    let before = resident();
    put(&mut map, count / 10, count);
    let growth_of_map = (resident() - before) / (count - count / 10) as f64;
    let ratio = Some(growth / growth_of_map);
    report.row("  hashbrown, by growth of memory", format!("{growth_of_map:.1} B"), ratio, "");

    // One in ten is not there.
    let asked: Vec<Triple> =
        (0..1 << 20).map(|n| Triple::of(drawn(n) % (count + count / 9))).collect();
    let mask = asked.len() - 1;
    let (table, map) = (Arc::new(ArcSwap::from_pointee(grants)), ArcSwap::from_pointee(map));
    for triple in &asked {
        let there = map.load().contains_key(&(triple.api, triple.instance, triple.app));
        assert_eq!(table.load().get(pair(*triple)).is_some(), there);
    }
    let (mut ours, mut theirs) = (0_u64, 0_u64);
    let mut look_up = |n: usize| {
        ours += u64::from(table.load().get(pair(asked[n & mask])).is_some());
    };
    let mut look_up_map = |n: usize| {
        let Triple { api, instance, app } = asked[n & mask];
        theirs += u64::from(map.load().get(&(api, instance, app)).is_some());
    };
    // What no table of this size can go below: one number from anywhere in as much memory.
    let flat = ArcSwap::from_pointee((0..count as u32 * 4).collect::<Vec<u32>>());
    let mut found = 0_u64;
    let mut look_at_one = |n: usize| {
        let Triple { api, app, .. } = asked[n & mask];
        let flat = flat.load();
        let at = drawn(u64::from(api) << 32 | u64::from(app)) % flat.len() as u64;
        found += u64::from(flat[at as usize]);
    };
    let subjects: [&mut dyn FnMut(usize); 3] = [&mut look_up, &mut look_at_one, &mut look_up_map];
    let [quiet, one, anchor] = in_turns(51, CALLS, subjects);
    let value = format!("{quiet:.0} ns / {anchor:.0} ns");
    report.row("G6 look-up, nothing changing", value, Some(quiet / anchor), "");
    let value = format!("{one:.0} ns / {anchor:.0} ns");
    report.row("  one number from 16 B a grant, no table", value, Some(one / anchor), "");
    black_box(found);
    drop(flat);

    let (mut ours_waits, mut theirs_waits) = (0, 0);
    let mut wait = |n: usize| {
        let held = table.load().get(pair(asked[(n + ours_waits) & mask]));
        let since = held.and_then(|held| held.grant).map_or(0, |term| term.since.as_ms());
        ours_waits = usize::from(since & 1 == 1);
    };
    let mut wait_map = |n: usize| {
        let Triple { api, instance, app } = asked[(n + theirs_waits) & mask];
        theirs_waits = map.load().get(&(api, instance, app)).map_or(0, |end| *end as usize & 1);
    };
    let [quiet, anchor] = in_turns(51, CALLS, [&mut wait, &mut wait_map]);
    let value = format!("{quiet:.0} ns / {anchor:.0} ns");
    report.row("  each waiting for the last", value, Some(quiet / anchor), "");

    let writer = {
        let table = Arc::clone(&table);
        Writer::start(move |n| {
            let mut next = Grants::clone(&table.load());
            let n = drawn(n as u64) % count;
            let change = next.change_of(pair(Triple::of(n)), n as usize);
            // Gone, and back again.
            next.change(vec![change], |n| Some(held(n as u64 + 1)), |_, _| {});
            table.store(Arc::new(next));
        })
    };
    let [busy, anchor] = in_turns(101, CALLS, [&mut look_up, &mut look_up_map]);
    let (rate, cost) = writer.stop();
    let value = format!("{busy:.0} ns / {anchor:.0} ns");
    report.row("G6 look-up, 1,000 changes/s", value, Some(busy / anchor), "≤ 0.5");
    report.row("  changes a second, time of one", format!("{rate:.0}/s, {cost:.0} µs"), None, "");
    assert_eq!(ours, theirs, "both find the same");
    black_box((ours, theirs));
}
