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
mod gateway_side;
mod metrics;
mod ports;
mod process;
mod ready;
mod scheduler;
mod signals;
mod telling;

use std::sync::Arc;

use anyhow::bail;
use tidegate_feed::{ControlTime, Remote, RemoteSource};
use tidegate_gateway::Gate;

pub use self::control_side::ControlSide;
pub use self::core::Core;
pub use self::gateway_side::GatewayOptions;
use self::gateway_side::GatewaySide;
pub use self::ports::{Addresses, Ports};
use self::process::Process;
pub use self::telling::Wanted;
use crate::clock::{Clock, wall};
use crate::data::{DataDir, Hold, Server};
use crate::feed::LocalSource;

/// What a node is.
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

    fn gateway_has_tls(&self) -> bool {
        match self {
            Self::Both(_, options) | Self::Gateway(options, _, _) => options.gate.tls.is_some(),
            Self::Control(_) => false,
        }
    }

    fn is_dev(&self) -> bool {
        match self {
            Self::Both(control, _) | Self::Control(control) => control.dev,
            Self::Gateway(..) => false,
        }
    }
}

/// A running node.
pub struct Node {
    data: DataDir,
    gateway: Option<GatewaySide>,
    process: Process,
    /// Where it listens.
    pub server: Server,
    /// Of a gateway's folder; a control side holds its own.
    _hold: Option<Hold>,
}

impl Node {
    /// Starts everything. Calls are answered from now on.
    pub fn start(role: Role, mut ports: Ports) -> anyhow::Result<Self> {
        let mut process = Process::new()?;
        let server = ports.server(role.gateway_has_tls(), role.is_dev())?;
        let data = role.data().clone();
        let (control, feed) = (ports.control.take(), ports.feed.take());
        let told = || {
            // Before anything answers: who finds the server ready also finds where it is.
            data.tell_server(&server)
        };
        let (gateway, hold) = match role {
            Role::Both(side, options) => {
                let kept = data.gate_snapshot()?;
                let gateway = GatewaySide::new(options, gate_clock(&side.clock), kept)?;
                let source = Arc::new(LocalSource(Arc::clone(&side.core.control)));
                told()?;
                side.start(&mut process, control, feed, Some(&gateway.gate))?;
                gateway.start(&mut process, ports, source, None)?;
                (Some(gateway), None)
            }
            Role::Control(side) => {
                told()?;
                side.start(&mut process, control, feed, None)?;
                (None, None)
            }
            Role::Gateway(options, remote, (_, hold)) => {
                let time = Arc::new(ControlTime::new(Arc::new(wall)));
                let gateway = GatewaySide::new(options, time.clock(), data.gate_snapshot()?)?;
                let source = Arc::new(RemoteSource::new(remote, time));
                told()?;
                let followed = Arc::clone(&source);
                gateway.start(&mut process, ports, followed, Some(source))?;
                (Some(gateway), Some(hold))
            }
        };
        tracing::info!(
            control = server.control,
            feed = server.feed.map(tracing::field::display),
            gateway = server.gateway,
            check = server.check,
            ext_authz = server.ext_authz,
            metrics = server.metrics,
            "listening"
        );
        Ok(Self { data, gateway, process, server, _hold: hold })
    }

    /// Waits until all its addresses answer that they are ready.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            ready = ready::all(&self.server) => ready,
            () = self.process.signals.next() => bail!("stopped before it was ready"),
        }
    }

    /// Runs until the process is told to stop, and ends in order: no new calls, running ones to
    /// their end. A second signal ends it at once.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let ended = self.process.told_to_stop().await;
        let gate: Option<Gate> = self.gateway.as_ref().map(|side| side.gate.clone());
        // WebSockets have no end of their own that could be waited for.
        let first = async {
            if let Some(gate) = gate {
                gate.end_websockets().await;
            }
        };
        self.process.end(first).await;
        if let Some(gateway) = self.gateway {
            gateway.close().await;
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
