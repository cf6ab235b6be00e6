//! The files of the data folder that a start reads or replaces: can it? What it makes when there is none may be
//! missing. The store and the feed's token are looked at elsewhere, with what they belong to.

use std::fs::File;
use std::io::ErrorKind;
use std::sync::Arc;

use tidegate_gateway::SealingKey;

use super::Findings;
use crate::config::{Config, Kind};
use crate::data::{
    DataDir, GATEWAY_ID, LOCK, SERVER, SNAPSHOT, SNAPSHOT_KEY, SnapshotKey, TOKEN, VAULT, is_there,
};

const AWAY: &str = "move it away; the next start makes a new one";

/// Looks at all that a server of this kind would read or replace.
pub fn look(kind: Kind, data: &DataDir, findings: &mut Findings) {
    // What is wrong with the folder itself is reported with it.
    if !data.root().is_dir() {
        return;
    }
    let mut ask = |check, file: &str, asked: anyhow::Result<()>, advice| {
        let Err(error) = asked else { return };
        let advice = if may_not(data, file) {
            "run this as the user the server runs as, or give the file to that user"
        } else {
            advice
        };
        findings.unfit(check, format!("{error:#}"), advice);
    };
    ask("data folder", LOCK, data.can_be_held(), AWAY);
    ask("data folder", SERVER, is_no_folder(data, SERVER), AWAY);
    if kind != Kind::Gateway {
        let advice =
            "bring vault.key back from the backup this store belongs to; no other key opens it";
        ask("vault", VAULT, data.kept_vault().map(drop), advice);
        ask("operator", TOKEN, data.kept_operator_token().map(drop), AWAY);
    }
    if kind != Kind::Control {
        let advice = "bring it back from your backup, or move it away: under the new id that the next start makes, \
                      this gateway is another one to the control side";
        ask("gateway", GATEWAY_ID, data.kept_gateway_id().map(drop), advice);
        ask("snapshot", SNAPSHOT_KEY, data.snapshot_key().map(drop), AWAY);
        key_of_snapshot(data, findings);
    }
}

/// Whether this user may not read a file, or not write the one that is only locked.
fn may_not(data: &DataDir, file: &str) -> bool {
    let is_lock = file == LOCK;
    let opened = File::options().read(!is_lock).write(is_lock).open(data.root().join(file));
    opened.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}

fn is_no_folder(data: &DataDir, file: &str) -> anyhow::Result<()> {
    let path = data.root().join(file);
    if path.is_dir() {
        anyhow::bail!("{} cannot be replaced: it is a folder", path.display());
    }
    Ok(())
}

/// What a start does not end with: the gateway then learns everything anew.
fn key_of_snapshot(data: &DataDir, findings: &mut Findings) {
    if matches!(data.snapshot_key(), Ok(SnapshotKey::Damaged)) {
        findings.warning(
            "snapshot",
            format!("{} holds no key: it has 64 hex digits", data.root().join(SNAPSHOT_KEY).display()),
            "nothing is lost: the next start makes a new one, and the gateway learns everything from the control side",
        );
    }
    if let Err(error) = is_no_folder(data, SNAPSHOT) {
        findings.fault("snapshot", format!("{error:#}"), AWAY);
    }
}

/// Can the gateway begin with what it knew? A start reads it by itself, and says the same.
pub fn snapshot(config: &Config, data: &DataDir, findings: &mut Findings) {
    let path = data.root().join(SNAPSHOT);
    match is_there(&path) {
        Ok(true) if path.is_dir() => return,
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
    let advice =
        "nothing is lost: the gateway learns everything from the control side at its next start";
    let key = match data.snapshot_key() {
        Ok(SnapshotKey::Kept(key)) => SealingKey::new(key),
        Ok(SnapshotKey::Missing) => {
            let found = "the snapshot file cannot be used: its key, gate.key, is missing";
            return findings.warning("snapshot", found, advice);
        }
        Ok(SnapshotKey::Damaged) | Err(_) => return,
    };
    let served = Arc::new(config.gate().serves);
    let file = tidegate_gateway::SnapshotFile::new(path, key);
    match file.load(&served, config.limits().calls_per_api) {
        Ok(index) => {
            let revision =
                index.map_or_else(String::new, |i| format!(", at revision {}", i.revision()));
            findings.ok("snapshot", format!("can be read{revision}"));
        }
        Err(error) => {
            let found = format!("the snapshot file cannot be used: {error}");
            findings.warning("snapshot", found, advice);
        }
    }
}
