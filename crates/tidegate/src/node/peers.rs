//! The routes of the control side, as the calls of one connection are answered.

use std::sync::Arc;

use axum::Router;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tidegate_api::Peer;
use tidegate_gateway::Caller;

type Routes = TowerToHyperService<Router>;
type Request = http::Request<Incoming>;

/// Routes that know who is at the other end.
#[derive(Clone)]
pub struct WithPeer {
    routes: Routes,
    peer: Peer,
}

impl WithPeer {
    /// The routes for the calls of this connection.
    pub fn new(routes: Routes, caller: Caller) -> Self {
        let (address, usage) = (caller.address.ip(), caller.usage);
        let hold = Arc::new(move || Box::new(usage.hold()) as tidegate_api::Hold);
        Self { routes, peer: Peer { address, hold } }
    }
}

impl Service<Request> for WithPeer {
    type Response = <Routes as Service<Request>>::Response;
    type Error = <Routes as Service<Request>>::Error;
    type Future = <Routes as Service<Request>>::Future;

    fn call(&self, mut request: Request) -> Self::Future {
        request.extensions_mut().insert(self.peer.clone());
        self.routes.call(request)
    }
}
