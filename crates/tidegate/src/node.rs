//! The composition: the parts of a node, in one process. This is the only place where parts are wired
//! together; it prints nothing.
//!
//! ```text
//! serve    control side and gateway, which follows it within the process
//! control  control side alone; gateways on other machines follow it by its feed
//! gateway  gateway alone; it has neither store nor vault, and follows a control side elsewhere
//! ```

mod certificate;
mod control_side;
mod core;
mod delivery;
mod descriptors;
mod gateway_side;
mod gateways;
mod leaving;
mod metrics;
mod neighbours;
mod peers;
mod ports;
mod process;
mod ready;
mod scheduler;
mod signals;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use tidegate_feed::{ControlTime, ControlUrl, PeerFiles, Remote, RemoteSource};
use tidegate_gateway::{Limits, Listener};

pub use self::control_side::ControlSide;
pub use self::core::Core;
pub use self::gateway_side::GatewayOptions;
use self::gateway_side::GatewaySide;
use self::leaving::Leaving;
use self::metrics::Metrics;
pub use self::ports::Ports;
use self::process::Process;
use crate::checks::Kept;
use crate::clock::{Clock, wall};
use crate::data::{DataDir, Hold, Server};
use crate::feed::{ControlSource, LocalSource};

/// What a node is.
#[expect(clippy::large_enum_variant, reason = "a process makes one")]
pub enum Role {
    /// Both sides.
    Both(ControlSide, GatewayOptions),
    /// The control side.
    Control(ControlSide),
    /// A gateway, in a folder of its own, that follows a control side elsewhere.
    Gateway(GatewayOptions, Remote, (DataDir, Hold)),
}

impl Role {
    fn data(&self) -> &DataDir {
        match self {
            Self::Both(control, _) | Self::Control(control) => &control.core.data,
            Self::Gateway(_, _, (data, _)) => data,
        }
    }

    /// No listener of this process, nor a feed that is followed on this machine, is a backend.
    fn closes_to_backends(&mut self, mut own: Vec<SocketAddr>) {
        let options = match self {
            Self::Both(_, options) => options,
            Self::Gateway(options, remote, _) => {
                own.extend(remote.nodes.iter().flat_map(ControlUrl::addresses));
                options
            }
            Self::Control(_) => return,
        };
        options.gate.backends.own = own.into_iter().collect();
    }

    /// The certificates it shows, by what they are for.
    fn certificates(&self) -> Kept {
        let of_gateway = |options: &GatewayOptions| {
            let files = options.gate.tls.as_ref();
            files.map(|files| ("gateway", files.certificate.clone()))
        };
        let of_feed = |files: &Option<PeerFiles>| {
            files.as_ref().map(|files| ("feed", files.own.certificate.clone()))
        };
        let (gateway, feed) = match self {
            Self::Both(control, options) => (of_gateway(options), of_feed(&control.peers)),
            Self::Control(control) => (None, of_feed(&control.peers)),
            Self::Gateway(options, remote, _) => (of_gateway(options), of_feed(&remote.files)),
        };
        gateway.into_iter().chain(feed).collect()
    }

    fn gateway_has_tls(&self) -> bool {
        match self {
            Self::Both(_, options) | Self::Gateway(options, _, _) => options.gate.tls.is_some(),
            Self::Control(_) => false,
        }
    }

    /// Bounds the connections of all listeners by what the system allows; gives the limits of listeners.
    fn limited(&mut self) -> Limits {
        match self {
            Self::Both(control, options) => {
                control.limits = descriptors::within(control.limits.clone());
                options.gate.limits.connections = control.limits.connections;
                options.gate.limits.connections_per_peer = control.limits.connections_per_peer;
                control.limits.clone()
            }
            Self::Control(control) => {
                control.limits = descriptors::within(control.limits.clone());
                control.limits.clone()
            }
            Self::Gateway(options, ..) => {
                options.gate.limits = descriptors::within(options.gate.limits.clone());
                options.gate.limits.clone()
            }
        }
    }

    fn is_dev(&self) -> bool {
        match self {
            Self::Both(control, _) | Self::Control(control) => control.dev,
            Self::Gateway(..) => false,
        }
    }
}

/// What the gateway of a node follows.
enum Followed {
    Own(Arc<LocalSource>),
    Remote(Arc<RemoteSource>),
}

/// A running node.
pub struct Node {
    data: DataDir,
    control: Option<Core>,
    gateway: Option<GatewaySide>,
    followed: Option<Followed>,
    process: Process,
    leaving: Leaving,
    /// How long it goes on answering after the order to stop, while it says that it is not ready.
    shutdown_delay: Duration,
    /// Where it listens.
    pub server: Server,
    /// Of a gateway's folder; a control side holds its own.
    _hold: Option<Hold>,
}

