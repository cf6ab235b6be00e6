//! What callers may read. Each query sees one moment of the store, through the eyes of one caller.

mod apis;
mod apps;
mod enforcement;
mod grants;
mod inbox;
mod instances;
mod throttles;

use std::collections::HashMap;

use tidegate_domain::{InstanceId, ProjectId, UserId};
use tidegate_store::View;

pub use apis::{ApiActionOn, ApiShown, Cause, InstanceChoice, PublicationShown};
pub use enforcement::RightShown;
pub use grants::{BoundApi, GrantedApp};
pub use inbox::{ApplicationShown, Inbox, NoticeShown};
pub use instances::{Approver, InstanceFilter, InstanceShown};
pub use throttles::ThrottleShown;

use crate::access::{self, Seat};
use crate::caller::Caller;
use crate::control::Control;
use crate::error::Result;

/// One query: the view, who looks, and the names already looked up.
struct Query {
    view: Box<dyn View>,
    seat: Seat,
    users: HashMap<UserId, String>,
    instances: HashMap<(ProjectId, InstanceId), String>,
}

impl Query {
    async fn begin(control: &Control, caller: &Caller) -> Result<Self> {
        let mut view = control.view().await?;
        let seat = access::seat(&mut *view, caller, control.settings).await?;
        Ok(Self { view, seat, users: HashMap::new(), instances: HashMap::new() })
    }

    /// A user's name. People appear on the wire by name only.
    async fn user_name(&mut self, id: &UserId) -> Result<String> {
        if let Some(name) = self.users.get(id) {
            return Ok(name.clone());
        }
        let name = self.view.user(id).await?.map(|user| user.name).unwrap_or_default();
        self.users.insert(id.clone(), name.clone());
        Ok(name)
    }

    async fn instance_name(&mut self, project: &ProjectId, id: &InstanceId) -> Result<String> {
        let key = (project.clone(), id.clone());
        if let Some(name) = self.instances.get(&key) {
            return Ok(name.clone());
        }
        let instance = self.view.instance(project, id).await?;
        let name = instance.map(|instance| instance.name).unwrap_or_default();
        self.instances.insert(key, name.clone());
        Ok(name)
    }
}
