//! The files of the repository.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Folders that are made, and not written: what tools put there is nobody's text.
const MADE: [&str; 5] = ["target", ".git", "node_modules", "__pycache__", "corpus"];

/// All files with one of these extensions, in the order of their paths; `""` is that of files without one.
///
/// # Panics
/// If a folder cannot be read.
pub fn files(extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    add(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."), extensions, &mut found);
    found.sort();
    found
}

fn add(folder: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().expect("a folder of the repository can be read").flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if !MADE.iter().any(|made| name == *made) {
                add(&path, extensions, found);
            }
        } else if extensions.iter().any(|it| path.extension().unwrap_or_default() == OsStr::new(it))
        {
            found.push(path);
        }
    }
}
