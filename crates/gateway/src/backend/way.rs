//! A call on its way to a backend, and the ways there are.

use std::time::Duration;

use tokio::time::Instant;

use super::failure::Failure;
use crate::upstream::{Choice, Endpoint, Flight, Set};

/// A call on its way to one of the backends of an API.
pub(crate) struct Call<'s> {
    pub(super) to: &'s Set,
    /// Where it is being tried.
    pub(super) at: Option<Choice<'s>>,
    /// Is nothing of it still to come from the caller? Else he could make a backend look bad.
    pub(super) is_whole: bool,
    /// How often it may be tried again.
    pub(super) tries: u8,
    /// When the head of the answer must be there.
    pub(crate) head: Instant,
    /// When the answer must have ended.
    pub(crate) until: Option<Instant>,
}

impl Call<'_> {
    /// May it be tried once more?
    pub(super) fn may_go_again(&mut self) -> bool {
        let may = self.tries > 0 && self.to.budget.take();
        self.tries -= u8::from(may);
        may
    }

    /// What counts it as under way, until that is dropped.
    pub(crate) fn flight(self) -> Option<Flight> {
        self.at.and_then(|at| at.flight)
    }
}

/// A way to send a request.
pub(crate) trait Way: Send {
    /// The head of an answer, and what is needed to go on with it.
    type Answer: Send;

    /// Sends the request to a backend, on a connection that is there if one is.
    fn exchange(
        &mut self,
        to: &Endpoint,
        now: Instant,
        connect: Duration,
    ) -> impl Future<Output = Result<Self::Answer, Failure>> + Send;

    /// Makes it ready to be sent once more.
    fn again(&mut self);
}
