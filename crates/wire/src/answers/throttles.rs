//! Throttling policies.

use serde::Serialize;
use tidegate_domain::{Api, Throttle};

use crate::requests::ThrottleBody;

/// A throttling policy, with its name in front of what it allows.
#[derive(Debug, Clone, Serialize)]
pub struct ThrottleDto {
    /// Its name.
    pub name: String,
    /// What it allows.
    #[serde(flatten)]
    pub quota: ThrottleBody,
    /// The APIs bound to it.
    pub apis: Vec<BoundApiDto>,
}

/// An API that is bound to a throttling policy.
#[derive(Debug, Clone, Serialize)]
pub struct BoundApiDto {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl ThrottleDto {
    /// The policy and the APIs bound to it.
    pub fn of(throttle: &Throttle, apis: &[Api]) -> Self {
        let bound = |api: &Api| BoundApiDto { id: api.id.to_string(), name: api.name.clone() };
        Self {
            name: throttle.name.to_string(),
            quota: ThrottleBody::of(&throttle.quota),
            apis: apis.iter().map(bound).collect(),
        }
    }
}

/// A list of throttling policies.
#[derive(Debug, Clone, Serialize)]
pub struct Throttles {
    total: u64,
    throttles: Vec<ThrottleDto>,
}

impl Throttles {
    /// A page of the list.
    pub fn new(total: u64, throttles: Vec<ThrottleDto>) -> Self {
        Self { total, throttles }
    }
}
