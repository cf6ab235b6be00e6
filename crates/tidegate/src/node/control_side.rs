//! The control side of a node: its routes, the feed for gateways on other machines, the scheduler.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::Context;
use hyper_util::service::TowerToHyperService;
use tidegate_api::dev::DevClock;
use tidegate_api::{Api, LocalGate};
use tidegate_feed::{Feed, PeerFiles, Provider};
use tidegate_gateway::{Gate, Limits};
use tokio::net::TcpListener;

use super::{Core, Process, scheduler};
use crate::clock::{Clock, wall};
use crate::feed::NodeFeed;

/// What a control side is made of.
pub struct ControlSide {
    /// The store and the use cases over it.
    pub core: Core,
    /// The time of decisions.
    pub clock: Arc<Clock>,
    /// What gateways on other machines are spoken to with; in plain text, on this machine only, if there
    /// is none.
    pub peers: Option<PeerFiles>,
    /// A development server? Then its clock can be moved.
    pub dev: bool,
}

impl ControlSide {
    /// Starts it. `gate` is the gate of this node, if it has one.
    pub fn start(
        self,
        process: &mut Process,
        control: Option<TcpListener>,
        feed: Option<TcpListener>,
        gate: Option<&Gate>,
    ) -> anyhow::Result<()> {
        let limits = Limits::default();
        if let Some(listener) = control {
            let service = TowerToHyperService::new(self.router(gate)?);
            process.serve(listener, None, move |_| service.clone(), &limits);
        }
        if let Some(listener) = feed {
            let tls = self.peers.as_ref().map(|files| files.acceptor(&limits)).transpose();
            let tls = tls.context("the certificates of the feed")?;
            if let Some(acceptor) = tls.clone() {
                process.renew(acceptor)?;
            }
            let (control, clock) = (Arc::clone(&self.core.control), Arc::clone(&self.clock));
            let provider: Arc<dyn Provider> = Arc::new(NodeFeed::new(control, clock));
            let feed = Feed::of(provider);
            process.serve(listener, tls, move |_| feed.service(), &limits);
        }
        process.help(scheduler::run(self.core, self.clock));
        Ok(())
    }

    fn router(&self, gate: Option<&Gate>) -> anyhow::Result<axum::Router> {
        let now = Arc::clone(&self.clock);
        let own = |gate: &Gate| Arc::new(OwnGate(gate.clone())) as Arc<dyn LocalGate>;
        let api = Api {
            control: Arc::clone(&self.core.control),
            clock: tidegate_api::Clock { now: Arc::new(move || now.now()), wall: Arc::new(wall) },
            operator_token: Some(self.core.data.operator_token()?),
            gate: gate.map(own),
        };
        let router = tidegate_api::router(api);
        if !self.dev {
            return Ok(router);
        }
        let clock: Arc<dyn DevClock> = Arc::clone(&self.clock) as _;
        Ok(router.merge(tidegate_api::dev::router(clock)))
    }
}

/// The gate of this node, for answers that wait until a change is enforced.
struct OwnGate(Gate);

impl LocalGate for OwnGate {
    fn reached(&self, revision: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.0.reached(revision))
    }
}
