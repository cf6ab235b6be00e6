//! What is set and could not be used: the data folder, the webhook, the access log.

use std::io::ErrorKind;
use std::path::Path;

use tidegate_gateway::system_words;

use super::Findings;
use crate::config::{Config, Kind};
use crate::data::{DataDir, FolderKind};
use crate::exit::Misused;

/// Looks at what a server of this kind would use.
pub fn look(config: &Config, kind: Kind, data: &DataDir, findings: &mut Findings) {
    folder(kind, data, findings);
    if kind != Kind::Gateway {
        webhook(config, findings);
    }
    if kind != Kind::Control {
        access_log(config, findings);
    }
}

/// Whether this user can work in the data folder, or make it, and nobody else's work is in it.
fn folder(kind: Kind, data: &DataDir, findings: &mut Findings) {
    const CHECK: &str = "data folder";
    const OWNER: &str = "run this as the user the server runs as, or give the folder to that user";
    const MARK: &str = "bring the file back from your backup, and see that the user the server runs as may read it";
    let (root, name) = (data.root(), data.root().display());
    match root.metadata() {
        Ok(found) if !found.is_dir() => {
            return findings.wrong(
                CHECK,
                format!("{name} is no folder"),
                "name another one (`data_dir`)",
            );
        }
        Ok(_) => {
            if let Err(error) = may_work_in(root) {
                let found = format!("{name} cannot be worked in: {}", system_words(&error));
                return findings.unfit(CHECK, found, OWNER);
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let above = root.ancestors().skip(1).find(|above| above.exists());
            let above =
                above.filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
            if let Err(error) = may_work_in(above) {
                let why = system_words(&error);
                let found = format!("{name} cannot be made in {}: {why}", above.display());
                findings.unfit(CHECK, found, OWNER);
            }
            return;
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let found = format!("{name} cannot be looked at: {}", system_words(&error));
            return findings.unfit(CHECK, found, OWNER);
        }
        Err(error) => {
            let found = format!("{name} cannot be looked at: {}", system_words(&error));
            return findings.wrong(CHECK, found, "name another one (`data_dir`)");
        }
    }
    if let Err(error) = data.suits(FolderKind::Real) {
        match error.downcast::<Misused>() {
            Ok(Misused(found)) => findings.wrong(CHECK, found, "name another one (`data_dir`)"),
            Err(error) => findings.unfit(CHECK, format!("{error:#}"), MARK),
        }
    }
    if kind != Kind::Gateway
        && let Err(error) = data.is_whole()
    {
        findings.unfit(CHECK, format!("{error:#}"), "no server starts before that");
    }
}

/// Whether this user may make files in a folder.
#[cfg(unix)]
fn may_work_in(folder: &Path) -> std::io::Result<()> {
    use rustix::fs::{Access, access};
    Ok(access(folder, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK)?)
}

#[cfg(not(unix))]
fn may_work_in(_: &Path) -> std::io::Result<()> {
    Ok(())
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
    let Some(folder) = folder else { return };
    let name = path.display();
    let (found, advice) = match folder.metadata() {
        Ok(found) if found.is_dir() => return,
        Ok(_) => (format!("the folder of {name} is a file"), "name another file"),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            (format!("the folder of {name} is not there"), "make the folder, or name another file")
        }
        Err(error) => (
            format!("the folder of {name} cannot be looked at: {}", system_words(&error)),
            "run this as the user the server runs as, or name another file",
        ),
    };
    findings.wrong("access_log", format!("access_log.path: {found}"), advice);
}
