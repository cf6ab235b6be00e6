//! The composition: store, vault, use cases, routes, gate, scheduler and the listeners, in one
//! process. This is the only place where parts are wired together; it prints nothing.

mod certificate;
mod core;
mod metrics;
mod ready;
mod scheduler;
mod signals;
mod telling;

use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use hyper_util::service::TowerToHyperService;
use tidegate_api::dev::DevClock;
use tidegate_api::{Api, LocalGate};
use tidegate_gateway::{Acceptor, Caller, Gate, GateConfig, Listener, Speaks, Terms, Workers};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use self::core::Core;
use self::signals::Signals;
use self::telling::Told;
pub use self::telling::Wanted;
use crate::clock::{Clock, wall};
use crate::data::Server;
use crate::feed::LocalSource;

/// Where a node listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// The control side.
    pub control: SocketAddr,
    /// The gateway.
    pub gateway: SocketAddr,
    /// The check service over HTTP, if there is one.
    pub check: Option<SocketAddr>,
    /// The check service over gRPC, if there is one.
    pub ext_authz: Option<SocketAddr>,
    /// The metrics, if they are told.
    pub metrics: Option<SocketAddr>,
}

/// The listeners, bound.
pub struct Ports {
    control: TcpListener,
    gateway: TcpListener,
    check: Option<TcpListener>,
    ext_authz: Option<TcpListener>,
    metrics: Option<TcpListener>,
}

impl Ports {
    /// Takes all addresses.
    pub async fn bind(addresses: Addresses) -> anyhow::Result<Self> {
        Ok(Self {
            control: listen(addresses.control, "the control side").await?,
            gateway: listen(addresses.gateway, "the gateway").await?,
            check: listen_if(addresses.check, "the check service").await?,
            ext_authz: listen_if(addresses.ext_authz, "the check service for Envoy").await?,
            metrics: match addresses.metrics {
                Some(address) => Some(listen(address, "the metrics").await?),
                None => None,
            },
        })
    }
}

/// Takes an address, if there is one, whose caller is believed.
async fn listen_if(address: Option<SocketAddr>, who: &str) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = address else { return Ok(None) };
    if !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            "{who} is open to a network; it believes what it is told, so let only your proxy reach it"
        );
    }
    listen(address, who).await.map(Some)
}

/// Takes an address for `who`.
pub async fn listen(address: SocketAddr, who: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{who} cannot listen on {address}"))
}

/// How a node differs from the others.
pub struct Options {
    /// The gateway.
    pub gate: GateConfig,
    /// How many threads answer the calls of apps.
    pub threads: NonZeroUsize,
    /// What is told of calls.
    pub wanted: Wanted,
    /// A development server? Then its clock can be moved.
    pub dev: bool,
}

/// What the listeners of the gate have in common.
#[derive(Clone)]
struct Calls {
    gate: Gate,
    workers: Arc<Workers>,
    stopped: watch::Receiver<bool>,
}

impl Calls {
    async fn answer<S, F>(
        self,
        which: Listener,
        listener: TcpListener,
        tls: Option<Acceptor>,
        service: impl Fn() -> F,
    ) where
        S: Speaks,
        F: Fn(Caller) -> S + Send + 'static,
    {
        let open = self.gate.connections(which).clone();
        let terms = Terms::new(self.gate.limits(), tls, open);
        if let Err(error) =
            self.workers.serve(listener, service, &terms, self.stopped.clone()).await
        {
            tracing::error!(%error, "a listener of the gate broke");
        }
    }
}

/// A running node.
pub struct Node {
    core: Core,
    gate: Gate,
    /// Where it listens.
    pub server: Server,
    /// The end of these ends the node.
    servers: JoinSet<()>,
    /// These go on until the servers are done.
    helpers: JoinSet<()>,
    stop: watch::Sender<bool>,
    signals: Signals,
    told: Told,
}

