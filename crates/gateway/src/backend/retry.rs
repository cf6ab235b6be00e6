//! Trying a call again that got no answer.

use http::{HeaderMap, Method, Request, Uri};
use http_body::Body;

use crate::body::{AnyBody, full};

/// A request that can be made again: it has no body, and does nothing but read.
#[derive(Clone)]
pub(super) struct Again {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Again {
    /// What is needed to make `request` again, if it may be.
    pub(super) fn of(request: &Request<AnyBody>) -> Option<Self> {
        let is_safe = request.method().is_safe() && request.body().is_end_stream();
        is_safe.then(|| Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
        })
    }

    /// The request.
    pub(super) fn request(&self) -> Request<AnyBody> {
        let mut request = Request::new(full(""));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_get_without_a_body_is_made_again() {
        let request = |method: Method, body: &'static str| {
            let mut request = Request::new(full(body));
            *request.method_mut() = method;
            Again::of(&request).is_some()
        };
        assert!(request(Method::GET, ""));
        assert!(!request(Method::GET, "x") && !request(Method::POST, ""));
    }
}
