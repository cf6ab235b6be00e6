//! `tidegate`: the server, its development mode, and the commands to use both.
//!
//! This crate wires the others together and holds no rule of its own: configuration, data folder,
//! clock, composition, command line.

mod addresses;
mod apply;
mod ask;
mod backup;
mod call;
mod call_reports;
mod certs;
mod checks;
mod cli;
mod client;
mod clock;
mod commands;
mod config;
mod control;
mod data;
mod database;
mod dev;
mod doctor;
mod durable;
mod exit;
mod faults;
mod feed;
mod listen;
mod log;
mod login;
mod node;
mod notify;
mod out;
mod random;
mod serve;
mod store;
mod traces;
mod trouble;
mod wait;
mod when;
mod world;

use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::{CommandFactory, Parser};

use crate::cli::{Cli, Command};

/// A call at the gate makes and frees some hundred small pieces of memory; the system's allocator
/// took a sixth of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => {
            log::end(None);
            ExitCode::SUCCESS
        }
        Err(error) => {
            log::end(Some(&format!("tidegate: {error:#}")));
            exit::code(&error)
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    // Two crates may bring a provider; the one that is used is named here, before anything else.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow!("the cryptographic provider was set twice"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(carry_out(cli.command))
}

async fn carry_out(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Dev(dev) => dev.run().await,
        Command::Serve(serve) => serve.run().await,
        Command::Control(control) => control.run().await,
        Command::Gateway(gateway) => gateway.run().await,
        Command::Certs(certs) => certs.run(),
        Command::Config(config) => config.run().await,
        Command::Apply(apply) => apply.run().await,
        Command::Store(store) => store.run().await,
        Command::Backup(backup) => backup.run().await,
        Command::Restore(restore) => restore.run().await,
        Command::Doctor(doctor) => doctor.run().await,
        Command::Call(call) => call.run().await,
        Command::Grants(grants) => grants.run().await,
        Command::Applications(applications) => applications.run().await,
        Command::Notices(notices) => notices.run().await,
        Command::Apps(apps) => apps.run().await,
        Command::Apis(apis) => apis.run().await,
        Command::Throttles(throttles) => throttles.run().await,
        Command::Gateways(gateways) => gateways.run().await,
        Command::Clock(clock) => clock.run().await,
        Command::Completion { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "tidegate", &mut script);
            out::say_as_it_is(String::from_utf8_lossy(&script).trim_end());
            Ok(())
        }
    }
}
