//! Who may read what is secret: the files of the data folder, and the keys that are named elsewhere.

use super::Findings;
use crate::config::{Config, Kind};
use crate::data::DataDir;

/// Looks at all that holds secrets.
#[cfg(unix)]
pub fn look(config: &Config, kind: Kind, data: &DataDir, findings: &mut Findings) {
    folder(data, findings);
    named(config, kind, findings);
}

/// Looks at all that holds secrets.
#[cfg(not(unix))]
pub fn look(_: &Config, _: Kind, _: &DataDir, _: &mut Findings) {}

#[cfg(unix)]
fn folder(data: &DataDir, findings: &mut Findings) {
    use std::os::unix::fs::MetadataExt;

    use tidegate_gateway::system_words;

    use crate::data::PRIVATE;
    const CHECK: &str = "rights";
    const GROUP: u32 = 0o070;
    const OTHERS: u32 = 0o007;
    // What is wrong with the folder itself is reported where it is used.
    if !data.root().is_dir() {
        return;
    }
    let me = rustix::process::geteuid().as_raw();
    let files = PRIVATE.iter().map(|file| data.root().join(file));
    for path in std::iter::once(data.root().to_owned()).chain(files) {
        let name = path.display();
        let found = match path.metadata() {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                let found = format!("{name} cannot be looked at: {}", system_words(&error));
                findings.fault(CHECK, found, "run this as the user the server runs as");
                return;
            }
        };
        let mode = found.mode() & 0o777;
        let is_folder = found.is_dir();
        let advice = format!("chmod {} {name}", if is_folder { "700" } else { "600" });
        let open = |to: &str| format!("{name} is open to {to}: its mode is {mode:03o}");
        // What may be listed is no secret; what may be replaced is none any more.
        let is_given_away = mode & if is_folder { 0o002 } else { OTHERS } != 0;
        if is_given_away {
            findings.fault(CHECK, open("everybody"), &advice);
        } else if mode & (GROUP | OTHERS) != 0 {
            findings.warning(CHECK, open("others"), &advice);
        }
        if me != 0 && found.uid() != me {
            findings.warning(
                CHECK,
                format!("{name} belongs to the user {}, and this runs as {me}", found.uid()),
                "run the server and this as the same user",
            );
        }
    }
}

/// Keys and tokens in files that the configuration names. Who hands them out, such as an orchestrator, may let a
/// group read them.
#[cfg(unix)]
fn named(config: &Config, kind: Kind, findings: &mut Findings) {
    use std::os::unix::fs::MetadataExt;
    let gateway = config.gateway_tls_key.as_ref().filter(|_| kind != Kind::Control);
    let webhook = config.notify.webhook_secret_file.as_ref().filter(|_| kind != Kind::Gateway);
    for (key, file) in [
        ("gateway_tls_key", gateway),
        ("feed_key", config.feed.key.as_ref()),
        ("feed_token_file", config.feed.token_file.as_ref()),
        ("notify.webhook_secret_file", webhook),
    ] {
        let Some(file) = file else { continue };
        // One that cannot be looked at is reported where it is used.
        let Ok(found) = file.metadata() else { continue };
        let (name, mode) = (file.display(), found.mode() & 0o777);
        if mode & 0o007 != 0 {
            let found = format!("{key}: {name} is open to everybody: its mode is {mode:03o}");
            findings.warning("rights", found, &format!("chmod o= {name}"));
        }
    }
}
