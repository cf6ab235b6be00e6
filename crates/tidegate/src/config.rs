//! The configuration of `tidegate serve`: a TOML file, then the environment on top of it.
//!
//! [`KEYS`] is the one table of keys: what is read, what is checked, what `config default` prints
//! and which environment variable goes with it all come from there. All faults are told together.

mod feed;
mod given;
mod keys;
mod kind;
mod schema;
mod values;

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use tidegate_gateway::{GateConfig, Limits, Serves, TlsFiles, system_words};

use self::given::Given;
pub use self::keys::{KEYS, Key, PREFIX};
pub use self::kind::Kind;
pub use self::schema::schema;
pub use self::values::Config;
use crate::faults::Faults;

/// Variables with the prefix that belong to the commands and not to the server.
const OF_COMMANDS: [&str; 15] = [
    "TIDEGATE_CONFIG",
    "TIDEGATE_ENDPOINT",
    "TIDEGATE_GATEWAY",
    "TIDEGATE_ACCESS_KEY",
    "TIDEGATE_SECRET_KEY",
    "TIDEGATE_PROJECT",
    "TIDEGATE_WORKSPACE",
    "TIDEGATE_APP_KEY",
    "TIDEGATE_APP_SECRET",
    "TIDEGATE_AS",
    "TIDEGATE_STORE_FROM",
    "TIDEGATE_STORE_TO",
    "TIDEGATE_BACKUP_PASS_PHRASE",
    "TIDEGATE_BACKUP_PASS_PHRASE_FILE",
    "TIDEGATE_BACKUP_KEY_FILE",
];

/// A configuration that was read, and what is odd about it without being wrong.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Oddities, a line each.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads the file, if one is named, and `environment` on top of it.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Loaded, Faults> {
        let mut config = Self::default();
        let mut faults = Vec::new();
        let mut warnings = Vec::new();
        if let Some(file) = file {
            config.read_file(file, &mut faults);
        }
        for (variable, value) in environment {
            config.read_variable(&variable, &value, &mut faults, &mut warnings);
        }
        config.check(&mut faults);
        if faults.is_empty() { Ok(Loaded { config, warnings }) } else { Err(Faults(faults)) }
    }

    fn read_file(&mut self, file: &Path, faults: &mut Vec<String>) {
        let name = file.display();
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                return faults.push(format!("{name} cannot be read: {}", system_words(&error)));
            }
        };
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                // Not the error as it is: it shows the line, which may hold a secret.
                let before = error.span().and_then(|span| text.get(..span.start));
                let line = before.map_or(1, |before| before.matches('\n').count() + 1);
                let message = error.message();
                return faults.push(format!(
                    "{name} is not TOML: line {line}: {message}; texts and addresses stand in quotes"
                ));
            }
        };
        for (path, value) in flattened(table) {
            match KEYS.iter().find(|key| key.name == path) {
                Some(key) => {
                    if let Err(fault) = (key.set)(self, Given::Toml(&value)) {
                        faults.push(format!("{name}: `{path}` {fault}"));
                    }
                }
                None => faults.push(match similar(&path, |key| key.name.to_owned()) {
                    Some(key) => format!("{name}: there is no key `{path}`; did you mean `{key}`?"),
                    None => format!(
                        "{name}: there is no key `{path}`; `tidegate config default` prints all keys"
                    ),
                }),
            }
        }
    }

    fn read_variable(
        &mut self,
        variable: &str,
        value: &str,
        faults: &mut Vec<String>,
        warnings: &mut Vec<String>,
    ) {
        if !variable.starts_with(PREFIX) || OF_COMMANDS.contains(&variable) {
            return;
        }
        match KEYS.iter().find(|key| key.variable() == variable) {
            Some(key) => {
                if let Err(fault) = (key.set)(self, Given::Text(value)) {
                    faults.push(format!("the environment: `{variable}` {fault}"));
                }
            }
            // Not a fault: an orchestrator makes variables such as TIDEGATE_PORT out of the name of
            // a service.
            None => {
                let similar = similar(variable, Key::variable);
                let hint = similar.map(|key| format!("; did you mean {key}?")).unwrap_or_default();
                warnings.push(format!(
                    "the environment variable {variable} is not a key of the configuration; it is \
                     ignored{hint}"
                ));
            }
        }
    }

    /// What no key by itself can get wrong.
    fn check(&self, faults: &mut Vec<String>) {
        let listeners = [
            ("control_addr", Some(self.control_addr)),
            ("feed_addr", self.feed.addr),
            ("gateway_addr", Some(self.gateway_addr)),
            ("check_addr", self.check_addr),
            ("ext_authz_addr", self.ext_authz_addr),
            ("metrics_addr", self.metrics_addr),
        ];
        for (index, (name, address)) in listeners.iter().enumerate() {
            let Some(address) = address.filter(|address| address.port() != 0) else { continue };
            for (other, _) in listeners.iter().skip(index + 1).filter(|(_, a)| *a == Some(address))
            {
                faults.push(format!("`{name}` and `{other}` are both {address}"));
            }
        }
        if self.gateway_tls_cert.is_some() != self.gateway_tls_key.is_some() {
            faults.push("`gateway_tls_cert` and `gateway_tls_key` go together".to_owned());
        }
        self.feed.check(faults);
        if let Some(fault) = self.notify.fault() {
            faults.push(format!("`notify` {fault}"));
        }
        if let Err(error) = self.limits().check() {
            faults.push(format!("`gateway`: {error}"));
        }
    }

    /// The gateway's limits.
    pub fn limits(&self) -> Limits {
        let defaults = Limits::default();
        let backend = Duration::from_millis(self.gateway.backend_timeout_ms.into());
        let lease = Duration::from_secs(self.gateway.lease_seconds.into());
        Limits {
            throttle_counters: usize::try_from(self.gateway.throttled_callers)
                .unwrap_or(usize::MAX),
            nonces: usize::try_from(self.gateway.nonces).unwrap_or(usize::MAX),
            connections_per_peer: usize::try_from(self.connections_per_peer).unwrap_or(usize::MAX),
            buffered_body: self.gateway.body_limit_bytes,
            buffered_total: defaults.buffered_total.max(self.gateway.body_limit_bytes),
            backend,
            connect: defaults.connect.min(backend),
            lease,
            // A short lease leaves time for a second try.
            poll_timeout: defaults.poll_timeout.min(lease / 3),
            poll_backoff: defaults.poll_backoff.min(lease / 3),
            ..defaults
        }
    }

    /// How many threads answer calls.
    pub fn threads(&self) -> NonZeroUsize {
        let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let chosen = self.gateway.threads.and_then(|n| NonZeroUsize::try_from(n).ok());
        chosen.unwrap_or_else(cores)
    }

    /// The gateway's settings.
    pub fn gate(&self) -> GateConfig {
        let files = self.gateway_tls_cert.clone().zip(self.gateway_tls_key.clone());
        GateConfig {
            serves: self.serves(),
            limits: self.limits(),
            backends: self.backends.clone(),
            tls: files.map(|(certificate, key)| TlsFiles { certificate, key }),
            ..GateConfig::default()
        }
    }

    /// The instances the gateway serves.
    fn serves(&self) -> Serves {
        match self.gateway.instances.as_slice() {
            [] => Serves::All,
            these => Serves::These(these.iter().cloned().collect()),
        }
    }
}

