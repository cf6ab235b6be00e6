//! Who a command acts as, and where: from flags, from the environment, or from the file a
//! development server leaves in its data folder.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde::{Deserialize, Serialize};
use tidegate_sign::Secret;

use crate::data::{DataDir, Server, read_json};
use crate::exit::misused;

/// Where a server is and who talks to it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Who and where")]
pub struct Who {
    /// The data folder of a server on this machine, which tells addresses and, in dev, keys.
    #[arg(
        long,
        global = true,
        env = "TIDEGATE_DATA_DIR",
        default_value = crate::data::for_commands(),
        value_name = "DIR"
    )]
    pub data_dir: PathBuf,

    /// The control address, such as http://127.0.0.1:8787.
    #[arg(long, global = true, env = "TIDEGATE_ENDPOINT", value_name = "URL")]
    pub endpoint: Option<String>,

    /// Act as this user of a development server, with the keys its data folder holds.
    #[arg(long = "as", global = true, env = "TIDEGATE_AS", value_name = "USER",
          conflicts_with_all = ["access_key", "secret_key"])]
    pub as_user: Option<String>,

    /// Your access key.
    #[arg(long, global = true, env = "TIDEGATE_ACCESS_KEY", value_name = "KEY")]
    pub access_key: Option<String>,

    /// Your secret key; better given in the environment than here.
    #[arg(
        long,
        global = true,
        env = "TIDEGATE_SECRET_KEY",
        hide_env_values = true,
        value_name = "KEY"
    )]
    pub secret_key: Option<String>,

    /// The project's id.
    #[arg(long, global = true, env = "TIDEGATE_PROJECT", value_name = "ID")]
    pub project: Option<String>,

    /// The workspace's id; not needed where you are in one only.
    #[arg(long, global = true, env = "TIDEGATE_WORKSPACE", value_name = "ID")]
    pub workspace: Option<String>,
}

/// What a development server leaves for those who try it.
#[derive(Default, Serialize, Deserialize)]
pub struct DevFile {
    /// Is the sample world complete?
    #[serde(default)]
    pub seeded: bool,
    /// Where the sample backend listens, on the loopback.
    #[serde(default)]
    pub backend_port: Option<u16>,
    /// The users and their keys.
    #[serde(default)]
    pub logins: Vec<Login>,
}

/// A user with his keys.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// His name.
    pub name: String,
    /// His project.
    pub project: String,
    /// The workspace he works in.
    #[serde(default)]
    pub workspace: Option<String>,
    /// His password, for a token.
    #[serde(default)]
    pub password: Option<String>,
    /// His access key.
    pub access_key: String,
    /// His secret key.
    pub secret_key: String,
}

impl DevFile {
    /// The file of a folder; an empty one when there is none.
    pub fn read(data: &DataDir) -> anyhow::Result<Self> {
        Ok(read_json(&data.dev())?.unwrap_or_default())
    }

    /// Keeps it.
    pub fn write(&self, data: &DataDir) -> anyhow::Result<()> {
        crate::durable::write(&data.dev(), &serde_json::to_vec_pretty(self)?)
    }

    /// Puts logins in, each in the place of the one before it.
    pub fn learn(&mut self, logins: Vec<Login>) {
        for login in logins {
            self.logins.retain(|l| (&l.name, &l.project) != (&login.name, &login.project));
            self.logins.push(login);
        }
    }
}

/// Everything a signed call to the control side needs.
pub struct Session {
    /// The control address, without a slash at its end.
    pub endpoint: String,
    /// The access key.
    pub access_key: String,
    /// The secret key.
    pub secret_key: Secret,
    /// The project's id.
    pub project: String,
    /// The workspace's id.
    pub workspace: Option<String>,
}

impl Who {
    /// The data folder.
    pub fn data(&self) -> DataDir {
        DataDir::at(&self.data_dir)
    }

    /// The control address.
    pub fn control(&self) -> anyhow::Result<String> {
        match &self.endpoint {
            Some(endpoint) => Ok(endpoint.trim_end_matches('/').to_owned()),
            None => local_control(&self.data_dir),
        }
    }

    /// A session as the user that was named, or else as `usual` where a development server is used.
    pub fn session(&self, usual: &str) -> anyhow::Result<Session> {
        match (&self.access_key, &self.secret_key) {
            (Some(access), Some(secret)) => {
                let project = self.project.clone().filter(|project| !project.is_empty());
                let Some(project) = project else {
                    misused!("name your project's id: --project ID or TIDEGATE_PROJECT");
                };
                Ok(Session {
                    endpoint: self.control()?,
                    access_key: access.clone(),
                    secret_key: Secret::new(secret.as_str()),
                    project,
                    workspace: self.workspace.clone(),
                })
            }
            (None, None) => self.session_of(&self.login(self.as_user.as_deref().unwrap_or(usual))?),
            _ => misused!("an access key and a secret key go together"),
        }
    }

    /// A session of a user of the data folder.
    pub fn session_of(&self, login: &Login) -> anyhow::Result<Session> {
        Ok(Session {
            endpoint: self.control()?,
            access_key: login.access_key.clone(),
            secret_key: Secret::new(login.secret_key.as_str()),
            project: self.project.clone().unwrap_or_else(|| login.project.clone()),
            workspace: self.workspace.clone().or_else(|| login.workspace.clone()),
        })
    }

    /// The users of the data folder.
    pub fn logins(&self) -> anyhow::Result<Vec<Login>> {
        let logins = DevFile::read(&self.data())?.logins;
        let of_project =
            |login: &Login| self.project.as_ref().is_none_or(|project| *project == login.project);
        Ok(logins.into_iter().filter(of_project).collect())
    }

    fn login(&self, name: &str) -> anyhow::Result<Login> {
        let logins = self.logins()?;
        let named: Vec<&Login> = logins.iter().filter(|login| login.name == name).collect();
        match named.as_slice() {
            [one] => Ok((*one).clone()),
            [] if logins.is_empty() => misused!(
                "nobody to act as: give --access-key and --secret-key (or TIDEGATE_ACCESS_KEY and \
                 TIDEGATE_SECRET_KEY), or start `tidegate dev` and name its folder with --data-dir"
            ),
            [] => {
                let known: Vec<&str> = logins.iter().map(|login| login.name.as_str()).collect();
                misused!(
                    "{} knows no user `{name}`; name one of {} with --as",
                    self.data().dev().display(),
                    known.join(", ")
                )
            }
            _ => misused!("several projects have a user `{name}`; name one with --project"),
        }
    }
}

/// The control address of a data folder's server on this machine.
pub fn local_control(data_dir: &Path) -> anyhow::Result<String> {
    let control = local_server(data_dir)?.control;
    control.context("that server is a gateway alone; name the control side with --endpoint URL")
}

/// The gateway address of a data folder's server on this machine.
pub fn local_gateway(data_dir: &Path) -> anyhow::Result<String> {
    let gateway = local_server(data_dir)?.gateway;
    gateway.context("that server has no gateway; name one with --gateway URL")
}

/// The server on this machine that works on a data folder.
fn local_server(data_dir: &Path) -> anyhow::Result<Server> {
    let data = DataDir::at(data_dir);
    data.server()?.with_context(|| {
        format!(
            "no server works on the data folder {}; start `tidegate dev`, or name the server with \
             --endpoint URL",
            data_dir.display()
        )
    })
}
