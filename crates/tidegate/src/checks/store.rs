//! The store: reachable, of a schema this program knows, sound, fitting its key, on time.

use tidegate_control::{Unproven, Vault};
use tidegate_store::sql::{PostgresUrl, SqlStore, sqlite_fault};
use tidegate_store::{Head, Setback, Store};

use super::Findings;
use crate::clock::{guard, wall};
use crate::config::Config;
use crate::data::DataDir;
use crate::database::{Database, LOST_ADVICE, NO_TABLES, may_use};

/// What is wrong when another token is kept here than on the nodes before.
pub const FEED_TOKEN_OTHER: &str = "the feed's token is not the one that the control nodes on this store have: they and this one would refuse each \
     other's gateways";

/// What is wrong when there is none here, though nodes on this store have one.
pub const FEED_TOKEN_MISSING: &str =
    "the feed's token (feed.token) is not here, though the control nodes on this store have one";

/// What to do about both.
pub const FEED_TOKEN_ADVICE: &str = "copy it from another control node or from the backup; if it is to be a new one, `tidegate store new-feed-token` \
     says so";

/// How far clocks may be apart before somebody should know.
const APART_MS: i64 = 2_000;

/// How far before it is no clock any more.
const FAR_APART_MS: i64 = 60_000;

/// Looks at the store and the key to its secrets.
pub async fn look(config: &Config, data: &DataDir, findings: &mut Findings) {
    let is_there = match data.has_database().and_then(|there| Ok((there, data.lost_database()?))) {
        Ok(is_there) => is_there,
        Err(error) => {
            let advice = "run this as the user the server runs as";
            return findings.unfit("store", format!("{error:#}"), advice);
        }
    };
    let store = match &config.database {
        Database::Sqlite if !is_there.0 => {
            match is_there.1 {
                Some(lost) => findings.unfit("store", lost, LOST_ADVICE),
                None => findings.ok("store", "there is none yet; the first start makes it"),
            }
            return;
        }
        Database::Sqlite => {
            if let Err(error) = may_use(&data.database()) {
                let advice = "run this as the user the server runs as";
                return findings.unfit("store", format!("{error:#}"), advice);
            }
            if let Some(fault) = sqlite_fault(&data.database()) {
                return findings.unfit("store", fault, "a start is refused until then");
            }
            SqlStore::read_sqlite(&data.database()).await
        }
        Database::Postgres(url) => SqlStore::read_postgres(url).await,
    };
    let place = place(&config.database, data);
    let looked = match store {
        Ok(store) => look_at(&store, &place, config, data, findings).await,
        Err(error) => Err(error),
    };
    if let Err(error) = looked {
        findings.unfit(
            "store",
            format!("{place} cannot be read: {error}"),
            "see that it is there, that this user may read it, and that it is of this program",
        );
    }
}

fn place(database: &Database, data: &DataDir) -> String {
    match database {
        Database::Sqlite => data.database().display().to_string(),
        Database::Postgres(url) => PostgresUrl::to_string(url),
    }
}

/// Whether a server that is started now would decide by this clock.
fn plausible(head: &Head) -> Result<(), Unproven> {
    let guard = guard();
    guard.learn(head);
    guard.check()
}

async fn look_at(
    store: &SqlStore,
    place: &str,
    config: &Config,
    data: &DataDir,
    findings: &mut Findings,
) -> tidegate_store::Result<()> {
    let schema = store.schema().await?;
    match (&schema.step, schema.missing) {
        (None, _)
            if config.database == Database::Sqlite && data.has_vault().is_ok_and(|has| has) =>
        {
            findings.unfit("store", data.lost(NO_TABLES), LOST_ADVICE);
            return Ok(());
        }
        (None, _) => {
            findings.ok("store", format!("{place} is empty; the first start makes its tables"));
            return Ok(());
        }
        (Some(step), 0) => findings.ok("store", format!("{place}, schema {step}")),
        (Some(step), missing) => {
            findings.warning(
                "store",
                format!("{place} has the schema {step}; {missing} steps are missing"),
                "make a backup; the next start of this version takes them, and there is no way back",
            );
            return Ok(());
        }
    }
    match store.faults().await?.as_slice() {
        [] => findings.ok("integrity", "nothing is wrong with the structure of the store"),
        faults => findings.unfit(
            "integrity",
            format!("SQLite finds: {}", faults.join("; ")),
            "stop the server, keep the folder, and restore the last backup",
        ),
    }
    // Before the view: there may be one connection to read by.
    let setbacks = store.setbacks().await?;
    let mut view = store.view().await?;
    let head = view.head().await?;
    let ahead = head.decided_at.as_ms().saturating_sub(wall().as_ms());
    if let Err(why) = plausible(&head) {
        findings.fault(
            "clock",
            why.to_string(),
            "no change is made meanwhile; if the clock is right, `tidegate store trust-clock` says so",
        );
    } else if ahead > APART_MS {
        findings.warning(
            "clock",
            format!(
                "the last decision was made at {}, which is ahead of this clock",
                head.decided_at
            ),
            "set the clock (NTP); until it has caught up, decisions are made at that time",
        );
    } else {
        findings.ok("clock", format!("is past the last decision, at {}", head.decided_at));
    }
    if let Some(theirs) = store.clock().await? {
        let apart = theirs.as_ms().saturating_sub(wall().as_ms()).abs();
        let told = format!("this clock and the database's are {apart} ms apart");
        match apart {
            0..=APART_MS => findings.ok("clock", told),
            ..=FAR_APART_MS => findings.warning("clock", told, "keep both in step with NTP"),
            _ => findings.fault("clock", told, "keep both in step with NTP"),
        }
    }
    damaged(&mut *view, findings).await?;
    history(&setbacks, findings);
    for unreached in tidegate_control::unreached(&mut *view, wall()).await? {
        findings.warning(
            "hosts",
            format!(
                "no call reaches the instance {} of the project {}, where the API {} is published: it \
                 names no hosts, and hosts that nobody names are another project's",
                unreached.instance, unreached.project, unreached.api
            ),
            "name hosts for the instance in the world file, and apply it",
        );
    }
    feed(config, data, &mut *view, findings).await?;
    let holding = (head.revision.0 > 0).then(|| place.to_owned());
    vault(data, holding, &mut *view, findings).await
}

