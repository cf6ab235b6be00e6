//! `tidegate serve`, `tidegate control`, `tidegate gateway` and `tidegate config`.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use tidegate_control::Settings;
use tidegate_feed::{ControlUrl, Me, Remote};

use crate::checks::{self, FEED_TOKEN_ADVICE, FEED_TOKEN_MISSING, FEED_TOKEN_OTHER, Level, Stop};
use crate::clock::Clock;
use crate::config::{self, Config, Kind, Loaded};
use crate::data::{DataDir, FolderKind};
use crate::exit::{Unfit, misused};
use crate::faults::Faults;
use crate::node::{ControlSide, Core, GatewayOptions, Node, Ports, Role};
use crate::out::{say, say_aside, say_json};
use crate::random;

/// Where the configuration is.
#[derive(Debug, Args)]
pub struct ConfigArg {
    /// The configuration file; without one, defaults and the environment count.
    #[arg(short, long, env = "TIDEGATE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// How to start both sides.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate config default > tidegate.toml
  tidegate serve --config tidegate.toml
  TIDEGATE_DATA_DIR=/var/lib/tidegate tidegate serve

Both addresses, and `check_addr` if there is one, answer GET /healthz and GET /readyz. SIGTERM ends
it in order. Gateways on other machines follow it if `feed_addr` is set.")]
pub struct Serve {
    #[command(flatten)]
    config: ConfigArg,
}

/// How to start the control side alone.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  TIDEGATE_FEED_ADDR=127.0.0.1:8792 tidegate control
  tidegate control --config tidegate.toml

It needs `feed_addr`, where gateways ask what is granted; beyond this machine, that needs certificates:
see `tidegate certs --help`.")]
pub struct ControlArgs {
    #[command(flatten)]
    config: ConfigArg,
}

/// How to start a gateway alone.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate gateway --control http://127.0.0.1:8792
  tidegate gateway --config gateway.toml --control https://control-1.example:8792

It keeps an id and a sealed snapshot in its data folder, and has neither store nor keys to secrets. It
denies every call until it has heard from the control side, and again when it has heard nothing for
the length of its lease. GET /readyz tells whether it decides, and if not, why.")]
pub struct GatewayArgs {
    #[command(flatten)]
    config: ConfigArg,

    /// Where a node of the control side has its feed, in place of `control_urls`; several, once each.
    #[arg(long, value_name = "URL")]
    control: Vec<String>,
}

/// About the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the default configuration, with every key explained.
    Default,
    /// Print the JSON schema of the configuration file, for editors and checkers.
    Schema,
    /// Check a configuration file and the environment, and tell all that is wrong at once.
    Check(CheckArgs),
}

/// What to check.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate config check --config tidegate.toml
  tidegate config check --role control --config control.toml

It changes nothing. It ends with 2 when the configuration is wrong, and with 3 when what is there does not
fit it: the data folder, the store, a port that is taken.")]
pub struct CheckArgs {
    #[command(flatten)]
    config: ConfigArg,

    /// Which server is to start with it; `gateway` if it names whom to follow, else `serve`.
    #[arg(long, value_enum, value_name = "ROLE")]
    role: Option<Kind>,
}

impl ConfigArg {
    /// Is there one?
    pub fn is_given(&self) -> bool {
        self.config.is_some()
    }

    /// Reads it, and the environment.
    pub fn load(&self, more: Option<(String, String)>) -> anyhow::Result<Loaded> {
        let environment = texts(std::env::vars_os()).into_iter().chain(more);
        Ok(Config::load(self.config.as_deref(), environment)?)
    }

    /// The configuration of a process of this kind, which logs from now on.
    fn start(&self, kind: Kind, more: Option<(String, String)>) -> anyhow::Result<Config> {
        let Loaded { config, warnings } = self.load(more)?;
        config.suits(kind)?;
        crate::log::init(&config.log.level, config.log.format)?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        Ok(config)
    }
}

impl Serve {
    /// Runs both sides until they are told to stop.
    pub async fn run(self) -> anyhow::Result<()> {
        let config = self.config.start(Kind::Both, None)?;
        let data = server_folder(&config, Kind::Both)?;
        let ports = Ports::bind(config.addresses(Kind::Both)).await?;
        let (control, delay) = (control_side(&config, data).await?, config.shutdown_delay);
        Node::start(Role::Both(control, gateway_options(config)), ports, delay)?.run().await
    }
}

impl ControlArgs {
    /// Runs the control side until it is told to stop.
    pub async fn run(self) -> anyhow::Result<()> {
        let config = self.config.start(Kind::Control, None)?;
        let data = server_folder(&config, Kind::Control)?;
        let ports = Ports::bind(config.addresses(Kind::Control)).await?;
        let control = control_side(&config, data).await?;
        Node::start(Role::Control(control), ports, config.shutdown_delay)?.run().await
    }
}

impl GatewayArgs {
    /// Runs a gateway until it is told to stop.
    pub async fn run(self) -> anyhow::Result<()> {
        if let Some(fault) =
            self.control.iter().find_map(|url| Some((url, ControlUrl::parse(url).err()?)))
        {
            misused!("--control is `{}`: {}", fault.0, fault.1);
        }
        let given = (!self.control.is_empty())
            .then(|| (format!("{}CONTROL_URLS", config::PREFIX), self.control.join(",")));
        let config = self.config.start(Kind::Gateway, given)?;
        let data = server_folder(&config, Kind::Gateway)?;
        let hold = data.hold_or_fail()?;
        let ports = Ports::bind(config.addresses(Kind::Gateway)).await?;
        let (remote, delay) = (remote(&config, &data)?, config.shutdown_delay);
        let role = Role::Gateway(gateway_options(config), remote, (data, hold));
        Node::start(role, ports, delay)?.run().await
    }
}

