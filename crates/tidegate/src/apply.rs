//! `tidegate apply`: creates or updates what a world file names, and touches nothing else.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use http::Method;
use serde_json::Value;
use tidegate_control::Settings;

use crate::client::{Client, Outgoing};
use crate::clock::wall;
use crate::control::{answered, encoded};
use crate::data::{DataDir, Hold};
use crate::database::{Database, DatabaseArg};
use crate::login::local_control;
use crate::node::Core;
use crate::out::{cell, records, say};
use crate::world;

/// What to apply, and to which folder.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate apply -f world.yaml --dry-run    show what would change
  tidegate apply -f world.yaml              change it; a second time: no changes

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

Works on the data folder itself, or asks the server that runs on it.")]
pub struct Apply {
    /// The world file, in YAML or JSON.
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,

    /// Only show what would change.
    #[arg(long)]
    dry_run: bool,

    /// The data folder.
    #[arg(long, env = "TIDEGATE_DATA_DIR", default_value = crate::data::DEFAULT, value_name = "DIR")]
    data_dir: PathBuf,

    #[command(flatten)]
    database: DatabaseArg,
}

impl Apply {
    /// Applies it and prints the difference.
    pub async fn run(self) -> anyhow::Result<()> {
        // All of the file's faults show before anything is touched.
        let file = world::read(&self.file)?;
        let again = world::read(&self.file)?;
        let world = world::understood(&self.file, again)?;
        let database = self.database.read()?;
        let data = DataDir::create(&self.data_dir)?;
        let lines = match data.hold()? {
            Some(hold) => self.directly(data, hold, &database, &world).await?,
            None => self.through_server(&data, &serde_json::to_value(file)?).await?,
        };
        if lines.is_empty() {
            say("no changes");
        }
        for line in lines {
            say(line);
        }
        Ok(())
    }

    async fn directly(
        &self,
        data: DataDir,
        hold: Hold,
        database: &Database,
        world: &tidegate_control::World,
    ) -> anyhow::Result<Vec<String>> {
        let core = Core::open_held(data, hold, database, Settings::default()).await?;
        let changes = core.control.apply(world, self.dry_run, wall()).await?;
        Ok(changes.iter().map(world::line).collect())
    }

    async fn through_server(&self, data: &DataDir, file: &Value) -> anyhow::Result<Vec<String>> {
        let control = local_control(data.root()).context("another process works on this folder")?;
        let Some(token) = data.kept_operator_token()? else {
            bail!("the data folder {} has no operator.token", data.root().display());
        };
        let dry_run = encoded(if self.dry_run { "true" } else { "false" });
        let address = format!("{}/admin/world?dry_run={dry_run}", control);
        let request = Outgoing::new(Method::POST, address)
            .json(file)
            .header("authorization", &format!("Bearer {}", token.expose()))?;
        let client = Client::for_endpoint(&control)?;
        let answer = answered(client.send(request).await?)?;
        let changes = records(&answer, "changes").iter();
        Ok(changes
            .map(|change| {
                let created = change.get("created").and_then(Value::as_bool) == Some(true);
                world::line_of(created, &cell(change, "kind"), &cell(change, "name"))
            })
            .collect())
    }
}
