//! Bodies of answers. Fields without a value are left out, which SDKs read as they read null.

mod api;
mod app;
mod gateways;
mod grants;
mod instances;
mod lists;
mod people;
mod records;
mod throttles;

pub use api::{ApiDetail, ApiNames, ApiOverview, ApiPublishDto, CreatedApi, InstanceHostDto};
pub use app::{AppDto, AppNames};
pub use gateways::{GatewayDto, GatewayRecord, Gateways, RightDto, RightNotice};
pub use grants::{AuthorizedAppRecord, BoundApiRecord, StaticParam};
pub use instances::{
    FlavorDto, InstanceDetailDto, InstanceFacts, InstanceForApiActionDto, InstanceNodeDto,
    InstanceOverviewDto,
};
pub use lists::{
    Apis, Approvers, Apps, InstanceOverviews, Instances, InstancesForAction, PublishMessages,
    Records,
};
pub use people::ApproverRecord;
pub use records::{ApplyRecord, Names};
pub use throttles::{BoundApiDto, ThrottleDto, Throttles};

#[cfg(test)]
mod tests;