/// How many grants are read at a time.
const GRANTS: u64 = 10_000;

/// How many damaged records are named.
const NAMED: usize = 10;

/// Reads all that the feed sends to gateways, and names what cannot be read.
async fn damaged(
    view: &mut dyn tidegate_store::View,
    findings: &mut Findings,
) -> tidegate_store::Result<()> {
    let (mut names, mut count, mut after) = (Vec::new(), 0_u64, None);
    loop {
        let part = view.everything(after.as_ref(), GRANTS).await?;
        for it in part.damaged {
            count += 1;
            if names.len() < NAMED {
                names.push(format!("{} {} ({})", it.table, it.id, it.column));
            }
        }
        let is_last = (part.standings.len() as u64) < GRANTS;
        after = part.standings.into_iter().next_back().map(|standing| standing.key);
        if is_last || after.is_none() {
            break;
        }
    }
    if count == 0 {
        findings.ok("records", "every record that gateways are told can be read");
    } else {
        findings.fault(
            "records",
            format!(
                "{count} cannot be read, so calls they are about are denied: {}",
                names.join(", ")
            ),
            "mend the rows by hand, or restore the last backup",
        );
    }
    Ok(())
}

/// Has somebody known what the store does not have?
fn history(setbacks: &[Setback], findings: &mut Findings) {
    let Some(last) = setbacks.first() else {
        findings.ok("history", "nobody knew a revision that the store does not have");
        return;
    };
    let Setback { known, known_by, head, decided_at } = last;
    findings.fault(
        "history",
        format!(
            "the store went back to an earlier state, or its history is another one: {known_by} knew \
             revision {known}, and the store stood at {head}, last decided at {decided_at}"
        ),
        "see in the journal what is missing since then, and put it right; `tidegate store new-epoch` \
         ends this finding",
    );
}

/// Is the feed's token the one of all nodes on the store?
async fn feed(
    config: &Config,
    data: &DataDir,
    view: &mut dyn tidegate_store::View,
    findings: &mut Findings,
) -> tidegate_store::Result<()> {
    if !config.feed.wants_token() {
        return Ok(());
    }
    let Some(known) = view.feed_check().await? else { return Ok(()) };
    // One that cannot be read is reported with the rest of the feed.
    match data.kept_feed_token(config.feed.token_file.as_deref()) {
        Ok(Some(token)) if token.check() == known => {
            findings.ok("feed", "the token is the one of all control nodes on this store");
        }
        Ok(Some(_)) => findings.unfit("feed", FEED_TOKEN_OTHER, FEED_TOKEN_ADVICE),
        Ok(None) => findings.unfit("feed", FEED_TOKEN_MISSING, FEED_TOKEN_ADVICE),
        Err(_) => {}
    }
    Ok(())
}

async fn vault(
    data: &DataDir,
    holding: Option<String>,
    view: &mut dyn tidegate_store::View,
    findings: &mut Findings,
) -> tidegate_store::Result<()> {
    let advice =
        "bring vault.key back from the backup this store belongs to; no other key opens it";
    if holding.is_none() && data.has_vault().is_ok_and(|there| !there) {
        findings.ok("vault", "the store is new; the first start makes its key");
        return Ok(());
    }
    let vault: Vault = match data.vault(Some(holding.unwrap_or_else(|| "the store".to_owned()))) {
        Ok(vault) => vault,
        Err(error) => {
            findings.unfit("vault", format!("{error:#}"), advice);
            return Ok(());
        }
    };
    match vault.fits(view).await? {
        Some(true) => {
            findings.ok("vault", "vault.key opens the secrets in the store");
            sealed(&vault, view, findings).await?;
        }
        None => findings.ok("vault", "vault.key is there, and the store holds no secret yet"),
        Some(false) => {
            findings.unfit("vault", "vault.key does not open the secrets in the store", advice);
        }
    }
    Ok(())
}

/// Names the apps whose secret does not open with a key that fits the store.
async fn sealed(
    vault: &Vault,
    view: &mut dyn tidegate_store::View,
    findings: &mut Findings,
) -> tidegate_store::Result<()> {
    // The first part has all apps.
    let apps = view.everything(None, 1).await?.apps;
    let lost: Vec<&str> = apps
        .iter()
        .filter(|record| !vault.opens(record))
        .map(|record| record.app.id.as_str())
        .collect();
    if !lost.is_empty() {
        let (count, named) = (lost.len(), lost.iter().take(NAMED).copied());
        let names = named.collect::<Vec<_>>().join(", ");
        findings.fault(
            "records",
            format!(
                "{count} apps have a secret that does not open, so their calls are denied: {names}"
            ),
            "reset the secrets of these apps, or restore the last backup",
        );
    }
    Ok(())
}
