//! The machine: room on the disk, open files, the clock.

use std::path::Path;

use super::Findings;
use crate::clock::wall;
use crate::config::Config;
use crate::data::{DataDir, STORE};

/// With less room than this, writes will soon fail.
const LEAST_ROOM: u64 = 64 << 20;

/// With less than this, somebody should look.
const GOOD_ROOM: u64 = 1 << 30;

/// What a process opens beside its connections: the store, logs, what it listens on.
const OTHER_FILES: u64 = 256;

/// How far the clock may be behind what was written last.
const BEHIND_MS: i64 = 2_000;

/// Looks at all three.
pub fn look(config: &Config, data: &DataDir, findings: &mut Findings) {
    if data.root().is_dir() {
        room(data.root(), findings);
        clock(data.root(), findings);
    }
    files(config, findings);
}

/// Is there room on the disk of the data folder?
#[cfg(unix)]
fn room(root: &Path, findings: &mut Findings) {
    let Ok(disk) = rustix::fs::statvfs(root) else { return };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let store = root.join(STORE).metadata().map_or(0, |found| found.len());
    let found = format!("{} MiB are free on the disk of {}", free >> 20, root.display());
    if free < LEAST_ROOM {
        findings.fault("room", found, "make room: a full disk stops every decision");
    } else if free < GOOD_ROOM.max(store.saturating_mul(2)) {
        findings.warning(
            "room",
            found,
            "make room: a backup needs as much as the store for a while",
        );
    } else {
        findings.ok("room", found);
    }
}

/// Is there room on the disk of the data folder?
#[cfg(not(unix))]
fn room(_: &Path, _: &mut Findings) {}

/// A clock that is behind what was written last was set back, or has not been set yet.
fn clock(root: &Path, findings: &mut Findings) {
    let written = root.join(STORE).metadata().and_then(|found| found.modified()).ok();
    let since = written.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let Some(written) = since.and_then(|since| i64::try_from(since.as_millis()).ok()) else {
        return;
    };
    let behind = written.saturating_sub(wall().as_ms());
    if behind > BEHIND_MS {
        findings.warning(
            "clock",
            format!("this clock is {} s behind the last write of the store", behind / 1_000),
            "set the clock (NTP) before the server decides anything",
        );
    }
}

/// Can one listener have as many connections as its limit allows? The soft limit counts for nothing: a
/// server raises it to the hard one when it starts.
#[cfg(unix)]
fn files(config: &Config, findings: &mut Findings) {
    use rustix::process::{Resource, getrlimit};
    let connections = u64::try_from(config.limits().connections).unwrap_or(u64::MAX);
    let needed = connections.saturating_add(OTHER_FILES);
    match getrlimit(Resource::Nofile).maximum {
        Some(may) if may < needed => findings.warning(
            "open files",
            format!("a process may open {may} files here; a listener's connections need {needed}"),
            "raise the hard limit (LimitNOFILE=, ulimit -Hn): connections beyond it are not accepted",
        ),
        Some(may) => findings.ok("open files", format!("a process may open {may} files here")),
        None => findings.ok("open files", "a process may open any number of files here"),
    }
}

#[cfg(not(unix))]
fn files(_: &Config, _: &mut Findings) {}

/// Lets this process open as many files as it may.
#[cfg(unix)]
pub fn open_all_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::warn!(%error, "the limit of open files cannot be raised; it stays as it is");
    }
}

/// Lets this process open as many files as it may.
#[cfg(not(unix))]
pub fn open_all_files() {}
