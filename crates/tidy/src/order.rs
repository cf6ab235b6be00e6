//! The order that imports give to files.

use std::collections::{BTreeMap, BTreeSet};

use crate::Import;

/// The groups of files that depend on each other in a circle, each in the order of names.
pub fn cycles(imports: &BTreeSet<Import>) -> Vec<Vec<&str>> {
    let below = closure(imports);
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (&file, reached) in &below {
        if reached.contains(file) && seen.insert(file) {
            let circle: Vec<_> =
                reached.iter().copied().filter(|it| below[it].contains(file)).collect();
            seen.extend(&circle);
            found.push(circle);
        }
    }
    found
}

/// How many files are below each at most; 0 for one that takes nothing. Of files without a circle.
pub fn levels(imports: &BTreeSet<Import>) -> BTreeMap<&str, usize> {
    let mut levels: BTreeMap<&str, usize> = BTreeMap::new();
    loop {
        let mut changed = false;
        for import in imports {
            let least = levels.get(&*import.to).copied().unwrap_or(0) + 1;
            levels.entry(&import.to).or_insert(0);
            let level = levels.entry(&import.from).or_insert(0);
            if *level < least && least <= imports.len() {
                *level = least;
                changed = true;
            }
        }
        if !changed {
            return levels;
        }
    }
}

/// All files that each file depends on, directly or not.
fn closure(imports: &BTreeSet<Import>) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut direct: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for import in imports {
        direct.entry(&import.from).or_default().insert(&import.to);
        direct.entry(&import.to).or_default();
    }
    let reach = |start: &str| {
        let (mut reached, mut next) = (BTreeSet::new(), vec![start.to_owned()]);
        while let Some(file) = next.pop() {
            for &to in &direct[&*file] {
                if reached.insert(to) {
                    next.push(to.to_owned());
                }
            }
        }
        reached
    };
    direct.keys().map(|&file| (file, reach(file))).collect()
}
