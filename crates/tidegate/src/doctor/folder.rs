//! The data folder: is it there, and who works on it?

use std::io::ErrorKind;
use std::sync::Arc;

use tidegate_gateway::SealingKey;

use crate::checks::Findings;
use crate::config::Config;
use crate::data::{DataDir, is_there, read, unhex};

/// Looks at the folder, and tells whether a process works on it.
pub fn look(data: &DataDir, findings: &mut Findings) -> bool {
    let root = data.root();
    let name = root.display();
    match root.metadata() {
        Ok(found) if found.is_dir() => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            findings
                .ok("data folder", format!("{name} is not there yet; the first start makes it"));
            return false;
        }
        // What is wrong with it is found by the questions of a start.
        _ => return false,
    }
    if is_there(&root.join("backup.tmp")).is_ok_and(|there| there) {
        findings.warning(
            "data folder",
            format!("{name} holds backup.tmp: a backup is being made, or was interrupted"),
            "the next `tidegate backup` removes what an interrupted one left",
        );
    }
    match data.is_held() {
        Ok(is_held) => {
            let state = if is_held { "a server works on it" } else { "no server works on it" };
            findings.ok("data folder", format!("{name}, {state}"));
            is_held
        }
        Err(error) => {
            let found = format!("it is not known whether a server works on it: {error:#}");
            findings.warning("data folder", found, "run this as the user the server runs as");
            false
        }
    }
}

/// Can the gateway begin with what it knew?
pub fn snapshot(config: &Config, data: &DataDir, findings: &mut Findings) {
    match is_there(&data.root().join("gate.snapshot")) {
        Ok(true) => {}
        Ok(false) => {
            let found = "there is none yet; the gateway learns everything from the control side";
            return findings.ok("snapshot", found);
        }
        Err(error) => {
            let advice = "run this as the user the server runs as";
            return findings.warning("snapshot", format!("{error:#}"), advice);
        }
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
