//! What runs in a process, and the order it ends in.

use std::future::Future;
use std::time::Duration;

use anyhow::anyhow;
use tidegate_gateway::{
    Acceptor, Caller, Limits, Listener, Listeners, Speaks, Terms, serve_within,
};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::certificate;
use super::signals::Signals;

/// What runs.
pub struct Process {
    /// The end of one of these ends the process.
    servers: JoinSet<()>,
    /// These go on until the servers are done.
    helpers: JoinSet<()>,
    stop: watch::Sender<bool>,
    pub(super) signals: Signals,
    /// The connections of all listeners.
    pub(super) listeners: Listeners,
}

impl Process {
    /// Nothing runs yet; orders to stop are heard.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            servers: JoinSet::new(),
            helpers: JoinSet::new(),
            stop: watch::Sender::new(false),
            signals: Signals::listen()?,
            listeners: Listeners::default(),
        })
    }

    /// Turns true when the process is told to stop.
    pub fn stopped(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Serves a listener until then.
    pub fn serve<S: Speaks>(
        &mut self,
        which: Listener,
        listener: TcpListener,
        tls: Option<Acceptor>,
        service: impl Fn(Caller) -> S + Send + 'static,
        limits: &Limits,
    ) {
        let terms = Terms::new(limits, tls, self.listeners.of(which).clone());
        let mut stopped = self.stopped();
        self.servers.spawn(async move {
            // The sender lives as long as the process.
            let until = async { drop(stopped.wait_for(|stopped| *stopped).await) };
            serve_within(listener, service, &terms, until).await;
        });
    }

    /// Runs what serves, and ends when the process is told to stop.
    pub fn run(&mut self, server: impl Future<Output = ()> + Send + 'static) {
        self.servers.spawn(server);
    }

    /// Runs what helps those who serve.
    pub fn help(&mut self, helper: impl Future<Output = ()> + Send + 'static) {
        self.helpers.spawn(helper);
    }

    /// Keeps a certificate as new as its files.
    pub fn renew(&mut self, acceptor: Acceptor) -> anyhow::Result<()> {
        self.helpers.spawn(certificate::watch(acceptor)?);
        Ok(())
    }

    /// Waits for the order to stop, or for something that ends by itself.
    pub async fn told_to_stop(&mut self) -> anyhow::Result<()> {
        let ended = tokio::select! {
            () = self.signals.next() => Ok(()),
            _ = self.servers.join_next() => Err(anyhow!("a listener ended by itself")),
            Some(_) = self.helpers.join_next() => Err(anyhow!("a part of the node ended by itself")),
        };
        tracing::info!("stopping");
        ended
    }

    /// Goes on for so long, or until the next order to stop.
    pub async fn linger(&mut self, delay: Duration) {
        if !delay.is_zero() {
            tokio::select! {
                () = sleep(delay) => {}
                () = self.signals.next() => {}
            }
        }
    }

    /// Takes no new calls from now on; waits until `first` and all that serves have ended, or for a second order to stop; then ends the
    /// rest.
    pub async fn end(mut self, first: impl Future<Output = ()>) {
        let Self { servers, helpers, stop, signals, .. } = &mut self;
        let _ = stop.send(true);
        tokio::select! {
            () = async {
                first.await;
                while servers.join_next().await.is_some() {}
            } => {}
            () = signals.next() => tracing::warn!("told to stop at once"),
        }
        helpers.shutdown().await;
    }
}
