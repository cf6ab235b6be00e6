//! The data folder: is it there, and who works on it?

use std::io::ErrorKind;

use crate::checks::Findings;
use crate::data::{DataDir, is_there};

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
        // Why it could not be taken is found by the questions of a start.
        Err(_) if data.can_be_held().is_err() => false,
        Err(error) => {
            let found = format!("it is not known whether a server works on it: {error:#}");
            findings.warning("data folder", found, "run this as the user the server runs as");
            false
        }
    }
}
