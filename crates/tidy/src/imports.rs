//! Which file of a crate takes a name from which other.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;
use syn::{ImplItem, ItemUse, Macro, Visibility};

use crate::modules::{ModulePath, Sources, flatten, is_for_tests};

/// A name that one file takes from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    /// The file that uses the name, relative to `src`.
    pub from: String,
    /// The file that defines it.
    pub to: String,
    /// The name.
    pub name: String,
}

/// More steps than a chain of re-exports may have.
const STEPS: usize = 32;

impl Sources {
    /// All names that files of this crate take from each other. A name that is re-exported counts as taken from where
    /// it is defined.
    pub fn imports(&self) -> BTreeSet<Import> {
        let mut found = BTreeSet::new();
        for (path, module) in &self.modules {
            let mut paths = Paths::default();
            module.items.iter().for_each(|item| paths.visit_item(item));
            for taken in paths.found {
                let Some((target, name)) = self.resolve(path, &taken, 0) else { continue };
                // A word alone that is called as a module is a variable of that name.
                if taken.len() == 1 && (target.last() == Some(&name) || target == *path) {
                    continue;
                }
                let (from, to) = (&self.files[path], &self.files[&target]);
                if from != to {
                    found.insert(Import { from: from.clone(), to: to.clone(), name });
                }
            }
        }
        found
    }

    /// The module that defines what a path means in a module, and the name it has there; nothing for names of other
    /// crates and of the module itself.
    fn resolve(
        &self,
        from: &ModulePath,
        path: &[String],
        steps: usize,
    ) -> Option<(ModulePath, String)> {
        if steps > STEPS {
            return None;
        }
        let (first, mut rest) = path.split_first()?;
        let mut module = match first.as_str() {
            "crate" => Vec::new(),
            "self" => from.clone(),
            "super" => from.split_last()?.1.to_vec(),
            name if self.modules[from].children.contains(name) => {
                let mut below = from.clone();
                below.push(name.to_owned());
                below
            }
            name => {
                let target = self.modules[from].imports.get(name)?;
                if target.first() == Some(first) {
                    return None;
                }
                let whole: Vec<_> = target.iter().chain(rest).cloned().collect();
                return self.resolve(from, &whole, steps + 1);
            }
        };
        let mut name = first.clone();
        while let Some((next, after)) = rest.split_first() {
            name.clone_from(next);
            if next == "super" {
                module.pop()?;
            } else if self.modules[&module].children.contains(next) {
                module.push(next.clone());
            } else if let Some(target) = self.modules[&module].imports.get(next) {
                let whole: Vec<_> = target.iter().chain(after).cloned().collect();
                // A name of another crate that is passed on is taken from whoever passes it on.
                return self.resolve(&module, &whole, steps + 1).or(Some((module, name)));
            } else {
                break;
            }
            rest = after;
        }
        Some((module, name))
    }
}

/// The paths that items mention.
#[derive(Default)]
struct Paths {
    found: BTreeSet<Vec<String>>,
}

impl Paths {
    /// The paths among the words of a macro.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    if colons != 2 {
                        self.take(&mut path);
                    }
                    path.push(word.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                other => {
                    self.take(&mut path);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.take(&mut path);
    }

    fn take(&mut self, path: &mut Vec<String>) {
        // `pub(super)` alone is no use of anything.
        let is_visibility = matches!(&**path, [word] if word == "super" || word == "crate");
        if !path.is_empty() && !is_visibility {
            self.found.insert(std::mem::take(path));
        }
        path.clear();
    }
}

impl<'ast> Visit<'ast> for Paths {
    /// An import that passes names on, as the root of a folder does, is none of its file: it counts for those who use
    /// the names.
    fn visit_item_use(&mut self, import: &'ast ItemUse) {
        if !matches!(import.vis, Visibility::Inherited) {
            return;
        }
        flatten(&import.tree, &mut Vec::new(), &mut |_, path| {
            self.found.insert(path);
        });
    }

    /// Who may see an item is no use of whoever may.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if let ImplItem::Fn(function) = item
            && function.attrs.iter().any(is_for_tests)
        {
            return;
        }
        syn::visit::visit_impl_item(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Vec<_> = path.segments.iter().map(|it| it.ident.to_string()).collect();
        self.found.insert(words);
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.visit_path(&called.path);
        self.tokens(called.tokens.clone());
    }
}
