//! Envoy authorizers that let everything in. What Tidegate takes more is what its verdict costs.
//!
//! `tidegate-bench-authorizer 127.0.0.1:8790` is what somebody writes who has tonic: its server, and
//! the service and messages of Envoy as they are generated. With `--opaque` it is lighter than
//! anybody would write it: Tidegate's server, and a message that is not looked into.

mod opaque;

use std::error::Error;
use std::net::SocketAddr;

use envoy_types::ext_authz::v3::CheckResponseExt;
use envoy_types::ext_authz::v3::pb::{
    Authorization, AuthorizationServer, CheckRequest, CheckResponse,
};
use mimalloc::MiMalloc;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

/// The one Tidegate has.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

struct Authorizer;

#[tonic::async_trait]
impl Authorization for Authorizer {
    async fn check(&self, _: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        Ok(Response::new(CheckResponse::with_status(Status::ok(""))))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let is_opaque = args.first().is_some_and(|arg| arg == "--opaque");
    let address: SocketAddr = args.pop().ok_or("where?")?.parse()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        if is_opaque {
            return Ok(opaque::serve(address).await?);
        }
        let service = AuthorizationServer::new(Authorizer);
        Ok(Server::builder().add_service(service).serve(address).await?)
    })
}
