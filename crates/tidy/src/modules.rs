//! The modules of a crate as its sources declare them, tests left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::{Attribute, Item, UseTree};

/// The path of a module in its crate: `["sql", "pool"]`; the root's is empty.
pub type ModulePath = Vec<String>;

/// The modules of one crate.
pub struct Sources {
    pub(crate) modules: BTreeMap<ModulePath, Module>,
    /// The files, relative to the crate's `src`, by the module they hold.
    pub(crate) files: BTreeMap<ModulePath, String>,
}

/// What one file declares. Inline modules are modules of their file.
pub(crate) struct Module {
    pub children: BTreeSet<String>,
    /// The names it imports, with the paths they stand for.
    pub imports: BTreeMap<String, Vec<String>>,
    pub items: Vec<Item>,
}

impl Sources {
    /// Reads a crate from its root file, such as `src/lib.rs`.
    ///
    /// # Panics
    /// If a file is not there or is no Rust.
    pub fn read(root: &Path) -> Self {
        let mut sources = Self { modules: BTreeMap::new(), files: BTreeMap::new() };
        let folder = root.parent().expect("a root file is in a folder").to_owned();
        sources.read_file(&folder, root, &folder, Vec::new());
        sources
    }

    /// The modules that the root file declares.
    pub fn top_modules(&self) -> BTreeSet<&str> {
        self.modules.values().take(1).flat_map(|root| &root.children).map(String::as_str).collect()
    }

    fn read_file(&mut self, base: &Path, file: &Path, children_in: &Path, path: ModulePath) {
        let text = std::fs::read_to_string(file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.strip_prefix(base).expect("it is below src").to_string_lossy().into_owned();
        self.add(base, &name, children_in, path, parsed.items);
    }

    fn add(
        &mut self,
        base: &Path,
        file: &str,
        children_in: &Path,
        path: ModulePath,
        items: Vec<Item>,
    ) {
        let mut module =
            Module { children: BTreeSet::new(), imports: BTreeMap::new(), items: Vec::new() };
        for item in items {
            if attributes(&item).iter().any(is_for_tests) {
                continue;
            }
            match item {
                Item::Mod(child) => {
                    let name = child.ident.to_string();
                    let mut below = path.clone();
                    below.push(name.clone());
                    let folder = children_in.join(&name);
                    match child.content {
                        Some((_, items)) => self.add(base, file, &folder, below, items),
                        None => {
                            self.read_file(base, &file_of(children_in, &name), &folder, below);
                        }
                    }
                    module.children.insert(name);
                }
                Item::Use(import) => {
                    flatten(&import.tree, &mut Vec::new(), &mut |name, target| {
                        if let Some(name) = name {
                            module.imports.insert(name, target);
                        }
                    });
                    module.items.push(Item::Use(import));
                }
                other => module.items.push(other),
            }
        }
        self.files.insert(path.clone(), file.to_owned());
        self.modules.insert(path, module);
    }
}

fn file_of(folder: &Path, name: &str) -> PathBuf {
    let flat = folder.join(format!("{name}.rs"));
    if flat.exists() { flat } else { folder.join(name).join("mod.rs") }
}

/// Calls `found` for each name that an import brings in, and without a name for `*` and `as _`.
pub(crate) fn flatten(
    tree: &UseTree,
    before: &mut Vec<String>,
    found: &mut impl FnMut(Option<String>, Vec<String>),
) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, found);
            before.pop();
        }
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            let mut target = before.clone();
            if name == "self" {
                found(before.last().cloned(), target);
            } else {
                target.push(name.clone());
                found(Some(name), target);
            }
        }
        UseTree::Rename(renamed) => {
            let mut target = before.clone();
            if renamed.ident != "self" {
                target.push(renamed.ident.to_string());
            }
            let name = renamed.rename.to_string();
            found((name != "_").then_some(name), target);
        }
        UseTree::Glob(_) => found(None, before.clone()),
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, before, found);
            }
        }
    }
}

/// Whether an attribute is `#[test]`, `#[cfg(test)]` or `#[cfg(all(test, ..))]`.
pub(crate) fn is_for_tests(attribute: &Attribute) -> bool {
    if attribute.path().is_ident("test") {
        return true;
    }
    let mut found = false;
    if attribute.path().is_ident("cfg") {
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("all") {
                return meta.parse_nested_meta(|meta| {
                    found |= meta.path.is_ident("test");
                    Ok(())
                });
            }
            found |= meta.path.is_ident("test");
            Ok(())
        });
    }
    found
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(it) => &it.attrs,
        Item::Enum(it) => &it.attrs,
        Item::ExternCrate(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::ForeignMod(it) => &it.attrs,
        Item::Impl(it) => &it.attrs,
        Item::Macro(it) => &it.attrs,
        Item::Mod(it) => &it.attrs,
        Item::Static(it) => &it.attrs,
        Item::Struct(it) => &it.attrs,
        Item::Trait(it) => &it.attrs,
        Item::Type(it) => &it.attrs,
        Item::Union(it) => &it.attrs,
        Item::Use(it) => &it.attrs,
        _ => &[],
    }
}
