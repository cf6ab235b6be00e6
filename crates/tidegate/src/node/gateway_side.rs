//! The gateway of a node: the gate, its listeners and threads, and what it follows.

use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::Context;
use tidegate_gateway::{
    Acceptor, Caller, Clock, Gate, GateConfig, Listener, Listeners, SnapshotFile, Source, Speaks,
    Terms, Workers,
};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Ports, Process};
use crate::call_reports::{Told, Wanted};

/// How a gateway is set up.
pub struct GatewayOptions {
    /// The gate.
    pub gate: GateConfig,
    /// How many threads answer the calls of apps.
    pub threads: NonZeroUsize,
    /// What is told of calls.
    pub wanted: Wanted,
}

/// A gateway.
pub struct GatewaySide {
    /// The gate.
    pub gate: Gate,
    threads: NonZeroUsize,
    told: Told,
}

impl GatewaySide {
    /// Sets it up; it denies everything until it follows.
    pub fn new(options: GatewayOptions, clock: Clock, kept: SnapshotFile) -> anyhow::Result<Self> {
        let GatewayOptions { gate, threads, wanted } = options;
        let (telling, told) = wanted.set_up()?;
        let config = GateConfig { telling, ..gate };
        let gate = Gate::new(config, clock).context("the gateway's settings")?;
        gate.keep_in(kept);
        Ok(Self { gate, threads, told })
    }

    /// Answers calls, and follows `source`.
    pub fn start(
        &self,
        process: &mut Process,
        ports: Ports,
        source: Arc<dyn Source>,
    ) -> anyhow::Result<()> {
        let gate = &self.gate;
        let tls = gate.tls();
        if let Some(acceptor) = tls.clone() {
            process.renew(acceptor)?;
        }
        let workers = Workers::start(self.threads).context("cannot start the threads")?;
        let calls = Calls {
            gate: gate.clone(),
            listeners: process.listeners.clone(),
            workers: Arc::new(workers),
            stopped: process.stopped(),
        };
        if let Some(listener) = ports.gateway {
            let of_gate = gate.clone();
            process.run(calls.clone().answer(Listener::Gateway, listener, tls, move || {
                let service = of_gate.service();
                move |caller| service.of(caller)
            }));
        }
        if let Some(listener) = ports.check {
            let service = gate.forward_auth();
            let service = move || {
                let service = service.clone();
                move |caller| service.of(caller)
            };
            process.run(calls.clone().answer(Listener::Check, listener, None, service));
        }
        if let Some(listener) = ports.ext_authz {
            let service = gate.ext_authz();
            let service = move || {
                let service = service.clone();
                move |caller| service.of(caller)
            };
            process.run(calls.answer(Listener::ExtAuthz, listener, None, service));
        }
        let followed = gate.clone();
        process.help(async move { followed.follow(source, std::future::pending()).await });
        Ok(())
    }

    /// Keeps what it knows, and what it has to tell.
    pub async fn close(self) {
        self.gate.save_snapshot().await;
        self.told.close().await;
    }
}

/// What the listeners of the gate have in common.
#[derive(Clone)]
struct Calls {
    gate: Gate,
    listeners: Listeners,
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
        let open = self.listeners.of(which).clone();
        let terms = Terms::new(self.gate.limits(), tls, open);
        if let Err(error) =
            self.workers.serve(listener, service, &terms, self.stopped.clone()).await
        {
            tracing::error!(%error, "a listener of the gate broke");
        }
    }
}
