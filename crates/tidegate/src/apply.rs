//! `tidegate apply`: creates or updates what a world file names, and takes access from those it leaves out.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use http::Method;
use serde_json::Value;
use tidegate_control::{Control, Settings, Vault};
use tidegate_gateway::system_words;
use tidegate_sign::Secret;
use tidegate_store::MemStore;

use crate::client::{Client, Outgoing};
use crate::clock::wall;
use crate::control::{answered, encoded};
use crate::data::{DataDir, Hold};
use crate::database::Database;
use crate::exit::{Misused, misused};
use crate::faults::Faults;
use crate::login::local_control;
use crate::node::Core;
use crate::out::{cell, records, say, say_aside};
use crate::serve::ConfigArg;
use crate::world;

/// What to apply, and to which folder.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate apply -f world.yaml --dry-run    show what would change
  tidegate apply -f world.yaml              change it; a second time: no changes
  tidegate apply -f world.yaml --config tidegate.toml
  tidegate apply -f world.yaml --endpoint https://control.example --operator-token-file token

A world file:
  projects:
    - id: 0833a5737480d53b2f250010d01a7b88
      name: local-1                       # the region an SDK asks for
      domain: {id: acme, name: acme}
      users:
        - {name: rita, password: '...', access_key: RITAKEY, secret_key: '...'}
      instances:
        - {id: gate-1, name: gate-1}
      workspaces:
        - id: sales
          name: sales
          members:
            - {user: rita, role: developer, reviewer: true}

The file is the whole truth about who has access to the projects it names: a user that it leaves out
is disabled, with their tokens, and a member that it leaves out is removed. What they own stays.

Works on the data folder itself, or asks the server that runs on it, or the one at --endpoint.")]
pub struct Apply {
    /// The world file, in YAML or JSON.
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,

    /// Only show what would change.
    #[arg(long)]
    dry_run: bool,

    /// The configuration of the server, which says where its data folder and its database are.
    #[command(flatten)]
    config: ConfigArg,

    /// The data folder; without one here or in a configuration, ./data, if there is a store in it.
    #[arg(long, env = "TIDEGATE_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Where the store is: `sqlite`, in the data folder, or a postgres:// URL.
    #[arg(long, env = "TIDEGATE_DATABASE", hide_env_values = true, value_name = "URL")]
    database: Option<String>,

    /// The control address of a running server, such as http://127.0.0.1:8787.
    #[arg(long, env = "TIDEGATE_ENDPOINT", value_name = "URL")]
    endpoint: Option<String>,

    /// The file of the operator's token, for --endpoint; without it, the data folder's.
    #[arg(long, env = "TIDEGATE_OPERATOR_TOKEN_FILE", value_name = "FILE")]
    operator_token_file: Option<PathBuf>,
}

/// Where the store is.
struct Place {
    data: DataDir,
    database: Database,
    /// Was the folder named? Only then it is made.
    is_named: bool,
}

impl Apply {
    /// Applies it and prints the difference.
    pub async fn run(self) -> anyhow::Result<()> {
        // All of the file's faults show before anything is touched.
        let file = world::read(&self.file)?;
        let again = world::read(&self.file)?;
        let world = world::understood(&self.file, again)?;
        let place = self.place()?;
        let file = serde_json::to_value(file)?;
        let lines = match &self.endpoint {
            Some(endpoint) => self.through_server(&place.data, endpoint, &file).await?,
            None => self.on_this_machine(&place, &world, &file).await?,
        };
        if lines.is_empty() {
            say("no changes");
        }
        for line in lines {
            say(line);
        }
        Ok(())
    }

