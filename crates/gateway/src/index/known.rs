//! APIs, apps, and APIs on an instance, as an index holds them.

use std::sync::Arc;

use tidegate_domain::admission::Held;
use tidegate_domain::publication::Status;
use tidegate_domain::{AppId, InstanceId, Timestamp};
use tidegate_sign::Target;
use tokio::sync::Semaphore;

use super::digest::Record;
use crate::feed::{FeedApi, FeedApp, FeedPublication};
use crate::held::Counter;
use crate::plan::Plan;
use crate::routes::Shape;
use crate::upstream;

/// An API as the gate uses it.
pub struct Api {
    /// What the feed told.
    pub feed: FeedApi,
    pub(crate) shape: Shape,
    /// How to call the backend, or what is wrong with its definition.
    pub(crate) plan: Result<Plan, String>,
    /// Who answers, or what is wrong with that.
    pub(crate) backends: Result<upstream::Set, String>,
    /// Room for calls of the backend.
    pub(crate) room: Arc<Semaphore>,
    /// How much of its calls' bodies is held.
    pub(crate) held: Counter,
}

impl Api {
    pub(super) fn new(feed: FeedApi, calls: usize) -> Self {
        let shape = Shape::read(&feed.path);
        let names: Vec<&str> = shape.placeholders.iter().map(|(_, name)| name.as_str()).collect();
        let plan = Plan::read(&feed.backend, &feed.path, &names);
        let backends = upstream::Set::read(&feed);
        if let (Err(fault), _) | (Ok(_), Err(fault)) =
            (plan.as_ref().map(|_| ()), backends.as_ref().map(|_| ()))
        {
            tracing::error!(api = %feed.id, fault, "the definition of a backend cannot work");
        }
        let (room, held) = (Arc::new(Semaphore::new(calls)), Counter::default());
        Self { plan, backends, shape, feed, room, held }
    }

    /// May its calls go straight to the backend? What is wrong with one is told on any way.
    pub(crate) fn goes_straight(&self) -> bool {
        self.backends.as_ref().map_or(true, upstream::Set::is_plain)
    }

    /// Does it let in this odd path? Only within values, for no name of a path is odd.
    pub(crate) fn lets_in_odd(&self, target: &Target) -> bool {
        let is_value = |index| self.shape.placeholders.iter().any(|(at, _)| *at == index);
        self.feed.rules.odd_paths && target.odd_segments().all(is_value)
    }

    /// Is it on the same routes as before?
    pub(super) fn is_routed_as(&self, before: &Self) -> bool {
        self.feed.method == before.feed.method
            && self.feed.project == before.feed.project
            && self.shape.pattern == before.shape.pattern
    }
}

/// An app as the gate uses it.
pub(crate) struct App {
    pub(crate) feed: FeedApp,
    pub(super) number: u64,
}

/// An API on an instance.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) api: Arc<Api>,
    pub(crate) instance: InstanceId,
    pub(crate) status: Status,
    /// When it was last published.
    pub(super) published_at: Option<Timestamp>,
    pub(super) number: u64,
}

impl Door {
    pub(super) fn publication(&self) -> FeedPublication {
        FeedPublication {
            api: self.api.feed.id.clone(),
            instance: self.instance.clone(),
            status: self.status,
            published_at: self.published_at,
        }
    }

    pub(super) fn standing<'a>(&'a self, app: &'a AppId, held: &'a Held) -> Record<'a> {
        Record::Standing(&self.api.feed.id, &self.instance, app, held)
    }
}
