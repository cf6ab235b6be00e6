//! World files.

use std::path::Path;

use anyhow::{Context, anyhow};
use tidegate_api::world::WorldFile;
use tidegate_control::Change;

/// Reads a world file: YAML, of which JSON is a part.
pub fn read(path: &Path) -> anyhow::Result<WorldFile> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_saphyr::from_str(&text).map_err(|error| anyhow!("{}: {error}", path.display()))
}

/// The world in a file; its faults, if it has any.
pub fn understood(path: &Path, file: WorldFile) -> anyhow::Result<tidegate_control::World> {
    file.into_world().map_err(|faults| anyhow!("{}:\n{faults}", path.display()))
}

/// A change, as a line.
pub fn line(change: &Change) -> String {
    line_of(change.created, change.kind, &change.name)
}

/// A change, as a line.
pub fn line_of(created: bool, kind: &str, name: &str) -> String {
    format!("{} {kind} {name}", if created { "created" } else { "updated" })
}
