//! The modules of each crate depend downwards only.

#![allow(clippy::unwrap_used)] // a test that fails panics

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use tidegate_tidy::{Import, Sources, cycles, levels};

/// The order that is allowed: for each crate its modules, layer by layer from the bottom up.
const ORDER: &str = include_str!("../layers.txt");

/// The crates, each with its root files.
fn roots() -> BTreeMap<String, Vec<PathBuf>> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = BTreeMap::new();
    for folder in std::fs::read_dir(crates).unwrap() {
        let folder = folder.unwrap();
        let source = folder.path().join("src");
        let roots = ["lib.rs", "main.rs"].map(|it| source.join(it));
        let name = folder.file_name().into_string().unwrap();
        found.insert(name, roots.into_iter().filter(|it| it.exists()).collect());
    }
    found
}

/// The imports between the top modules of a crate, where a folder and the file of its name are one module. What the
/// root file itself defines is at the bottom, and is not listed.
fn between_modules(imports: &BTreeSet<Import>) -> BTreeSet<Import> {
    let module = |file: &str| {
        let first = file.split('/').next().unwrap_or(file);
        first.strip_suffix(".rs").unwrap_or(first).to_owned()
    };
    let is_root = |name: &str| matches!(name, "lib" | "main");
    imports
        .iter()
        .map(|it| Import { from: module(&it.from), to: module(&it.to), name: it.name.clone() })
        .filter(|it| it.from != it.to && !is_root(&it.from) && !is_root(&it.to))
        .collect()
}

#[test]
fn no_files_of_a_crate_depend_on_each_other_in_a_circle() {
    let mut found = String::new();
    for (name, roots) in roots() {
        for root in roots {
            let imports = Sources::read(&root).imports();
            for circle in cycles(&imports) {
                writeln!(found, "{name}: {} files", circle.len()).unwrap();
                let ties = |it: &&Import| circle.contains(&&*it.from) && circle.contains(&&*it.to);
                for Import { from, to, name } in imports.iter().filter(ties) {
                    writeln!(found, "    {from} takes {name} of {to}").unwrap();
                }
            }
        }
    }
    assert!(found.is_empty(), "files that depend on each other:\n{found}");
}

#[test]
fn modules_use_only_modules_of_lower_layers() {
    let mut allowed: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    let mut of = "";
    for (number, line) in ORDER.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(name) => of = name,
            None => line.split_whitespace().for_each(|module| {
                allowed.entry(of).or_default().insert(module, number);
            }),
        }
    }
    let mut wrong = String::new();
    for (name, roots) in roots() {
        let allowed = allowed.remove(&*name).unwrap_or_default();
        let mut modules = BTreeSet::new();
        for root in roots {
            let sources = Sources::read(&root);
            let imports = between_modules(&sources.imports());
            let lowest = levels(&imports);
            for module in sources.top_modules() {
                if !allowed.contains_key(module) {
                    let level = lowest.get(module).copied().unwrap_or(0);
                    writeln!(
                        wrong,
                        "{name}: {module} is not listed; its layer is at least {level}"
                    )
                    .unwrap();
                }
                modules.insert(module.to_owned());
            }
            for Import { from, to, name: item } in &imports {
                if let (Some(upper), Some(lower)) = (allowed.get(&**from), allowed.get(&**to))
                    && upper <= lower
                {
                    writeln!(wrong, "{name}: {from} takes {item} of {to}, which is not below it")
                        .unwrap();
                }
            }
        }
        for gone in allowed.keys().filter(|it| !modules.contains(**it)) {
            writeln!(wrong, "{name}: {gone} is listed and not there").unwrap();
        }
    }
    assert!(wrong.is_empty(), "against layers.txt:\n{wrong}");
}