fn warn(text: &str) {
    say_aside(format!("warning: {text}"));
}

/// Asks what `doctor` asks of all that is configured. Warnings are printed, faults are the error.
async fn needs(config: &Config, kind: Kind) -> anyhow::Result<()> {
    config.suits(kind)?;
    let findings = checks::all(config, kind, &DataDir::at(&config.data_dir)).await;
    let (faults, others): (Vec<_>, Vec<_>) =
        findings.0.into_iter().partition(|finding| finding.level == Level::Fault);
    others.iter().filter(|other| other.level == Level::Warning).for_each(|it| warn(&it.line()));
    let of_settings = faults.iter().any(|fault| fault.stops == Some(Stop::Settings));
    for fault in faults.iter().filter(|fault| of_settings && fault.stops != Some(Stop::Settings)) {
        say_aside(format!("fault: {}", fault.line()));
    }
    checks::refusal(&faults)
}

/// Says what a server could be started with this configuration, and which one not.
fn say_what_starts(config: &Config, kind: Option<Kind>) {
    let asked = kind.unwrap_or_else(|| config.kind());
    say(format!("the configuration is fine for `{}`", asked.command()));
    for other in Kind::ALL.into_iter().filter(|other| kind.is_none() && *other != asked) {
        if let Err(Faults(faults)) = config.suits(other) {
            say(format!("not for `{}`: {}", other.command(), faults.join("; ")));
        }
    }
}

/// The data folder, made if there is none, once all is well that can be asked before; refused if it is a
/// development server's.
fn server_folder(config: &Config, kind: Kind) -> anyhow::Result<DataDir> {
    checks::open_all_files();
    checks::at_start(config, kind, &DataDir::at(&config.data_dir))?;
    let data = DataDir::create(&config.data_dir)?;
    data.claim(FolderKind::Real)?;
    Ok(data)
}

async fn control_side(config: &Config, data: DataDir) -> anyhow::Result<ControlSide> {
    let settings = Settings {
        admin_is_reviewer: config.admin_is_reviewer,
        secrets_in_lists: config.secrets_in_lists,
        quotas: config.quotas,
    };
    let core = Core::open(data, &config.database, settings).await?;
    feed_token(config, &core).await?;
    let clock = Arc::new(Clock::guarded(core.guard.clone()));
    let (peers, notify, limits) = (config.feed.files(), config.notify.clone(), config.limits());
    let feed_token_file = config.feed.token_file.clone();
    Ok(ControlSide { core, clock, peers, feed_token_file, notify, dev: false, limits })
}

/// Makes the feed's token if there is none, and makes sure that it is the one of all control nodes on this store.
async fn feed_token(config: &Config, core: &Core) -> anyhow::Result<()> {
    if !config.feed.wants_token() {
        return Ok(());
    }
    let file = config.feed.token_file.as_deref();
    let is_new = core.data.kept_feed_token(file)?.is_none();
    if is_new && core.control.knows_feed().await? {
        return Err(Unfit(vec![format!("{FEED_TOKEN_MISSING}: {FEED_TOKEN_ADVICE}")]).into());
    }
    let token = core.data.feed_token(file).context("the feed's token")?;
    if core.control.recognises_feed(&token.check()).await? {
        return Ok(());
    }
    Err(Unfit(vec![format!("{FEED_TOKEN_OTHER}: {FEED_TOKEN_ADVICE}")]).into())
}

fn gateway_options(config: Config) -> GatewayOptions {
    let (gate, threads) = (config.gate(), config.threads());
    GatewayOptions { gate, threads, wanted: config.wanted }
}

fn remote(config: &Config, data: &DataDir) -> anyhow::Result<Remote> {
    let id = data.gateway_id()?;
    let limits = config.limits();
    let name = &config.gateway.name;
    let me = Me {
        name: if name.is_empty() { id.clone() } else { name.clone() },
        id,
        boot: random::hex(&random::bytes::<8>()?),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        lease: limits.lease,
    };
    let (nodes, files) = (config.feed.control.clone(), config.feed.files());
    let file = config.feed.token_file.as_deref();
    let token = data.kept_feed_token(file).context("the feed's token")?;
    // A poll may take as long as two nodes need, one of which is silent.
    Ok(Remote { me, nodes, files, token, patience: limits.poll_timeout / 2 })
}

impl ConfigCommand {
    /// Carries it out.
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Default => say(config::default_text().trim_end()),
            Self::Schema => say_json(&config::schema()),
            Self::Check(check) => {
                let Loaded { config, warnings } = check.config.load(None)?;
                warnings.iter().for_each(|warning| warn(warning));
                needs(&config, check.role.unwrap_or_else(|| config.kind())).await?;
                say_what_starts(&config, check.role);
            }
        }
        Ok(())
    }
}

/// The variables that are text; others cannot be ours.
pub fn texts(
    vars: impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
) -> Vec<(String, String)> {
    vars.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