/// How alike two names are that one is taken for a slip of the other, from 0 to 1.
const ALIKE: f64 = 0.85;

/// The key that somebody may have meant.
fn similar(given: &str, name: impl Fn(&Key) -> String) -> Option<String> {
    let plain = |text: &str| text.replace('.', "_").to_lowercase();
    let rated = KEYS.iter().map(|key| {
        let name = name(key);
        (strsim::normalized_damerau_levenshtein(&plain(given), &plain(&name)), name)
    });
    let best = rated.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(alike, _)| *alike >= ALIKE).map(|(_, name)| name)
}

/// All values of the file, each with its dotted path. A table that is no section is a value.
fn flattened(table: toml::Table) -> Vec<(String, toml::Value)> {
    let mut values = Vec::new();
    for (name, value) in table {
        let prefix = format!("{name}.");
        match value {
            toml::Value::Table(section) if KEYS.iter().any(|k| k.name.starts_with(&prefix)) => {
                values.extend(section.into_iter().map(|(key, v)| (format!("{prefix}{key}"), v)));
            }
            value => values.push((name, value)),
        }
    }
    values
}

/// The default configuration, with an explanation of every key.
pub fn default_text() -> String {
    let mut text = String::from(
        "#:schema ./tidegate.schema.json\n\
         # The line above is for editors, once `tidegate config schema > tidegate.schema.json` has run.\n\
         #\n\
         # The configuration of `tidegate serve`. Every key has its default here.\n\
         # An environment variable overrides its key: TIDEGATE_ and the key's name in capitals,\n\
         # sections included, such as TIDEGATE_GATEWAY_LEASE_SECONDS.\n",
    );
    let mut section = "";
    for key in KEYS {
        let (of, name) = key.name.split_once('.').unwrap_or(("", key.name));
        if of != section {
            section = of;
            text.push_str(&format!("\n[{of}]\n"));
        }
        text.push('\n');
        for line in key.help.lines() {
            text.push_str(&format!("# {}\n", line.trim()));
        }
        text.push_str(&format!("{name} = {}\n", key.default));
    }
    text
}

#[cfg(test)]
mod tests;
