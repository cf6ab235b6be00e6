//! The data folder: there, private, with room, held by whom.

use std::path::Path;
use std::sync::Arc;

use tidegate_gateway::SealingKey;

use crate::checks::Findings;
use crate::config::Config;
use crate::data::{DataDir, FEED_TOKEN, LOCK, RESTORING, STORE, TOKEN, VAULT, read, unhex};

/// Files nobody but the owner may read.
const PRIVATE: [&str; 6] = [VAULT, TOKEN, FEED_TOKEN, STORE, "gate.key", "gate.snapshot"];

/// Looks at the folder, and tells whether a process works on it.
pub fn look(data: &DataDir, findings: &mut Findings) -> bool {
    let root = data.root();
    let name = root.display();
    if !root.is_dir() {
        findings.ok("data folder", format!("{name} is not there yet; the first start makes it"));
        return false;
    }
    if root.join(RESTORING).exists() {
        findings.fault(
            "data folder",
            format!("a restore into {name} was interrupted"),
            "run `tidegate restore` again; the server does not start before that",
        );
    }
    if root.join("backup.tmp").exists() {
        findings.warning(
            "data folder",
            format!("{name} holds backup.tmp: a backup is being made, or was interrupted"),
            "the next `tidegate backup` removes what an interrupted one left",
        );
    }
    private(root, findings);
    let is_held = root.join(LOCK).exists() && data.hold().is_ok_and(|hold| hold.is_none());
    findings.ok(
        "data folder",
        format!(
            "{name}, {}",
            if is_held { "a server works on it" } else { "no server works on it" }
        ),
    );
    is_held
}

#[cfg(unix)]
fn private(root: &Path, findings: &mut Findings) {
    use std::os::unix::fs::MetadataExt;
    let me = rustix::process::geteuid().as_raw();
    let paths = PRIVATE.iter().map(|file| root.join(file)).filter(|path| path.exists());
    for path in std::iter::once(root.to_owned()).chain(paths) {
        let name = path.display();
        let Ok(found) = path.metadata() else {
            findings.fault(
                "rights",
                format!("{name} cannot be looked at"),
                "run this as its owner",
            );
            continue;
        };
        let mode = found.mode() & 0o777;
        if mode & 0o077 != 0 {
            let advice = if path.is_dir() { "chmod 700" } else { "chmod 600" };
            findings.fault(
                "rights",
                format!("{name} is open to others: its mode is {mode:03o}"),
                &format!("{advice} {name}"),
            );
        }
        if me != 0 && found.uid() != me {
            findings.warning(
                "rights",
                format!("{name} belongs to the user {}, and this runs as {me}", found.uid()),
                "run the server and this as the same user",
            );
        }
    }
}

#[cfg(not(unix))]
fn private(_: &Path, _: &mut Findings) {}

/// Can the gateway begin with what it knew?
pub fn snapshot(config: &Config, data: &DataDir, findings: &mut Findings) {
    if !data.root().join("gate.snapshot").exists() {
        findings.ok("snapshot", "there is none yet; the gateway learns everything from the store");
        return;
    }
    // Asking for the snapshot would make a key that cannot be read anew.
    let kept = read(&data.root().join("gate.key")).ok().flatten();
    let has_key =
        kept.and_then(|text| unhex(text.trim())).is_some_and(|k| k.len() == SealingKey::LEN);
    let limits = config.limits();
    let loaded = has_key.then(|| {
        let file = data.gate_snapshot().map_err(|error| format!("{error:#}"))?;
        let served = Arc::new(config.gate().serves);
        let loaded = file.load(&served, limits.calls_per_api).map_err(|error| error.to_string())?;
        Ok::<_, String>(loaded.map(|index| index.revision()))
    });
    let advice = "nothing is lost: the gateway learns everything from the store at its next start";
    match loaded {
        None => findings.warning("snapshot", "its key, gate.key, is missing or damaged", advice),
        Some(Err(why)) => findings.warning("snapshot", format!("cannot be used: {why}"), advice),
        Some(Ok(revision)) => {
            let revision = revision.map_or_else(String::new, |r| format!(", at revision {r}"));
            findings.ok("snapshot", format!("can be read{revision}"));
        }
    }
}
