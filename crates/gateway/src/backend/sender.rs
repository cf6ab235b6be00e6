//! A connection to a backend by hyper.

use futures_util::future::Either;
use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};

use crate::body::AnyBody;
use crate::upstream::Endpoint;

/// A connection, as it takes a request.
pub(crate) enum Sender {
    Http1(http1::SendRequest<AnyBody>),
    Http2(http2::SendRequest<AnyBody>),
}

/// Why a request got no answer on a connection, and the request if it was not even begun.
type Unsent = TrySendError<Request<AnyBody>>;

impl Sender {
    pub(super) fn version(&self) -> Version {
        match self {
            Self::Http1(_) => Version::HTTP_11,
            Self::Http2(_) => Version::HTTP_2,
        }
    }

    /// Sends a request to the backend at the other end.
    pub(super) fn send(
        &mut self,
        mut request: Request<AnyBody>,
        to: &Endpoint,
    ) -> impl Future<Output = Result<Response<Incoming>, Unsent>> + use<> {
        to.address(&mut request, self.version());
        match self {
            Self::Http1(sender) => Either::Left(sender.try_send_request(request)),
            Self::Http2(sender) => Either::Right(sender.try_send_request(request)),
        }
    }
}
