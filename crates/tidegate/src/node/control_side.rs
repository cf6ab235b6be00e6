//! The control side of a node: its routes, the feed for gateways on other machines, the scheduler.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use hyper_util::service::TowerToHyperService;
use tidegate_api::dev::DevClock;
use tidegate_api::{Api, Bodies};
use tidegate_feed::{Admission, Feed, PeerFiles, Provider};
use tidegate_gateway::{Caller, Limits, Listener};
use tokio::net::TcpListener;

use super::delivery::{self, Deliveries};
use super::leaving::Leaving;
use super::metrics::OfControl;
use super::peers::WithPeer;
use super::{Core, Process, gateways, neighbours, scheduler};
use crate::clock::{Clock, wall};
use crate::feed::NodeFeed;
use crate::notify::Notify;

/// What a control side is made of.
pub struct ControlSide {
    /// The store and the use cases over it.
    pub core: Core,
    /// The time of decisions.
    pub clock: Arc<Clock>,
    /// What gateways on other machines are spoken to with; without TLS, on this machine only, if there
    /// is none.
    pub peers: Option<PeerFiles>,
    /// The file of the feed's token, if it is not in the data folder.
    pub feed_token_file: Option<PathBuf>,
    /// Where messages go.
    pub notify: Notify,
    /// A development server? Then its clock can be moved.
    pub dev: bool,
    /// How its listeners are served.
    pub limits: Limits,
}

impl ControlSide {
    /// Starts it, and tells what there is to measure. `own_gateway` names the gateway of this node, if it
    /// has one.
    pub fn start(
        self,
        process: &mut Process,
        control: Option<TcpListener>,
        feed: Option<TcpListener>,
        own_gateway: Option<String>,
        leaving: &Leaving,
    ) -> anyhow::Result<OfControl> {
        let limits = &self.limits;
        if let Some(listener) = control {
            let routes = TowerToHyperService::new(leaving.watched(self.router(own_gateway)?));
            let service = move |caller| WithPeer::new(routes.clone(), caller);
            process.serve(Listener::Control, listener, None, service, limits);
        }
        let mut figures = Arc::default();
        if let Some(listener) = feed {
            let tls = self.peers.as_ref().map(|files| files.acceptor(limits)).transpose();
            let tls = tls.context("the certificates of the feed")?;
            if let Some(acceptor) = tls.clone() {
                process.renew(acceptor)?;
            }
            let (control, clock) = (Arc::clone(&self.core.control), Arc::clone(&self.clock));
            let provider: Arc<dyn Provider> = Arc::new(NodeFeed::new(control, clock));
            let feed = Feed::new(provider, self.admission()?);
            figures = Arc::clone(feed.figures());
            let service = move |caller: Caller| feed.service(caller.usage);
            process.serve(Listener::Feed, listener, tls, service, limits);
        }
        let Self { core, clock, notify, .. } = self;
        let deliveries = Arc::new(Deliveries::default());
        let (webhook, counts) = (notify.webhook()?, Arc::clone(&deliveries));
        process.help(delivery::run(core.clone(), Arc::clone(&clock), webhook, counts));
        process.help(neighbours::beat(Arc::clone(&core.control)));
        process.help(neighbours::ring(Arc::clone(&core.control)));
        process.help(neighbours::hear(Arc::clone(&core.control)));
        process.help(gateways::tend(core.clone(), Arc::clone(&clock)));
        let control = Arc::clone(&core.control);
        process.help(scheduler::run(core, clock));
        Ok(OfControl { control, deliveries, feed: figures })
    }

    /// Whom the feed answers. A token that was named is asked for beside certificates, too.
    fn admission(&self) -> anyhow::Result<Admission> {
        let file = self.feed_token_file.as_deref();
        let token = self.core.data.feed_token(file).context("the feed's token")?;
        let by_certificate = self.peers.is_some() && file.is_none();
        Ok(if by_certificate { Admission::Certificate(token) } else { Admission::Token(token) })
    }

    fn router(&self, own_gateway: Option<String>) -> anyhow::Result<axum::Router> {
        let now = Arc::clone(&self.clock);
        let api = Api {
            control: Arc::clone(&self.core.control),
            clock: tidegate_api::Clock { now: Arc::new(move || now.now()), wall: Arc::new(wall) },
            operator_token: Some(self.core.data.operator_token()?),
            own_gateway,
            bodies: Bodies::default(),
        };
        let router = tidegate_api::router(api);
        if !self.dev {
            return Ok(router);
        }
        let clock: Arc<dyn DevClock> = Arc::clone(&self.clock) as _;
        Ok(router.merge(tidegate_api::dev::router(clock)))
    }
}
