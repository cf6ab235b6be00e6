//! On hyper as Tidegate serves it, with a message of one field.

use std::convert::Infallible;
use std::future::{Future, Ready, pending, ready};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use prost::Message;
use tidegate_gateway::Limits;
use tokio::net::TcpListener;
use tonic::Status;
use tonic::server::{Grpc, UnaryService};
use tonic_prost::ProstCodec;

/// The request, of which nothing is looked at.
#[derive(Clone, PartialEq, Message)]
struct CheckRequest {
    #[prost(bytes = "bytes", optional, tag = "1")]
    attributes: Option<Bytes>,
}

/// The answer: status 0, and nothing to add.
#[derive(Clone, PartialEq, Message)]
struct CheckResponse {
    #[prost(message, optional, tag = "1")]
    status: Option<RpcStatus>,
    #[prost(message, optional, tag = "3")]
    ok: Option<OkResponse>,
}

#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
}

#[derive(Clone, PartialEq, Message)]
struct OkResponse {}

#[derive(Clone)]
struct Authorizer;

impl Service<Request<Incoming>> for Authorizer {
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::<CheckResponse, CheckRequest>::default());
            Ok(grpc.unary(Check, request).await)
        })
    }
}

struct Check;

impl UnaryService<CheckRequest> for Check {
    type Response = CheckResponse;
    type Future = Ready<Result<tonic::Response<CheckResponse>, Status>>;

    fn call(&mut self, _: tonic::Request<CheckRequest>) -> Self::Future {
        let answer = CheckResponse { status: Some(RpcStatus { code: 0 }), ok: Some(OkResponse {}) };
        ready(Ok(tonic::Response::new(answer)))
    }
}

pub async fn serve(address: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    tidegate_gateway::serve(listener, |_| Authorizer, &Limits::default(), pending()).await;
    Ok(())
}
