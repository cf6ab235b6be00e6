//! `tidegate grants show`: one right, and which gateway enforces it.

use clap::Args;
use serde_json::Value;

use super::subject::{On, state};
use crate::control::{Control, encoded};
use crate::out::{Output, Table, cell, moment, records};

/// Which right.
#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    on: On,
}

impl Show {
    /// Asks for it and prints it.
    pub async fn run(&self, control: &Control, output: Output) -> anyhow::Result<()> {
        let (api, app) = control.pair(&self.on.api, self.on.one_app()?).await?;
        let (api, app) = (encoded(&api), encoded(&app));
        let instance = encoded(&control.instance(self.on.instance.as_deref()).await?);
        let path = format!("/apis/{api}/instances/{instance}/apps/{app}/enforcement");
        output.print(&control.get(&path).await?, text);
        Ok(())
    }
}

fn text(right: &Value) -> String {
    let mut lines = Vec::new();
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("{name:<10}{value}"));
        }
    };
    line("api", format!("{} ({})", cell(right, "api_name"), cell(right, "api_id")));
    line("app", format!("{} ({})", cell(right, "app_name"), cell(right, "app_id")));
    line("instance", format!("{} ({})", cell(right, "instance_name"), cell(right, "instance_id")));
    line("state", state(&cell(right, "relationship_type")).to_owned());
    line("by", cell(right, "granted_by"));
    line("from", moment(right, "since"));
    line("until", moment(right, "until"));
    for notice in records(right, "notices") {
        line("notice", format!("{}, {}", cell(notice, "id"), moment(notice, "takes_effect")));
    }
    line("revision", cell(right, "revision"));
    let is_enforced = right.get("enforced") == Some(&Value::Bool(true));
    line("enforced", if is_enforced { "yes" } else { "not yet" }.to_owned());
    let mut table = Table::new(&["gateway", "state", "since", "until at the latest"]);
    for gateway in records(right, "gateways") {
        let fields = [cell(gateway, "name"), cell(gateway, "state")];
        let moments = [moment(gateway, "since"), moment(gateway, "until")];
        table.row(fields.into_iter().chain(moments).collect());
    }
    format!("{}\n\n{}", lines.join("\n"), table.text())
}
