//! What is set and could not be used: the data folder, the webhook, the access log.

use std::path::Path;

use super::Findings;
use crate::config::{Config, Kind};
use crate::data::DataDir;

/// Looks at what a server of this kind would use.
pub fn look(config: &Config, kind: Kind, data: &DataDir, findings: &mut Findings) {
    let root = data.root();
    if root.exists() && !root.is_dir() {
        let found = format!("{} is no folder", root.display());
        findings.wrong("data folder", found, "name another one (`data_dir`)");
    }
    if kind != Kind::Gateway {
        webhook(config, findings);
    }
    if kind != Kind::Control {
        access_log(config, findings);
    }
}

fn webhook(config: &Config, findings: &mut Findings) {
    match config.notify.webhook() {
        Ok(None) => {}
        Ok(Some(_)) => findings.ok("notify", "the webhook has an address and a secret"),
        Err(error) => findings.wrong(
            "notify",
            format!("the webhook cannot be used: {error:#}"),
            "see `notify.webhook_url`, and the secret both sides know",
        ),
    }
}

/// The log is made when there is none; its folder is not.
fn access_log(config: &Config, findings: &mut Findings) {
    let Some(path) = config.wanted.access_log.as_deref().filter(|path| *path != Path::new("-"))
    else {
        return;
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        let found = format!("access_log.path: the folder of {} is not there", path.display());
        findings.wrong("access_log", found, "make the folder, or name another file");
    }
}
