//! What a configuration says.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use tidegate_control::Quotas;
use tidegate_domain::InstanceId;
use tidegate_gateway::BackendConfig;

use super::feed::Feed;
use crate::call_reports::Wanted;
use crate::database::Database;
use crate::log::LogFormat;
use crate::notify::Notify;

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
