//! `tidegate dev`: one command, one process, everything to try: a store in a data folder, a small
//! world, a backend to call, and a clock that can be moved.

mod backend;
mod greeting;
mod seed;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tidegate_control::{Settings, World};
use tidegate_gateway::{BackendConfig, GateConfig, Limits, Networks};

use crate::addresses::Addresses;
use crate::call_reports::Wanted;
use crate::clock::Clock;
use crate::data::{DEV_DEFAULT, DataDir, FolderKind};
use crate::database::Database;
use crate::log::LogFormat;
use crate::login::{DevFile, Login};
use crate::node::{ControlSide, Core, GatewayOptions, Node, Ports, Role};
use crate::notify::Notify;
use crate::out::say;
use crate::world;

/// How to start.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate dev                          a sample world in ./dev-data, and lines to paste
  tidegate dev --data-dir /tmp/try      the same somewhere else
  tidegate dev --world world.yaml       your own projects, users and workspaces

Prints `ready` on a line of its own when both addresses answer. Start it again with the same folder
and everything is as it was, the moved clock included. Not for production: its clock can be moved by
anybody, and the keys of its users lie in DIR/dev.json.")]
pub struct Dev {
    /// The data folder.
    #[arg(long, env = "TIDEGATE_DATA_DIR", default_value = DEV_DEFAULT, value_name = "DIR")]
    data_dir: PathBuf,

    /// A world file to start with in place of the sample world.
    #[arg(long, value_name = "FILE")]
    world: Option<PathBuf>,

    /// Where the control side listens.
    #[arg(long, default_value = "127.0.0.1:8787", value_name = "HOST:PORT")]
    control_addr: SocketAddr,

    /// Where the gateway listens.
    #[arg(long, default_value = "127.0.0.1:8788", value_name = "HOST:PORT")]
    gateway_addr: SocketAddr,

    /// Where another proxy asks over HTTP whether a call may go on; nowhere unless given.
    #[arg(long, value_name = "HOST:PORT")]
    check_addr: Option<SocketAddr>,

    /// Where Envoy asks over gRPC whether a call may go on; nowhere unless given.
    #[arg(long, value_name = "HOST:PORT")]
    ext_authz_addr: Option<SocketAddr>,

    /// Where Prometheus finds the gateway's metrics, at /metrics; nowhere unless given.
    #[arg(long, value_name = "HOST:PORT")]
    metrics_addr: Option<SocketAddr>,

    /// The file of the access log, a JSON object a call; `-` for stdout; none unless given.
    #[arg(long, value_name = "FILE")]
    access_log: Option<PathBuf>,

    /// The collector that gets traces over OTLP, such as http://127.0.0.1:4318; none unless given.
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<String>,

    /// What is logged to stderr: a level such as info, or a filter.
    #[arg(long, default_value = "warn,tidegate::node=info", value_name = "FILTER")]
    log: String,
}

impl Dev {
    /// Runs until it is told to stop.
    pub async fn run(self) -> anyhow::Result<()> {
        crate::log::init(&self.log, LogFormat::Text)?;
        // A fault in the file shows before a folder is made.
        let given = self.world.as_deref().map(given).transpose()?;
        for address in [self.control_addr, self.gateway_addr] {
            if !address.ip().is_loopback() {
                tracing::warn!(%address, "open to a network; a development server is not made for that");
            }
        }
        let data = DataDir::create(&self.data_dir)?;
        data.claim(FolderKind::Dev)?;
        let core = Core::open(data, &Database::Sqlite, Settings::default()).await?;
        let ports = Ports::bind(Addresses {
            control: Some(self.control_addr),
            feed: None,
            gateway: Some(self.gateway_addr),
            check: self.check_addr,
            ext_authz: self.ext_authz_addr,
            metrics: self.metrics_addr,
        })
        .await?;
        let clock = Arc::new(Clock::movable(core.data.clock())?);
        let is_sample = given.is_none();
        match given {
            Some((world, logins)) => furnish(&core, &clock, &world, logins).await?,
            None => seed::plant(&core, &clock).await?,
        }
        // The sample's backend, and those of whoever tries it out, are on this machine.
        let backends =
            BackendConfig { networks: Networks::with_loopback(), ..BackendConfig::default() };
        let gate = GateConfig { backends, ..GateConfig::default() };
        let threads = crate::config::Config::default().threads();
        let wanted = Wanted {
            access_log: self.access_log,
            collector: self.otlp_endpoint,
            ..Wanted::default()
        };
        let control = ControlSide {
            core,
            clock,
            peers: None,
            feed_token_file: None,
            notify: Notify::default(),
            dev: true,
            limits: Limits::default(),
        };
        let gateway = GatewayOptions { gate, threads, wanted };
        let mut node = Node::start(Role::Both(control, gateway), ports, Duration::ZERO)?;
        node.ready().await?;
        if is_sample {
            say(greeting::text(&node.server, &self.data_dir));
        }
        say("ready");
        node.run().await
    }
}

/// The world of a file, and the keys in it.
fn given(path: &Path) -> anyhow::Result<(World, Vec<Login>)> {
    let world = world::understood(path, world::read(path)?)?;
    let logins = logins(&world);
    Ok((world, logins))
}

/// Puts a world into the folder, and the keys of its users into `dev.json`.
async fn furnish(
    core: &Core,
    clock: &Clock,
    world: &World,
    logins: Vec<Login>,
) -> anyhow::Result<()> {
    core.control.apply(world, false, clock.now()).await?;
    let mut file = DevFile::read(&core.data)?;
    file.learn(logins);
    file.write(&core.data)
}

/// Everybody in the world who can sign, with the first workspace he is in.
fn logins(world: &World) -> Vec<Login> {
    let mut logins = Vec::new();
    for project in &world.projects {
        for user in &project.users {
            let (Some(access), Some(secret)) = (&user.access_key, &user.secret_key) else {
                continue;
            };
            let home = project
                .workspaces
                .iter()
                .find(|workspace| workspace.members.iter().any(|m| m.user == user.name));
            logins.push(Login {
                name: user.name.clone(),
                project: project.id.to_string(),
                workspace: home.map(|workspace| workspace.id.to_string()),
                password: user.password.as_ref().map(|password| password.expose().to_owned()),
                access_key: access.clone(),
                secret_key: secret.expose().to_owned(),
            });
        }
    }
    logins
}