impl Node {
    /// Starts everything. Calls are answered from now on.
    pub fn start(
        mut role: Role,
        mut ports: Ports,
        shutdown_delay: Duration,
    ) -> anyhow::Result<Self> {
        let mut process = Process::new()?;
        let bound = ports.bound()?;
        role.closes_to_backends(bound.named().into_iter().filter_map(|(_, at)| at).collect());
        let limits = role.limited();
        let server = ports.server(role.gateway_has_tls(), role.is_dev())?;
        let (data, leaving) = (role.data().clone(), Leaving::default());
        let (control, feed, metrics) =
            (ports.control.take(), ports.feed.take(), ports.metrics.take());
        let told = || {
            // Before anything answers: who finds the server ready also finds where it is.
            data.tell_server(&server)
        };
        let certificates = role.certificates();
        let listeners = process.listeners.clone();
        let mut metrics_of = Metrics { certificates, listeners, ..Metrics::default() };
        let mut followed = None;
        let (core, gateway, hold) = match role {
            Role::Both(side, options) => {
                let clock = gate_clock(&side.clock);
                let gateway = GatewaySide::new(options, clock, data.gate_snapshot()?)?;
                let (core, id) = (side.core.clone(), data.gateway_id()?);
                let source = Arc::new(LocalSource {
                    control: ControlSource(Arc::clone(&core.control)),
                    id: id.clone(),
                    boot: crate::random::hex(&crate::random::bytes::<8>()?),
                    gate: gateway.gate.clone(),
                    clock: Arc::clone(&side.clock),
                    line: Arc::default(),
                });
                told()?;
                metrics_of.control =
                    Some(side.start(&mut process, control, feed, Some(id), &leaving)?);
                followed = Some(Followed::Own(Arc::clone(&source)));
                gateway.start(&mut process, ports, source)?;
                (Some(core), Some(gateway), None)
            }
            Role::Control(side) => {
                let core = side.core.clone();
                told()?;
                metrics_of.control =
                    Some(side.start(&mut process, control, feed, None, &leaving)?);
                (Some(core), None, None)
            }
            Role::Gateway(options, remote, (_, hold)) => {
                let time = Arc::new(ControlTime::new(Arc::new(wall)));
                let gateway = GatewaySide::new(options, time.clock(), data.gate_snapshot()?)?;
                let source = Arc::new(RemoteSource::new(remote, time));
                told()?;
                metrics_of.remote = Some(Arc::clone(&source));
                followed = Some(Followed::Remote(Arc::clone(&source)));
                gateway.start(&mut process, ports, source)?;
                (None, Some(gateway), Some(hold))
            }
        };
        if let Some(listener) = metrics {
            metrics_of.gate = gateway.as_ref().map(|side| side.gate.clone());
            let service = metrics_of.service();
            process.serve(Listener::Metrics, listener, None, move |_| service.clone(), &limits);
        }
        tracing::info!(
            control = bound.control.map(tracing::field::display),
            feed = bound.feed.map(tracing::field::display),
            gateway = bound.gateway.map(tracing::field::display),
            check = bound.check.map(tracing::field::display),
            ext_authz = bound.ext_authz.map(tracing::field::display),
            metrics = bound.metrics.map(tracing::field::display),
            "listening"
        );
        let control = core;
        Ok(Self {
            data,
            control,
            gateway,
            followed,
            process,
            leaving,
            shutdown_delay,
            server,
            _hold: hold,
        })
    }

    /// Waits until all its addresses answer that they are ready.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            ready = ready::all(&self.server) => ready,
            () = self.process.signals.next() => bail!("stopped before it was ready"),
        }
    }

    /// Runs until the process is told to stop, and ends in order: not ready any more, after a while no
    /// new calls, running ones to their end. A second signal ends it at once.
    pub async fn run(mut self) -> anyhow::Result<()> {
        if let Some(core) = &self.control {
            log_unreached(core).await;
        }
        let ended = self.process.told_to_stop().await;
        let gate = self.gateway.as_ref().map(|side| side.gate.clone());
        self.leaving.begin(gate.as_ref());
        if ended.is_ok() {
            self.process.linger(self.shutdown_delay).await;
        }
        // WebSockets have no end of their own that could be waited for.
        let first = async {
            if let Some(gate) = gate {
                gate.end_websockets().await;
            }
        };
        self.process.end(first).await;
        // Nothing is decided any more, and nobody asks.
        match self.followed {
            Some(Followed::Own(source)) => source.leave().await,
            Some(Followed::Remote(source)) => source.leave().await,
            None => {}
        }
        if let Some(core) = &self.control {
            scheduler::hand_over(core).await;
        }
        if let Some(gateway) = self.gateway {
            gateway.close().await;
        }
        if let Some(core) = &self.control {
            core.control.close().await;
        }
        self.data.forget_server();
        tracing::info!("stopped");
        ended
    }
}

fn gate_clock(clock: &Arc<Clock>) -> tidegate_gateway::Clock {
    let now = Arc::clone(clock);
    tidegate_gateway::Clock { now: Arc::new(move || now.now()), wall: Arc::new(wall) }
}

/// What is published and reached by no call is named at each start, for only the operator can help it.
async fn log_unreached(core: &Core) {
    let now = wall();
    match core.control.unreached(now).await {
        Ok(found) => {
            for unreached in found {
                tracing::warn!(
                    project = %unreached.project,
                    instance = %unreached.instance,
                    api = %unreached.api,
                    "no call reaches this instance: it names no hosts, and hosts that nobody names are another \
                     project's; name hosts for it in the world file"
                );
            }
        }
        Err(error) => {
            tracing::warn!(%error, "cannot tell whether every instance is reached by calls")
        }
    }
}
