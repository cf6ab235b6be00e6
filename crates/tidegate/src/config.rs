//! The configuration of `tidegate serve`: a TOML file, then the environment on top of it.
//!
//! [`KEYS`] is the one table of keys: what is read, what is checked, what `config default` prints
//! and which environment variable goes with it all come from there. All faults are told together.

mod feed;
mod given;
mod keys;
mod kind;
mod schema;

use std::fmt;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tidegate_control::Quotas;
use tidegate_domain::InstanceId;
use tidegate_gateway::{BackendConfig, GateConfig, Limits, Serves, TlsFiles, system_words};

pub use self::feed::Feed;
use self::given::Given;
pub use self::keys::{KEYS, Key};
pub use self::kind::Kind;
pub use self::schema::schema;
use crate::database::Database;
use crate::node::Wanted;
use crate::notify::Notify;

/// What the environment variables of the configuration begin with.
pub const PREFIX: &str = "TIDEGATE_";

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

/// The configuration of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The data folder.
    pub data_dir: PathBuf,
    /// Where the store is.
    pub database: Database,
    /// Where the control side listens.
    pub control_addr: SocketAddr,
    /// Where the gateway listens.
    pub gateway_addr: SocketAddr,
    /// Where other proxies ask over HTTP; nowhere unless it is set.
    pub check_addr: Option<SocketAddr>,
    /// Where Envoy asks over gRPC; nowhere unless it is set.
    pub ext_authz_addr: Option<SocketAddr>,
    /// Where Prometheus finds the metrics; nowhere unless it is set.
    pub metrics_addr: Option<SocketAddr>,
    /// The gateway's certificate (PEM), if its callers use TLS.
    pub gateway_tls_cert: Option<PathBuf>,
    /// The key to it (PEM).
    pub gateway_tls_key: Option<PathBuf>,
    /// How backends are reached.
    pub backends: BackendConfig,
    /// How long the server goes on answering after the order to stop.
    pub shutdown_delay: Duration,
    /// The most connections that one peer address may have at each listener.
    pub connections_per_peer: u32,
    /// Is an admin of a workspace a reviewer without being put on the list?
    pub admin_is_reviewer: bool,
    /// How much a workspace or a user may have.
    pub quotas: Quotas,
    /// Are secrets shown in lists of apps?
    pub secrets_in_lists: bool,
    /// The feed, between machines.
    pub feed: Feed,
    /// The gateway.
    pub gateway: Gateway,
    /// The log.
    pub log: Log,
    /// What is told of calls.
    pub wanted: Wanted,
    /// Where messages go.
    pub notify: Notify,
}

/// The gateway's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// How many threads answer calls; as many as the machine has cores when none.
    pub threads: Option<NonZeroU32>,
    /// The largest body that is held in memory to be hashed.
    pub body_limit_bytes: u32,
    /// The most callers that throttling counts.
    pub throttled_callers: u32,
    /// The most nonces that are remembered.
    pub nonces: u32,
    /// How long a backend may take to begin its answer, if the API does not say.
    pub backend_timeout_ms: u32,
    /// How long the gateway decides on without the control side.
    pub lease_seconds: u32,
    /// The instances it serves; all when empty.
    pub instances: Vec<InstanceId>,
    /// Its name; its id when empty.
    pub name: String,
}

/// The log's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// What is logged, as a filter of `tracing`.
    pub level: String,
    /// In which form.
    pub format: LogFormat,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object a line, for programs.
    Json,
}

/// Everything that is wrong with a configuration, a line each.
#[derive(Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => write!(f, "the configuration is wrong: {one}"),
            many => {
                write!(f, "the configuration is wrong in {} places:", many.len())?;
                many.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
            }
        }
    }
}

impl std::error::Error for Faults {}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from(crate::data::DEFAULT),
            database: Database::default(),
            control_addr: SocketAddr::from(([127, 0, 0, 1], 8787)),
            gateway_addr: SocketAddr::from(([127, 0, 0, 1], 8788)),
            check_addr: None,
            ext_authz_addr: None,
            metrics_addr: None,
            gateway_tls_cert: None,
            gateway_tls_key: None,
            backends: BackendConfig::default(),
            shutdown_delay: Duration::ZERO,
            connections_per_peer: 2_500,
            admin_is_reviewer: false,
            quotas: Quotas::default(),
            secrets_in_lists: false,
            feed: Feed::default(),
            gateway: Gateway {
                threads: None,
                body_limit_bytes: 2 * 1024 * 1024,
                throttled_callers: 100_000,
                nonces: 900_000,
                backend_timeout_ms: 50_000,
                lease_seconds: 300,
                instances: Vec::new(),
                name: String::new(),
            },
            log: Log { level: "info".to_owned(), format: LogFormat::Text },
            wanted: Wanted::default(),
            notify: Notify::default(),
        }
    }
}

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