impl Node {
    /// Starts everything. Calls are answered from now on.
    pub fn start(
        core: Core,
        clock: Arc<Clock>,
        ports: Ports,
        options: Options,
    ) -> anyhow::Result<Self> {
        let signals = Signals::listen()?;
        let scheme = if options.gate.tls.is_some() { "https:" } else { "http:" };
        let server = Server {
            control: address_of(&ports.control)?,
            gateway: address_of(&ports.gateway)?.replacen("http:", scheme, 1),
            check: ports.check.as_ref().map(address_of).transpose()?,
            ext_authz: ports.ext_authz.as_ref().map(address_of).transpose()?,
            metrics: ports.metrics.as_ref().map(address_of).transpose()?,
            dev: options.dev,
        };
        let drain = options.gate.limits.clone();
        let (telling, told) = options.wanted.set_up()?;
        let config = GateConfig { telling, ..options.gate };
        let gate = Gate::new(config, gate_clock(&clock)).context("the gateway's settings")?;
        gate.keep_in(core.data.gate_snapshot()?);
        let (stop, stopped) = watch::channel(false);
        // Before anything answers: who finds the server ready also finds where it is.
        core.data.tell_server(&server)?;

        let mut servers = JoinSet::new();
        let router = router(&core, &clock, &gate, options.dev)?;
        let (service, limits) = (TowerToHyperService::new(router), drain.clone());
        let until = until(stopped.clone());
        servers.spawn(async move {
            tidegate_gateway::serve(ports.control, each(service), &limits, until).await;
        });
        if let Some(listener) = ports.metrics {
            let service = TowerToHyperService::new(metrics::router(gate.clone()));
            let (limits, until) = (drain.clone(), self::until(stopped.clone()));
            servers.spawn(async move {
                tidegate_gateway::serve(listener, each(service), &limits, until).await;
            });
        }
        let mut helpers = JoinSet::new();
        let tls = gate.tls();
        if let Some(acceptor) = tls.clone() {
            helpers.spawn(certificate::watch(acceptor)?);
        }
        let workers = Workers::start(options.threads).context("cannot start the threads")?;
        let calls = Calls { gate: gate.clone(), workers: Arc::new(workers), stopped };
        let of_gate = gate.clone();
        servers.spawn(calls.clone().answer(Listener::Gateway, ports.gateway, tls, move || {
            let service = of_gate.service();
            move |caller| service.of(caller)
        }));
        if let Some(listener) = ports.check {
            let service = gate.forward_auth();
            let service = move || {
                let service = service.clone();
                move |caller| service.of(caller)
            };
            servers.spawn(calls.clone().answer(Listener::Check, listener, None, service));
        }
        if let Some(listener) = ports.ext_authz {
            let service = gate.ext_authz();
            let service = move || {
                let service = service.clone();
                move |caller| service.of(caller)
            };
            servers.spawn(calls.answer(Listener::ExtAuthz, listener, None, service));
        }

        let source = Arc::new(LocalSource(Arc::clone(&core.control)));
        let followed = gate.clone();
        let follow = async move { followed.follow(source, std::future::pending()).await };
        let schedule = scheduler::run(core.clone(), Arc::clone(&clock));
        helpers.spawn(follow);
        helpers.spawn(schedule);

        tracing::info!(
            control = server.control,
            gateway = server.gateway,
            check = server.check,
            ext_authz = server.ext_authz,
            metrics = server.metrics,
            "listening"
        );
        Ok(Self { core, gate, server, servers, helpers, stop, signals, told })
    }

    /// Waits until both addresses answer that they are ready.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            ready = ready::both(&self.server) => ready,
            () = self.signals.next() => bail!("stopped before it was ready"),
        }
    }

    /// Runs until the process is told to stop, and ends in order: no new calls, running ones to
    /// their end. A second signal ends it at once.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let ended = tokio::select! {
            () = self.signals.next() => Ok(()),
            _ = self.servers.join_next() => Err(anyhow!("a listener ended by itself")),
            _ = self.helpers.join_next() => Err(anyhow!("the follower or the scheduler ended by itself")),
        };
        tracing::info!("stopping");
        let _ = self.stop.send(true);
        tokio::select! {
            () = async {
                // They have no end of their own that could be waited for.
                self.gate.end_websockets().await;
                while self.servers.join_next().await.is_some() {}
            } => {}
            () = self.signals.next() => tracing::warn!("told to stop at once"),
        }
        self.helpers.shutdown().await;
        self.gate.save_snapshot().await;
        self.told.close().await;
        self.core.data.forget_server();
        tracing::info!("stopped");
        ended
    }
}

fn router(core: &Core, clock: &Arc<Clock>, gate: &Gate, dev: bool) -> anyhow::Result<axum::Router> {
    let now = Arc::clone(clock);
    let api = Api {
        control: Arc::clone(&core.control),
        clock: tidegate_api::Clock { now: Arc::new(move || now.now()), wall: Arc::new(wall) },
        operator_token: Some(core.data.operator_token()?),
        gate: Some(Arc::new(OwnGate(gate.clone()))),
    };
    let router = tidegate_api::router(api);
    if !dev {
        return Ok(router);
    }
    let clock: Arc<dyn DevClock> = Arc::clone(clock) as _;
    Ok(router.merge(tidegate_api::dev::router(clock)))
}

/// The gate of this node, for answers that wait until a change is enforced.
struct OwnGate(Gate);

impl LocalGate for OwnGate {
    fn reached(&self, revision: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.0.reached(revision))
    }
}

/// One service for all connections, whoever is at their other end.
fn each<S: Clone>(service: S) -> impl Fn(Caller) -> S {
    move |_| service.clone()
}

fn gate_clock(clock: &Arc<Clock>) -> tidegate_gateway::Clock {
    let now = Arc::clone(clock);
    tidegate_gateway::Clock { now: Arc::new(move || now.now()), wall: Arc::new(wall) }
}

/// Ends when the node is told to stop.
async fn until(mut stopped: watch::Receiver<bool>) {
    // The sender lives as long as the node.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// The address at which this machine reaches a listener.
fn address_of(listener: &TcpListener) -> anyhow::Result<String> {
    let mut address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(format!("http://{address}"))
}
