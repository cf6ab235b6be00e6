//! Instances and reviewers.

use tidegate_domain::{Instance, InstanceId, Refusal, Task, UserId};
use tidegate_store::{Page, Paging};

use super::Query;
use super::apis::page_of;
use crate::caller::Caller;
use crate::error::Result;
use crate::{Control, Edition};

/// Which instances to list.
#[derive(Debug, Clone, Default)]
pub struct InstanceFilter {
    /// Whose name contains this.
    pub name: Option<String>,
    /// Whose creator's name contains this. Instances come from the world file, so none has a creator.
    pub creator: Option<String>,
}

/// An instance, and how many APIs answer on it.
#[derive(Debug, Clone)]
pub struct InstanceShown {
    /// The instance.
    pub instance: Instance,
    /// The APIs of the caller's workspace that are published on it.
    pub published_here: u32,
}

/// A member of a workspace's list of reviewers.
#[derive(Debug, Clone)]
pub struct Approver {
    /// The user's id.
    pub user: UserId,
    /// The user's name.
    pub name: String,
}

impl Control {
    /// The instances of the caller's project.
    pub async fn list_instances(
        &self,
        caller: &Caller,
        wanted: &InstanceFilter,
        paging: Paging,
    ) -> Result<Page<InstanceShown>> {
        let mut query = Query::begin(self, caller).await?;
        let part = wanted.name.as_deref().unwrap_or_default().to_lowercase();
        let edition = query.seat.edition.unwrap_or(Edition::Exclusive);
        let instances = query.view.instances(&query.seat.project).await?;
        let listed = instances
            .into_iter()
            .filter(|_| wanted.creator.is_none())
            .filter(|i| edition.knows(&i.id) && i.name.to_lowercase().contains(&part));
        let page = page_of(listed.collect(), paging);
        let mut items = Vec::with_capacity(page.items.len());
        for instance in page.items {
            items.push(query.shown_instance(instance).await?);
        }
        Ok(Page { total: page.total, items })
    }

    /// One instance of the caller's project.
    pub async fn show_instance(&self, caller: &Caller, id: &InstanceId) -> Result<InstanceShown> {
        let mut query = Query::begin(self, caller).await?;
        let unknown = Refusal::InstanceToShowUnknown;
        if query.seat.edition.is_some_and(|edition| !edition.knows(id)) {
            return Err(unknown.into());
        }
        let instance = query.view.instance(&query.seat.project, id).await?.ok_or(unknown)?;
        query.shown_instance(instance).await
    }

    /// The workspace's list of reviewers, by name; those whose name contains `name`.
    pub async fn list_approvers(
        &self,
        caller: &Caller,
        name: Option<String>,
        paging: Paging,
    ) -> Result<Page<Approver>> {
        let mut query = Query::begin(self, caller).await?;
        query.seat.must(Task::ListReviewers)?;
        let part = name.unwrap_or_default().to_lowercase();
        let mut approvers = Vec::new();
        for member in query.view.members(&query.seat.workspace).await? {
            if member.is_reviewer {
                let name = query.user_name(&member.user).await?;
                if name.to_lowercase().contains(&part) {
                    approvers.push(Approver { user: member.user, name });
                }
            }
        }
        approvers.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(page_of(approvers, paging))
    }
}

impl Query {
    async fn shown_instance(&mut self, instance: Instance) -> Result<InstanceShown> {
        let filter = tidegate_store::ApiFilter {
            workspace: Some(self.seat.workspace.clone()),
            published: Some(true),
            ..tidegate_store::ApiFilter::default()
        };
        let mut published_here = 0;
        for api in self.view.apis(&filter, Paging::ALL).await?.items {
            let publication = self.view.publication(&api.id, &instance.id).await?;
            published_here += u32::from(publication.is_some_and(|p| p.status.answers()));
        }
        Ok(InstanceShown { instance, published_here })
    }
}
