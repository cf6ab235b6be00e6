//! One app's right to call one API, and which gateway enforces what was last said of it.

use tidegate_domain::{Key, Standing, Timestamp};

use super::Query;
use crate::access;
use crate::caller::Caller;
use crate::error::Result;
use crate::{Control, Enforcement, grants};

/// A right, as it is kept and as it is enforced.
#[derive(Debug, Clone)]
pub struct RightShown {
    /// The standing as of now.
    pub standing: Standing,
    /// The API's name.
    pub api_name: String,
    /// The app's name.
    pub app_name: String,
    /// The instance's name.
    pub instance_name: String,
    /// Who gave or last extended the grant.
    pub granted_by: String,
    /// Who enforces the last revision that changed any of it.
    pub enforcement: Enforcement,
}

impl Control {
    /// A right, for those who see it in one of the two lists.
    pub async fn show_right(
        &self,
        caller: &Caller,
        key: &Key,
        now: Timestamp,
    ) -> Result<RightShown> {
        let mut query = Query::begin(self, caller).await?;
        let (view, seat) = (&mut *query.view, &query.seat);
        let own = view.api(&key.api).await?.filter(|api| api.workspace == seat.workspace);
        let (api, record) = match own {
            Some(api) => {
                access::instance(view, seat, &api.project, &key.instance).await?;
                (api, access::app_for_reviewer(view, seat, key).await?)
            }
            None => {
                let record = access::open_app(view, seat, &key.app).await?;
                (grants::held_api(view, seat, key).await?, record)
            }
        };
        let standing = view.standing(key).await?.unwrap_or_else(|| Standing::new(key.clone()));
        let revision = view.revision_of(key).await?;
        let standing = standing.as_of(now);
        let instance_name = query.instance_name(&api.project, &key.instance).await?;
        let granted_by = match &standing.grant {
            Some(grant) => query.user_name(&grant.by).await?,
            None => String::new(),
        };
        drop(query);
        // After the view: a gateway that registers in between is told of all that is in it.
        self.look_at_gateways().await?;
        let enforcement = self.gateways.enforcement(Some(revision), now);
        let (api_name, app_name) = (api.name, record.app.name);
        Ok(RightShown { standing, api_name, app_name, instance_name, granted_by, enforcement })
    }
}
