//! Trying a call again that got no answer.

use std::sync::atomic::{AtomicU32, Ordering};

use http::{HeaderMap, Method, Request, Uri};
use http_body::Body;

use crate::body::{AnyBody, full};

/// A retry takes so much from the budget, in tenths of a call.
const PRICE: u32 = 10;
/// So much is in it at most.
const MOST: u32 = 10 * PRICE;

/// How many calls may be tried again: one in ten, and ten at once. So an outage is not made worse by
/// a wave of second tries.
#[derive(Debug)]
pub(super) struct Budget(AtomicU32);

impl Budget {
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(MOST))
    }

    /// A call pays in.
    pub(super) fn pay(&self) {
        let more = |left: u32| (left < MOST).then(|| left + 1);
        // An error says that it is full.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// Takes what a retry costs, if it is there.
    pub(super) fn take(&self) -> bool {
        let less = |left: u32| left.checked_sub(PRICE);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

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
    fn one_call_in_ten_is_tried_again_and_ten_at_once() {
        let budget = Budget::new();
        let took = |calls: u32| {
            (0..calls)
                .filter(|_| {
                    budget.pay();
                    budget.take()
                })
                .count()
        };
        assert_eq!(took(10), 10);
        assert!((90..=102).contains(&took(1_000)));
        for _ in 0..10_000 {
            budget.pay();
        }
        assert_eq!((0..100).filter(|_| budget.take()).count(), 10);
    }

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
