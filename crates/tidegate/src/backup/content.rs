//! What is sealed in a backup: a manifest, then the files it names, one after the other.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use serde::{Deserialize, Serialize};

use super::key;
use crate::data::{FEED_TOKEN, KIND, STORE, TOKEN, VAULT};

/// What a backup holds, in this order: the store comes last into a folder that is restored.
pub const FILES: [&str; 5] = [VAULT, TOKEN, FEED_TOKEN, KIND, STORE];

/// The largest manifest, in bytes.
const MOST_MANIFEST: u32 = 64 * 1024;

/// What is in a backup. Nothing in it is a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this program that made it.
    pub version: String,
    /// When it was made.
    pub made_at: String,
    /// The last step the store's tables have taken.
    pub schema: String,
    /// The name of the store's history.
    pub epoch: String,
    /// Where that stands.
    pub revision: u64,
    /// The time of the last decision.
    pub decided_at: String,
    /// How many rows there are.
    pub rows: u64,
    /// The digest of all rows.
    pub digest: String,
    /// The files, in their order.
    pub files: Vec<Entry>,
}

/// A file in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name in the data folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
}

/// Writes manifest and files.
pub fn write(
    manifest: &Manifest,
    parts: &[(Entry, PathBuf)],
    to: &mut impl Write,
) -> anyhow::Result<()> {
    let text = serde_json::to_vec(manifest)?;
    to.write_all(&u32::try_from(text.len())?.to_le_bytes())?;
    to.write_all(&text)?;
    for (entry, path) in parts {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let copied = std::io::copy(&mut file.take(entry.bytes), to)?;
        if copied != entry.bytes {
            bail!("{} changed meanwhile; try again", path.display());
        }
    }
    Ok(())
}

/// Reads the manifest, lets `take` read each file, and makes sure that this was all.
pub fn read(
    from: &mut impl Read,
    mut take: impl FnMut(&Entry, &mut dyn Read) -> anyhow::Result<()>,
) -> anyhow::Result<Manifest> {
    let mut length = [0; 4];
    from.read_exact(&mut length).map_err(key::told)?;
    let length = u32::from_le_bytes(length);
    if length > MOST_MANIFEST {
        bail!("its manifest is too long");
    }
    let mut text = Vec::new();
    from.take(length.into()).read_to_end(&mut text).map_err(key::told)?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|_| anyhow!("its manifest is not understood; was it made by a later version?"))?;
    let mut expected = FILES.iter();
    for entry in &manifest.files {
        if !expected.any(|name| *name == entry.name) {
            bail!("it holds a file that has no place: `{}`", entry.name.escape_debug());
        }
        let mut part = from.by_ref().take(entry.bytes);
        take(entry, &mut part).map_err(|error| match error.downcast() {
            Ok(error) => key::told(error),
            Err(error) => error,
        })?;
        if part.limit() > 0 {
            bail!("it is damaged or cut short");
        }
    }
    // The end must be read to be believed.
    let more = std::io::copy(from, &mut std::io::sink()).map_err(key::told)?;
    if more > 0 {
        bail!("something follows its end");
    }
    Ok(manifest)
}