    /// The folder and the database: as given here, else by the configuration, else the usual ones.
    fn place(&self) -> anyhow::Result<Place> {
        let config = match self.config.is_given() {
            true => Some(self.config.load(None)?.config),
            false => None,
        };
        let named = self.data_dir.clone().or(config.as_ref().map(|c| c.data_dir.clone()));
        let database = match (&self.database, config) {
            (Some(text), _) => {
                Database::read(text).map_err(|fault| Faults(vec![format!("--database {fault}")]))?
            }
            (None, Some(config)) => config.database,
            (None, None) => Database::default(),
        };
        let is_named = named.is_some();
        let data = DataDir::at(&named.unwrap_or_else(|| PathBuf::from(crate::data::DEFAULT)));
        Ok(Place { data, database, is_named })
    }

    async fn on_this_machine(
        &self,
        place: &Place,
        world: &tidegate_control::World,
        file: &Value,
    ) -> anyhow::Result<Vec<String>> {
        let Place { data, database, is_named } = place;
        if !is_named && !data.has_store()? {
            misused!(
                "there is no store in {}, and none is made in a folder that was not named: give \
                 --data-dir DIR, --config FILE, or --endpoint URL of a running server",
                data.root().display()
            );
        }
        let is_new = *database == Database::Sqlite && !data.has_store()?;
        if is_new && self.dry_run {
            // What an empty store would say; none is made.
            let vault = Vault::new(&Vault::draw_key()?)?;
            let store = Arc::new(MemStore::new());
            let control = Control::new(store, vault, Settings::default());
            let changes = control.apply(world, true, wall()).await?;
            return Ok(changes.iter().map(|change| world::line(change, true)).collect());
        }
        let data = DataDir::create(data.root())?;
        if is_new {
            say_aside(format!("a new store is begun in {}", data.root().display()));
        }
        match data.hold()? {
            Some(hold) => self.directly(data, hold, database, world).await,
            None => {
                let control =
                    local_control(data.root()).context("another process works on this folder")?;
                self.through_server(&data, &control, file).await
            }
        }
    }

    async fn directly(
        &self,
        data: DataDir,
        hold: Hold,
        database: &Database,
        world: &tidegate_control::World,
    ) -> anyhow::Result<Vec<String>> {
        let core = Core::open_held(data, hold, database, Settings::default()).await?;
        let changes = core.control.apply(world, self.dry_run, wall()).await;
        core.control.close().await;
        Ok(changes?.iter().map(|change| world::line(change, self.dry_run)).collect())
    }

    fn operator_token(&self, data: &DataDir) -> anyhow::Result<Secret> {
        if let Some(file) = &self.operator_token_file {
            let token = std::fs::read_to_string(file).map_err(|error| {
                Misused(format!("{} cannot be read: {}", file.display(), system_words(&error)))
            })?;
            return Ok(Secret::new(token.trim()));
        }
        Ok(data.kept_operator_token()?.ok_or_else(|| {
            Misused(format!(
                "the data folder {} has no operator.token; give --operator-token-file FILE",
                data.root().display()
            ))
        })?)
    }

    async fn through_server(
        &self,
        data: &DataDir,
        endpoint: &str,
        file: &Value,
    ) -> anyhow::Result<Vec<String>> {
        let control = endpoint.trim_end_matches('/');
        let token = self.operator_token(data)?;
        let dry_run = encoded(if self.dry_run { "true" } else { "false" });
        let address = format!("{}/admin/world?dry_run={dry_run}", control);
        let request = Outgoing::new(Method::POST, address)
            .json(file)
            .header("authorization", &format!("Bearer {}", token.expose()))?;
        let client = Client::for_endpoint(control)?;
        let answer = answered(client.send(request).await?)?;
        let changes = records(&answer, "changes").iter();
        Ok(changes
            .map(|change| {
                let fate = cell(change, "fate");
                let done = match world::fate(&fate) {
                    Some(fate) if self.dry_run => fate.future(),
                    Some(fate) => fate.name(),
                    None => &fate,
                };
                format!("{done} {} {}", cell(change, "kind"), cell(change, "name"))
            })
            .collect())
    }
}
