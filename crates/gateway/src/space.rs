//! Host spaces: whose call a call is, by the host it is sent to.
//!
//! An instance that names hosts has a space of its own. All other instances of a project share one, which is
//! reached by calls to hosts that nobody names, if the project is the one that serves those. A call is in one
//! space before anything else is looked at, and what is in other spaces does not exist for it.

use std::collections::HashMap;

use http::HeaderMap;
use http::header::HOST;
use tidegate_domain::host::host_of;
use tidegate_domain::{HostName, InstanceId, ProjectId};

use crate::denial::{Denial, Reason};
use crate::feed::FeedInstance;

/// A host space.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Space {
    /// The one of an instance that names hosts.
    Named(ProjectId, InstanceId),
    /// The one of the instances of a project that name none.
    Unnamed(ProjectId),
}

impl Space {
    pub(crate) fn project(&self) -> &ProjectId {
        match self {
            Self::Named(project, _) | Self::Unnamed(project) => project,
        }
    }
}

/// Which space the calls to a host are in.
#[derive(Clone, Default)]
pub(crate) struct Spaces {
    /// What instances name.
    instances: HashMap<(ProjectId, InstanceId), Vec<HostName>>,
    /// None of a host that two instances name.
    hosts: HashMap<HostName, Option<Space>>,
    /// The space of all other hosts.
    default: Option<Space>,
}

impl Spaces {
    /// The space of calls to this host; none if there is no one to serve them. A call without a host is one
    /// to a host that nobody names.
    ///
    /// # Errors
    ///
    /// The host is none, or could be read in two ways.
    pub(crate) fn of(&self, host: Option<&str>) -> Result<Option<&Space>, Denial> {
        let name = host_of(host.unwrap_or_default()).map_err(|_| bad_host())?;
        Ok(match name.and_then(|name| self.hosts.get(&*name)) {
            Some(named) => named.as_ref(),
            None => self.default.as_ref(),
        })
    }

    /// The space of an instance.
    pub(crate) fn space_of(&self, project: &ProjectId, instance: &InstanceId) -> Space {
        let key = (project.clone(), instance.clone());
        if self.instances.contains_key(&key) {
            Space::Named(key.0, key.1)
        } else {
            Space::Unnamed(key.0)
        }
    }

    /// All instances that name hosts.
    pub(crate) fn instances(&self) -> impl Iterator<Item = FeedInstance> {
        self.instances.iter().map(|((project, id), hosts)| FeedInstance {
            project: project.clone(),
            id: id.clone(),
            hosts: hosts.clone(),
        })
    }

    /// The project that serves the hosts nobody names.
    pub(crate) fn default_project(&self) -> Option<&ProjectId> {
        self.default.as_ref().map(Space::project)
    }

    /// Takes what an instance names now, and gives what it named before. [`Spaces::index`] comes after.
    pub(crate) fn put(&mut self, instance: FeedInstance) -> Vec<HostName> {
        let FeedInstance { project, id, hosts } = instance;
        let before = if hosts.is_empty() {
            self.instances.remove(&(project, id))
        } else {
            self.instances.insert((project, id), hosts)
        };
        before.unwrap_or_default()
    }

    /// Makes hosts be found as instances name them. Of two that name one host, which no control side lets
    /// be, none gets its calls.
    pub(crate) fn index(&mut self) {
        self.hosts.clear();
        for ((project, id), named) in &self.instances {
            for host in named {
                let space = Some(Space::Named(project.clone(), id.clone()));
                let entry = self.hosts.entry(host.clone()).or_insert_with(|| space.clone());
                if *entry != space {
                    tracing::error!(%host, "two instances name a host; calls to it are denied");
                    *entry = None;
                }
            }
        }
    }

    /// Takes which project serves the hosts nobody names.
    pub(crate) fn set_default(&mut self, project: ProjectId) {
        self.default = Some(Space::Unnamed(project));
    }
}

/// The host of a call: the one that came apart from the headers, else the header's.
///
/// # Errors
///
/// The header is no text.
pub(crate) fn host<'a>(
    apart: Option<&'a str>,
    headers: &'a HeaderMap,
) -> Result<Option<&'a str>, Denial> {
    match (apart, headers.get(HOST)) {
        (Some(host), _) => Ok(Some(host)),
        (None, Some(host)) => host.to_str().map(Some).map_err(|_| bad_host()),
        (None, None) => Ok(None),
    }
}

/// The denial of a host that could be read in two ways.
pub(crate) fn bad_host() -> Denial {
    Denial::new(Reason::BadRequest, "The header `Host` is no host with or without a port.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(project: &str, id: &str, hosts: &[&str]) -> FeedInstance {
        FeedInstance {
            project: ProjectId::parse(project).unwrap(),
            id: InstanceId::parse(id).unwrap(),
            hosts: hosts.iter().map(|host| HostName::parse(host).unwrap()).collect(),
        }
    }

    fn set(spaces: &mut Spaces, instances: Vec<FeedInstance>) {
        for instance in instances {
            spaces.put(instance);
        }
        spaces.index();
    }

    fn of(spaces: &Spaces, host: &str) -> String {
        match spaces.of(Some(host)).unwrap() {
            Some(Space::Named(project, id)) => format!("{project}/{id}"),
            Some(Space::Unnamed(project)) => format!("{project}"),
            None => "nobody".to_owned(),
        }
    }

    #[test]
    fn a_call_is_in_the_space_of_its_host() {
        let mut spaces = Spaces::default();
        assert_eq!(of(&spaces, "a.example"), "nobody");
        set(&mut spaces, vec![instance("p", "i", &["a.example", "b.example"])]);
        set(&mut spaces, vec![instance("q", "i", &["c.example"])]);
        for (host, space) in [
            ("a.example", "p/i"),
            ("B.Example.:8080", "p/i"),
            ("c.example:1", "q/i"),
            ("d.example", "nobody"),
            ("", "nobody"),
        ] {
            assert_eq!(of(&spaces, host), space, "{host}");
        }
        spaces.set_default(ProjectId::parse("r").unwrap());
        assert_eq!(
            (of(&spaces, "d.example"), of(&spaces, "a.example")),
            ("r".into(), "p/i".into())
        );
        set(&mut spaces, vec![instance("p", "i", &["b.example"])]);
        assert_eq!(
            (of(&spaces, "a.example"), of(&spaces, "b.example")),
            ("r".into(), "p/i".into())
        );
        set(&mut spaces, vec![instance("p", "i", &[])]);
        assert_eq!(
            (of(&spaces, "b.example"), of(&spaces, "c.example")),
            ("r".into(), "q/i".into())
        );
        for bad in ["a b", "u@a.example", "a%2eexample"] {
            assert_eq!(spaces.of(Some(bad)).unwrap_err().reason, Reason::BadRequest);
        }
    }

    #[test]
    fn a_host_that_two_name_is_nobodys_until_one_gives_it_up() {
        let mut spaces = Spaces::default();
        spaces.set_default(ProjectId::parse("r").unwrap());
        set(
            &mut spaces,
            vec![instance("p", "i", &["a.example"]), instance("q", "i", &["a.example"])],
        );
        assert_eq!(of(&spaces, "a.example"), "nobody");
        set(&mut spaces, vec![instance("q", "i", &[])]);
        assert_eq!(of(&spaces, "a.example"), "p/i");
    }
}
