//! The command line.

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::apply::Apply;
use crate::backup::{Backup, Restore};
use crate::call::Call;
use crate::certs::Certs;
use crate::commands::apis::Apis;
use crate::commands::applications::Applications;
use crate::commands::apps::Apps;
use crate::commands::clock::Clock;
use crate::commands::gateways::Gateways;
use crate::commands::grants::Grants;
use crate::commands::notices::Notices;
use crate::commands::throttles::Throttles;
use crate::dev::Dev;
use crate::doctor::Doctor;
use crate::serve::{ConfigCommand, ControlArgs, GatewayArgs, Serve};
use crate::store::StoreCommand;

/// Decides which apps may call which APIs, until when, and enforces it.
#[derive(Debug, Parser)]
#[command(
    name = "tidegate",
    version,
    max_term_width = 100,
    after_help = "\
Start here:
  tidegate dev                        a sample world, and lines to paste
  tidegate call --app wallboard /weather/lisbon

Words: an API's reviewer grants an app the right to call it on an instance, until an end. The app's
owner applies, renews and gives back. A cancellation is a notice of at least two days. The gateway
lets a call in only under a live grant, and says why when it does not.

Ends with 0 when done, 1 when the service said no, 2 when what was given is wrong (the command line,
the configuration, a file), 3 when something failed (no connection, a port that is taken)."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a development server: everything in one process, with a sample world.
    Dev(Box<Dev>),
    /// Start the server: control side and gateway in one process.
    Serve(Serve),
    /// Start the control side alone; gateways on other machines follow it.
    Control(ControlArgs),
    /// Start a gateway alone, which follows a control side elsewhere.
    Gateway(GatewayArgs),
    /// Make certificates for the feed between machines.
    Certs(Certs),
    /// Print or check the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Create or update projects, users, instances and workspaces from a world file.
    Apply(Apply),
    /// Copy a whole store into another one, or begin a new history.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Save everything into one sealed file, while the server runs.
    Backup(Box<Backup>),
    /// Fill a data folder from a backup.
    Restore(Restore),
    /// Check everything a server needs, and tell what to do about what is wrong.
    Doctor(Doctor),
    /// Sign a call as an app, send it, and show what the gateway says.
    Call(Box<Call>),
    /// See who may call what, grant, apply, renew, cancel, give back.
    Grants(Box<Grants>),
    /// See and decide what waits for a reviewer.
    Applications(Box<Applications>),
    /// See and answer announced ends of access.
    Notices(Box<Notices>),
    /// See and make apps.
    Apps(Box<Apps>),
    /// See APIs, publish and stop them.
    Apis(Box<Apis>),
    /// See and make throttling policies.
    Throttles(Box<Throttles>),
    /// See which gateways follow, and forget those that have left. For the operator.
    Gateways(Gateways),
    /// See or move the clock of a development server.
    Clock(Clock),
    /// Print a script that completes commands in your shell.
    #[command(after_help = "\
Examples:
  tidegate completion bash > ~/.local/share/bash-completion/completions/tidegate
  tidegate completion zsh > ~/.zfunc/_tidegate
  tidegate completion fish > ~/.config/fish/completions/tidegate.fish")]
    Completion {
        /// The shell.
        shell: Shell,
    },
}
