//! The goals of the index and of the decision, measured: each as a ratio to an anchor that runs in
//! turns with it, in the same process.
//!
//! ```sh
//! cargo bench -p tidegate-gateway                      # 10 million grants
//! cargo bench -p tidegate-gateway -- --grants 1000000
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod decision;
mod measure;
mod start;
mod table;
mod world;

use std::sync::Arc;
use std::time::Instant;

use measure::Report;
use world::World;

/// The allocator of the binary that ships.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut grants = 10_000_000;
    let mut only = None;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--grants" => grants = args.next().and_then(|n| n.parse().ok()).expect("a number"),
            "--only" => only = args.next(),
            // What cargo says to every bench.
            "--bench" => {}
            other => {
                panic!("unknown: {other}; there are --grants N and --only table|decision|start")
            }
        }
    }
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    println!("{grants} grants; {}", measure::machine());
    let mut report = Report::new();
    if wanted("table") {
        table::measure(grants, &mut report);
    }
    if wanted("decision") || wanted("start") {
        let began = Instant::now();
        let world = Arc::new(World::new());
        let index = Arc::new(world.index(grants));
        assert_eq!(index.sizes().grants as u64, grants);
        eprintln!("  an index after {:.0} s", began.elapsed().as_secs_f64());
        if wanted("decision") {
            decision::measure(grants, &world, &index, &mut report);
        }
        if wanted("start") {
            start::measure(grants, &world, &index, &mut report);
        }
    }
    report.print();
}
