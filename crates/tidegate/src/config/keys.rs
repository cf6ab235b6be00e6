//! The table of keys.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use tidegate_domain::InstanceId;
use tidegate_feed::ControlUrl;
use tidegate_gateway::Networks;

use super::given::Given;
use super::values::Config;
use crate::database::Database;
use crate::log::LogFormat;
use crate::notify::{Hidden, check_url};

/// What the environment variables of the configuration begin with.
pub const PREFIX: &str = "TIDEGATE_";

/// A key of the configuration.
pub struct Key {
    /// Its path in the file: `gateway.lease_seconds`.
    pub name: &'static str,
    /// What it is for.
    pub help: &'static str,
    /// Its default, as TOML.
    pub default: &'static str,
    /// Puts a value where it belongs, or says what is wrong with it.
    pub set: fn(&mut Config, Given<'_>) -> Result<(), String>,
}

impl Key {
    /// Its environment variable.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.replace('.', "_").to_uppercase())
    }
}

/// The largest quota.
const QUOTA: u32 = 10_000_000;

/// All keys, sections last.
pub const KEYS: &[Key] = &[
    Key {
        name: "data_dir",
        help: "The folder that keeps everything: the store, the key to its secrets, the operator's \
               token.\nBack it up whole; the store is worthless without its key.",
        default: r#""./data""#,
        set: |config, given| {
            let wanted = "name a folder";
            let folder = given.parsed(wanted, |t| (!t.is_empty()).then(|| PathBuf::from(t)))?;
            config.data_dir = folder;
            Ok(())
        },
    },
    Key {
        name: "database",
        help: "Where the store is: sqlite, in the data folder, or a PostgreSQL database of its own,\n\
               postgres://USER:PASSWORD@HOST:PORT/DATABASE. It then holds a password: set \
               TIDEGATE_DATABASE instead, or\nlet only the server read this file. The other files \
               stay in the data folder.",
        default: r#""sqlite""#,
        set: |config, given| {
            config.database = Database::read(given.text()?)?;
            Ok(())
        },
    },
    Key {
        name: "control_addr",
        help: "Where the control side listens: the DataArts protocol, for people and their tools.\n\
               It speaks plain HTTP; put a TLS proxy in front before you open it to a network.",
        default: r#""127.0.0.1:8787""#,
        set: |config, given| {
            config.control_addr = address(given)?;
            Ok(())
        },
    },
    Key {
        name: "feed_addr",
        help: "Where gateways on other machines ask what is granted (`tidegate gateway`), such as \
               0.0.0.0:8792; nowhere when\nit is empty. It tells the secrets of all apps: beyond this \
               machine it needs the three files below.",
        default: r#""""#,
        set: |config, given| {
            config.feed.addr = address_or_none(given)?;
            Ok(())
        },
    },
    Key {
        name: "feed_ca",
        help: "The installation's own authority, as a PEM file, of which both ends of the feed must have \
               a certificate:\n`tidegate certs` makes all three. Used by control sides and by gateways.",
        default: r#""""#,
        set: |config, given| {
            config.feed.ca = file_or_none(given)?;
            Ok(())
        },
    },
    Key {
        name: "feed_cert",
        help: "This machine's certificate for the feed, as a PEM file. New files need no restart.",
        default: r#""""#,
        set: |config, given| {
            config.feed.cert = file_or_none(given)?;
            Ok(())
        },
    },
    Key {
        name: "feed_key",
        help: "The private key to it, as a PEM file.",
        default: r#""""#,
        set: |config, given| {
            config.feed.key = file_or_none(given)?;
            Ok(())
        },
    },
    Key {
        name: "feed_token_file",
        help: "The file of the feed's token, 64 hex digits: whoever asks without TLS must prove to have it. \
               When it is empty,\nfeed.token in the data folder, which a control side makes at its first \
               start. All control nodes and gateways\nof an installation have the same. Beyond this machine \
               certificates take its place; if this is set, both are needed.",
        default: r#""""#,
        set: |config, given| {
            config.feed.token_file = file_or_none(given)?;
            Ok(())
        },
    },
    Key {
        name: "control_urls",
        help: "For `tidegate gateway`: where the nodes of the control side have their feed, such as\n\
               [\"https://control-1.example:8792\"]. One is asked at a time, another one as soon as it \
               does not answer.",
        default: "[]",
        set: |config, given| {
            let read = |url: &str| {
                ControlUrl::parse(url).map_err(|fault| format!("names `{url}`: {fault}"))
            };
            let urls: Result<Vec<_>, _> = given.list()?.into_iter().map(read).collect();
            config.feed.control = urls?;
            Ok(())
        },
    },
    Key {
        name: "gateway_addr",
        help: "Where the gateway listens: the calls of apps.",
        default: r#""127.0.0.1:8788""#,
        set: |config, given| {
            config.gateway_addr = address(given)?;
            Ok(())
        },
    },
    Key {
        name: "check_addr",
        help: "Where another proxy (nginx, Caddy, Traefik, APISIX, Envoy) asks over HTTP whether a \
               call may go on;\nnowhere when it is empty. It believes what it is told, so only that \
               proxy may reach it:\nkeep it on loopback, such as 127.0.0.1:8789.",
        default: r#""""#,
        set: |config, given| {
            config.check_addr = address_or_none(given)?;
            Ok(())
        },
    },
    Key {
        name: "metrics_addr",
        help: "Where Prometheus finds the gateway's metrics, at /metrics, such as 127.0.0.1:8791; \
               nowhere when it\nis empty.",
        default: r#""""#,
        set: |config, given| {
            config.metrics_addr = address_or_none(given)?;
            Ok(())
        },
    },
    Key {
        name: "ext_authz_addr",
        help: "Where Envoy asks the same over gRPC (ext_authz), such as 127.0.0.1:8790; nowhere when \
               it is empty.\nOnly Envoy may reach it.",
        default: r#""""#,
        set: |config, given| {
            config.ext_authz_addr = address_or_none(given)?;
            Ok(())
        },
    },
    Key {
        name: "gateway_tls_cert",
        help: "The gateway's certificate, and those that lead from it to an authority, as a PEM file: \
               its callers\nthen use TLS. A new certificate is taken when the file changes, and at \
               SIGHUP. Plain HTTP when it is empty.",
        default: r#""""#,
        set: |config, given| {
            config.gateway_tls_cert = file_or_none(given)?;
            Ok(())
        },
    },
    Key {
        name: "gateway_tls_key",
        help: "The private key to it, as a PEM file.",
        default: r#""""#,
        set: |config, given| {
            config.gateway_tls_key = file_or_none(given)?;
            Ok(())
        },
    },
    Key {
        name: "backend_ca",
        help: "Authorities, as a PEM file, that backends over https may have their certificates from, \
               beside those\nthis machine trusts.",
        default: r#""""#,
        set: |config, given| {
            config.backends.ca = file_or_none(given)?;
            Ok(())
        },
    },
    Key {
        name: "backend_networks",
        help: "Where backends may be, such as [\"10.0.0.0/8\", \"!10.9.0.0/16\"]: in these networks, \
               and in none with a `!`\nbefore it. Without a network to be in: everywhere. Loopback, \
               link-local addresses, where clouds keep their\nmetadata, and multicast ones are closed \
               unless a network within them is named, such as \"127.0.0.0/8\".\nListeners of this server \
               are never backends.",
        default: "[]",
        set: |config, given| {
            let read = Networks::read(given.list()?);
            config.backends.networks = read.map_err(|error| format!("is wrong: {error}"))?;
            Ok(())
        },
    },
    Key {
        name: "shutdown_delay_seconds",
        help: "How long the server goes on answering after SIGTERM, while /readyz says 503: as long as \
               a load balancer\nneeds to notice and send calls elsewhere. Without one, 0. After it, \
               running calls get 30 s to end.",
        default: "0",
        set: |config, given| {
            config.shutdown_delay = Duration::from_secs(given.number(0, 600)?.into());
            Ok(())
        },
    },
    Key {
        name: "connections_per_peer",
        help: "The most connections that one peer address (of IPv6: one /64) may have at each listener. For \
               further ones its own\nthat were quiet for longest are closed. This machine's own addresses have no \
               such bound.\nRaise it to what your load balancer holds; a listener takes 10,000 in all.",
        default: "2500",
        set: |config, given| {
            config.connections_per_peer = given.number(1, 1_000_000)?;
            Ok(())
        },
    },
    Key {
        name: "admin_is_reviewer",
        help: "Is an admin of a workspace on its list of reviewers without being put there?",
        default: "false",
        set: |config, given| {
            config.admin_is_reviewer = given.boolean()?;
            Ok(())
        },
    },
    Key {
        name: "secrets_in_lists",
        help: "Does a list of apps show its reader the secrets of his own apps, as the vendor's does?\n\
               Show and create always do.",
        default: "false",
        set: |config, given| {
            config.secrets_in_lists = given.boolean()?;
            Ok(())
        },
    },
    Key {
        name: "quotas.apps",
        help: "How many apps a workspace may have.",
        default: "2000",
        set: |config, given| {
            config.quotas.apps = given.number(1, QUOTA)?;
            Ok(())
        },
    },
    Key {
        name: "quotas.apis",
        help: "How many APIs a workspace may have.",
        default: "2000",
        set: |config, given| {
            config.quotas.apis = given.number(1, QUOTA)?;
            Ok(())
        },
    },
    Key {
        name: "quotas.throttles",
        help: "How many throttling policies a workspace may have.",
        default: "1000",
        set: |config, given| {
            config.quotas.throttles = given.number(1, QUOTA)?;
            Ok(())
        },
    },
    Key {
        name: "quotas.waiting_applications",
        help: "How many applications a user may have filed that wait for a verdict.",
        default: "200",
        set: |config, given| {
            config.quotas.waiting_applications = given.number(1, QUOTA)?;
            Ok(())
        },
    },
    Key {
        name: "quotas.tokens",
        help: "How many tokens a user may have got that have not ended; one lasts a day.",
        default: "1000",
        set: |config, given| {
            config.quotas.tokens = given.number(1, QUOTA)?;
            Ok(())
        },
    },
    Key {
        name: "gateway.threads",
        help: "How many threads answer calls. 0: as many as the machine has cores.",
        default: "0",
        set: |config, given| {
            config.gateway.threads = NonZeroU32::new(given.number(0, 1_024)?);
            Ok(())
        },
    },
    Key {
        name: "gateway.body_limit_bytes",
        help: "The largest body of a signed call that is held in memory to be checked. A larger one \
               needs a\nsigned X-Sdk-Content-Sha256 header and streams through.",
        default: "2097152",
        set: |config, given| {
            config.gateway.body_limit_bytes = given.number(1_024, 256 * 1_024 * 1_024)?;
            Ok(())
        },
    },
    Key {
        name: "gateway.backend_timeout_ms",
        help: "How long a backend may take to begin its answer, if the API's definition does not say.",
        default: "50000",
        set: |config, given| {
            config.gateway.backend_timeout_ms = given.number(1, 600_000)?;
            Ok(())
        },
    },
    Key {
        name: "gateway.lease_seconds",
        help: "How long the gateway goes on deciding after it last heard from the control side. \
               Ends of grants\nstill bite meanwhile; after it, every call is denied.",
        default: "300",
        set: |config, given| {
            config.gateway.lease_seconds = given.number(5, 86_400)?;
            Ok(())
        },
    },
    Key {
        name: "gateway.name",
        help: "The name of this gateway in lists of gateways; its id when it is empty.",
        default: r#""""#,
        set: |config, given| {
            let wanted = "write at most 64 letters, digits, `-`, `_` or `.`";
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            config.gateway.name = given.parsed(wanted, |text| {
                (text.len() <= 64 && text.chars().all(plain)).then(|| text.to_owned())
            })?;
            Ok(())
        },
    },
    Key {
        name: "gateway.throttled_callers",
        help: "The most callers that throttling counts at a time, of all APIs together; one takes \
               about 200 bytes.\nWhen there are more, those that come last are denied.",
        default: "100000",
        set: |config, given| {
            config.gateway.throttled_callers = given.number(1, 100_000_000)?;
            Ok(())
        },
    },
    Key {
        name: "gateway.nonces",
        help: "The most nonces that are remembered, each for a quarter of an hour, of all APIs \
               together; one takes\nabout 30 bytes. When there are more, calls with a nonce are \
               denied.",
        default: "900000",
        set: |config, given| {
            config.gateway.nonces = given.number(1, 1_000_000_000)?;
            Ok(())
        },
    },
    Key {
        name: "gateway.instances",
        help: "The instances this gateway serves, by id; all when the list is empty.",
        default: "[]",
        set: |config, given| {
            let ids: Result<Vec<InstanceId>, String> = given
                .list()?
                .into_iter()
                .map(|id| InstanceId::parse(id).map_err(|e| format!("names `{id}`: {e}")))
                .collect();
            config.gateway.instances = ids?;
            Ok(())
        },
    },
    Key {
        name: "log.level",
        help: "What is logged: error, warn, info, debug or trace, or a filter such as\n\
               \"info,tidegate_gateway=debug\".",
        default: r#""info""#,
        set: |config, given| {
            let wanted = "write error, warn, info, debug, trace, or a filter such as \
                          info,tidegate_gateway=debug";
            let level = given.parsed(wanted, |t| crate::log::filter(t).map(|_| t.to_owned()))?;
            config.log.level = level;
            Ok(())
        },
    },
    Key {
        name: "log.format",
        help: "text: lines for people; json: an object a line, for programs. Both go to stderr.",
        default: r#""text""#,
        set: |config, given| {
            config.log.format = given.parsed("write text or json", |text| match text {
                "text" => Some(LogFormat::Text),
                "json" => Some(LogFormat::Json),
                _ => None,
            })?;
            Ok(())
        },
    },
    Key {
        name: "notify.webhook_url",
        help: "Where messages to people go, as JSON: applications that wait, notices, ends of access and \
               reminders\nof them. Nowhere when it is empty. Write https://host/path.",
        default: r#""""#,
        set: |config, given| {
            let text = given.text()?;
            if !text.is_empty() {
                check_url(text)?;
            }
            config.notify.webhook_url = Hidden::new(text);
            Ok(())
        },
    },
    Key {
        name: "notify.webhook_secret_file",
        help: "The file with the secret the messages are signed with, of 16 bytes or more, or \
               whsec_BASE64.",
        default: r#""""#,
        set: |config, given| {
            config.notify.webhook_secret_file = file_or_none(given)?;
            Ok(())
        },
    },
    Key {
        name: "notify.webhook_secret",
        help: "The secret itself, for the environment: TIDEGATE_NOTIFY_WEBHOOK_SECRET.",
        default: r#""""#,
        set: |config, given| {
            config.notify.webhook_secret = Hidden::new(given.text()?);
            Ok(())
        },
    },
    Key {
        name: "access_log.path",
        help: "The file of the access log, one JSON object a line and call; `-` for stdout; none when \
               it is empty.\nIt takes the place of the lines about denied calls in the ordinary log. \
               Rotate it by renaming it.",
        default: r#""""#,
        set: |config, given| {
            let path = given.text()?;
            config.wanted.access_log = (!path.is_empty()).then(|| PathBuf::from(path));
            Ok(())
        },
    },
    Key {
        name: "access_log.sample",
        help: "The share of calls answered with 2xx that get a line. All others always do, up to 1,000 a \
               second.",
        default: "1.0",
        set: |config, given| {
            config.wanted.logged = given.share()?;
            Ok(())
        },
    },
    Key {
        name: "traces.otlp_endpoint",
        help: "The collector that gets traces over OTLP (HTTP, protobuf), such as \
               http://127.0.0.1:4318;\nno traces are made when it is empty.",
        default: r#""""#,
        set: |config, given| {
            let endpoint = given.text()?;
            let is_address = endpoint.starts_with("http://") || endpoint.starts_with("https://");
            if !endpoint.is_empty() && !is_address {
                return Err(format!("is `{endpoint}`; write http://host:port"));
            }
            config.wanted.collector = (!endpoint.is_empty()).then(|| endpoint.to_owned());
            Ok(())
        },
    },
    Key {
        name: "traces.sample",
        help: "The share of calls that are kept of those that bring no trace. A caller's trace says \
               itself\nwhether it is kept.",
        default: "1.0",
        set: |config, given| {
            config.wanted.traced = given.share()?;
            Ok(())
        },
    },
];

fn address(given: Given<'_>) -> Result<SocketAddr, String> {
    let wanted = "write an address and a port, such as 127.0.0.1:8787 or [::1]:8787";
    given.parsed(wanted, |text| text.parse().ok())
}

fn file_or_none(given: Given<'_>) -> Result<Option<PathBuf>, String> {
    Ok(Some(given.text()?).filter(|text| !text.is_empty()).map(PathBuf::from))
}

fn address_or_none(given: Given<'_>) -> Result<Option<SocketAddr>, String> {
    if given.text()?.is_empty() { Ok(None) } else { address(given).map(Some) }
}
