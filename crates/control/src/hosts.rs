//! Host spaces: which hosts lead calls to an instance, and so which APIs share their routes.
//!
//! An instance that names hosts has a space of its own. Those of a project that name none share one, and of
//! all projects one at a time is reached there, by calls to hosts nobody names: the default project. It is
//! that as long as it holds a route there.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::limits::HOSTS;
use tidegate_domain::{
    Api, ApiId, HostName, Instance, InstanceId, ProjectId, Publication, Refusal, Timestamp,
};
use tidegate_store::View;

use crate::access::Seat;
use crate::control::Control;
use crate::default_project;
use crate::error::{Result, WorldError};
use crate::publication_record;
use crate::turn::Turn;

/// Why an API cannot have its method and path on an instance; none if it can.
pub(crate) async fn route_refused(
    turn: &mut Turn<'_>,
    seat: &Seat,
    api: &Api,
    instance: &InstanceId,
) -> Result<Option<Refusal>> {
    let Some(instance) = turn.instance(&api.project, instance).await? else {
        return Ok(Some(Refusal::InstanceUnknown));
    };
    if !instance.names_hosts() && !default_project::may_be_default(turn, &api.project).await? {
        return Ok(Some(Refusal::HostsNeeded { instance: instance.id }));
    }
    let Some((rival, publication)) = rival(turn, api, &instance).await? else { return Ok(None) };
    // What the caller cannot see is not named to them.
    let by = if rival.workspace == seat.workspace {
        format!("the API {}", rival.name)
    } else {
        "an API of another workspace".to_owned()
    };
    Ok(Some(Refusal::RouteTaken { by, path: rival.path, instance: publication.instance }))
}

/// Something published that no call reaches: its instance names no hosts, and calls to hosts that nobody names
/// are another project's. Only a store from before instances had hosts has such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreached {
    /// The project.
    pub project: ProjectId,
    /// The instance.
    pub instance: InstanceId,
    /// One of the APIs.
    pub api: ApiId,
}

/// The instances whose APIs no call reaches, each with one of them.
pub async fn unreached(
    view: &mut dyn View,
    now: Timestamp,
) -> tidegate_store::Result<Vec<Unreached>> {
    let default = view.default_project().await?;
    let mut found = Vec::new();
    for project in view.projects().await? {
        if default.as_ref() == Some(&project.id) {
            continue;
        }
        for instance in view.instances(&project.id).await? {
            if instance.names_hosts() {
                continue;
            }
            let held = view.publication_holding_route(&project.id, &instance.id, now).await?;
            found.extend(held.map(|publication| Unreached {
                project: project.id.clone(),
                instance: instance.id,
                api: publication.api,
            }));
        }
    }
    Ok(found)
}

impl Control {
    /// The instances whose APIs no call reaches, each with one of them.
    pub async fn unreached(&self, now: Timestamp) -> Result<Vec<Unreached>> {
        let mut view = self.view().await?;
        Ok(unreached(&mut *view, now).await?)
    }
}

/// Another API that holds the route in the host space of the instance. What time has freed is recorded as
/// free, so that gateways hear of that with what takes its place.
async fn rival(
    turn: &mut Turn<'_>,
    api: &Api,
    instance: &Instance,
) -> Result<Option<(Api, Publication)>> {
    let (method, shape) = (api.method.as_str(), api.route_shape());
    let on_route = turn.publications_on_route(&api.project, method, &shape).await?;
    for publication in on_route.into_iter().filter(|publication| publication.api != api.id) {
        if !publication.status.holds_route() {
            continue;
        }
        if publication.instance != instance.id {
            let other = turn.instance(&api.project, &publication.instance).await?;
            let other_names_hosts = other.is_some_and(|other| other.names_hosts());
            if other_names_hosts || instance.names_hosts() {
                continue;
            }
        }
        let Some(rival) = turn.api(&publication.api).await? else { continue };
        let publication = publication_record::settled(turn, &rival, &publication.instance).await?;
        if publication.status.holds_route() {
            return Ok(Some((rival, publication)));
        }
    }
    Ok(None)
}

/// The hosts of an instance in their order, none of them twice.
pub(crate) fn in_order(
    instance: &InstanceId,
    hosts: &[HostName],
) -> Result<Vec<HostName>, WorldError> {
    let sorted: BTreeSet<&HostName> = hosts.iter().collect();
    if sorted.len() < hosts.len() {
        return Err(WorldError::Wrong(format!("the instance {instance} names a host twice")));
    }
    if sorted.len() > HOSTS {
        let what = format!("the instance {instance} names more than {HOSTS} hosts");
        return Err(WorldError::Wrong(what));
    }
    Ok(sorted.into_iter().cloned().collect())
}

/// An instance keeps naming hosts while it holds routes: without, its APIs would be put among others' routes.
pub(crate) async fn may_change(
    turn: &mut Turn<'_>,
    before: &Instance,
    after: &Instance,
) -> Result<(), WorldError> {
    if !before.names_hosts() || after.names_hosts() {
        return Ok(());
    }
    let now = turn.now;
    let holder = turn.publication_holding_route(&after.project, &after.id, now).await?;
    let Some(holder) = holder else { return Ok(()) };
    Err(WorldError::Wrong(format!(
        "the instance {} of the project {} cannot go without hosts while the API {} is published there; \
         take its APIs offline first, or name another host",
        after.id, after.project, holder.api
    )))
}

/// No two instances of the installation name one host.
pub(crate) async fn must_be_apart(turn: &mut Turn<'_>) -> Result<(), WorldError> {
    let instances = turn.instances_with_hosts().await?;
    let mut claims: BTreeMap<&HostName, &Instance> = BTreeMap::new();
    for instance in &instances {
        for host in &instance.hosts {
            let Some(other) = claims.insert(host, instance) else { continue };
            let what = |i: &Instance| format!("the instance {} of the project {}", i.id, i.project);
            return Err(WorldError::Wrong(format!(
                "the host {host} is named by {} and by {}; a host leads to one instance: take it out of \
                 the `hosts` of one of them",
                what(other),
                what(instance)
            )));
        }
    }
    Ok(())
}
