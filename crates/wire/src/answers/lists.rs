//! Lists. Each names its items differently.

use serde::Serialize;

use super::{
    ApiPublishDto, AppDto, ApproverRecord, InstanceDetailDto, InstanceForApiActionDto,
    InstanceOverviewDto,
};
use crate::paging::total;

macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident { $key:ident: $item:ty })+) => {$(
        $(#[$doc])*
        #[derive(Serialize)]
        pub struct $name {
            total: i32,
            $key: Vec<$item>,
        }

        impl $name {
            /// The items of one page of a list of `count` items.
            pub fn new(count: u64, items: Vec<$item>) -> Self {
                Self { total: total(count), $key: items }
            }
        }
    )+};
}

lists! {
    /// A page of apps.
    Apps { apps: AppDto }
    /// A page of instances.
    Instances { instances: InstanceDetailDto }
    /// A page of what an API is on the instances.
    PublishMessages { publish_messages: ApiPublishDto }
    /// A page of reviewers.
    Approvers { approvers: ApproverRecord }
}

/// A page of records: APIs, grants, applications, notices.
#[derive(Serialize)]
pub struct Records<T> {
    total: i32,
    records: Vec<T>,
}

impl<T> Records<T> {
    /// The items of one page of a list of `count` items.
    pub fn new(count: u64, records: Vec<T>) -> Self {
        Self { total: total(count), records }
    }
}

/// A page of APIs in a catalog or the market, which call them `apis`.
#[derive(Serialize)]
pub struct Apis<T> {
    total: i32,
    apis: Vec<T>,
}

impl<T> Apis<T> {
    /// The items of one page of a list of `count` items.
    pub fn new(count: u64, apis: Vec<T>) -> Self {
        Self { total: total(count), apis }
    }
}

/// A page of instances, in short.
#[derive(Serialize)]
pub struct InstanceOverviews {
    total: i32,
    scale_down: bool,
    scale_out: bool,
    instances: Vec<InstanceOverviewDto>,
}

impl InstanceOverviews {
    /// The items of one page of a list of `count` items. Instances do not scale through this call.
    pub fn new(count: u64, instances: Vec<InstanceOverviewDto>) -> Self {
        Self { total: total(count), scale_down: false, scale_out: false, instances }
    }
}

/// The instances on which an action is possible, or not; this list has no total.
#[derive(Serialize)]
pub struct InstancesForAction {
    instances: Vec<InstanceForApiActionDto>,
}

impl InstancesForAction {
    /// These instances.
    pub fn new(instances: Vec<InstanceForApiActionDto>) -> Self {
        Self { instances }
    }
}
