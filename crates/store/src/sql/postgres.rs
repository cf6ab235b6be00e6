//! Connecting to PostgreSQL: all that is said to PostgreSQL and to no other engine.
//!
//! Nothing is used that databases which only speak its protocol tend to lack: no advisory locks, no
//! notifications, no sequences. Order comes from the row lock on `head` alone.

use std::fmt;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use sea_orm::{AccessMode, DatabaseConnection, IsolationLevel, TransactionOptions};

use super::engine::Engine;
use super::migrations::{self, Dialect};
use crate::{Result, StoreError};

/// How many views there can be at one moment before the next one waits.
const READERS: u32 = 8;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// What every connection begins with, whatever the server's defaults are. The row lock on `head`
/// orders writers, so the least isolation will do for them: more would only make them conflict. A
/// writer waits a while for the turn of another process, and a process that stalls in the middle of
/// its own is cut off, or the others would wait for it for ever.
const SESSION: &str = "SET default_transaction_isolation = 'read committed';
    SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '60s'";

/// How often the missing steps are tried. When two processes start on a new database at once, one of
/// them fails, and then finds the steps taken.
const TRIES: u32 = 3;

/// The server's own order of texts depends on its language; that of bytes does not.
const DIALECT: Dialect = Dialect {
    int: "BIGINT",
    text: "TEXT COLLATE \"C\"",
    blob: "BYTEA",
    bool: "BOOLEAN",
    options: "",
};

/// What a URL may say behind its `?`.
const PARAMETERS: [&str; 9] = [
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "sslmode",
    "application_name",
    "options",
];

/// Where a PostgreSQL database is and who asks. It may hold a password: it is never shown.
#[derive(Clone)]
pub struct PostgresUrl {
    text: String,
    options: Box<PgConnectOptions>,
}

impl PostgresUrl {
    /// Reads a URL. What is wrong with it is told without showing it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form = "write postgres://USER:PASSWORD@HOST:PORT/DATABASE";
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(format!("is no URL of PostgreSQL; {form}"));
        }
        let parameters = text.split_once('?').map_or("", |(_, parameters)| parameters);
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            let name = parameter.split_once('=').map_or(parameter, |(name, _)| name);
            if !PARAMETERS.contains(&name) && !name.starts_with("options[") {
                let known = PARAMETERS.join(", ");
                return Err(format!("has a parameter that is none of {known}"));
            }
        }
        let options = text.parse().map_err(|_| format!("cannot be understood; {form}"))?;
        Ok(Self { text: text.to_owned(), options: Box::new(options) })
    }

    /// Does what is said to the database leave this machine? It is not encrypted.
    pub fn is_remote(&self) -> bool {
        let host = self.options.get_host();
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        self.options.get_socket().is_none()
            && !host.starts_with('/')
            && host != "localhost"
            && !address.is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresUrl(..)")
    }
}

/// Where the database is, without who asks.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = (self.options.get_host(), self.options.get_port());
        match self.options.get_socket() {
            Some(folder) => write!(f, "{}", folder.display())?,
            None => write!(f, "{host}:{port}")?,
        }
        write!(f, ", database {}", self.options.get_database().unwrap_or("of the user's name"))
    }
}

impl PartialEq for PostgresUrl {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PostgresUrl {}

/// Connects, and brings the tables up to date.
pub async fn open(url: &PostgresUrl) -> Result<Engine> {
    let engine = open_to_read(url).await?;
    let mut tries = 1;
    while let Err(error) = migrate(&engine).await {
        if tries == TRIES {
            return Err(error);
        }
        tries += 1;
    }
    Ok(engine)
}

/// Connects. Nothing is made and nothing is brought up to date.
pub async fn open_to_read(url: &PostgresUrl) -> Result<Engine> {
    let mut options = PgConnectOptions::clone(&url.options);
    if options.get_application_name().is_none() {
        options = options.application_name("tidegate");
    }
    reach(&options).await.map_err(|why| {
        StoreError::Engine(format!("PostgreSQL cannot be reached at {url}: {why}"))
    })?;
    Ok(Engine {
        writer: pool(1, options.clone()),
        readers: pool(READERS, options),
        write: TransactionOptions::default(),
        read: TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead),
            access_mode: Some(AccessMode::ReadOnly),
            sqlite_transaction_mode: None,
        },
        lock: None,
    })
}

/// Connects once, so that what is wrong shows as it is: a pool would try until its time is over.
async fn reach(options: &PgConnectOptions) -> Result<(), String> {
    let connected = tokio::time::timeout(CONNECT, options.connect());
    match connected.await {
        Ok(Ok(connection)) => connection.close().await.map_err(|error| error.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", CONNECT.as_secs())),
    }
}

async fn migrate(engine: &Engine) -> Result<()> {
    let tx = engine.begin_write().await?;
    migrations::run(&tx, &DIALECT).await?;
    Ok(tx.commit().await?)
}

fn pool(size: u32, options: PgConnectOptions) -> DatabaseConnection {
    let pool = PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(CONNECT)
        .after_connect(|connection: &mut PgConnection, _| {
            Box::pin(async move { connection.execute(SESSION).await.map(drop) })
        })
        .connect_lazy_with(options);
    DatabaseConnection::from(pool)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that fails panics
mod tests {
    use super::*;

    #[test]
    fn a_url_is_understood_or_refused_without_being_shown() {
        for good in [
            "postgres://tidegate:sEcret@db.example:5433/tidegate?sslmode=disable",
            "postgresql://tidegate@localhost/tidegate",
            "postgres:///tidegate?host=/run/postgresql&user=tidegate&options[search_path]=a",
        ] {
            assert!(PostgresUrl::parse(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("mysql://u:sEcret@h/d", "no URL of PostgreSQL"),
            ("u:sEcret@h/d", "no URL of PostgreSQL"),
            ("postgres://u:sEcret@h:port/d", "cannot be understood"),
            ("postgres://u@h/d?pass=sEcret", "has a parameter that is none of"),
            ("postgres://u@h/d?port=sEcret", "cannot be understood"),
        ] {
            let fault = PostgresUrl::parse(bad).err().unwrap();
            assert!(fault.contains(why) && !fault.contains("sEcret"), "{bad}: {fault}");
        }
        let url = PostgresUrl::parse("postgres://tidegate:sEcret@db.example:5433/world").unwrap();
        assert_eq!(url.to_string(), "db.example:5433, database world");
        assert_eq!(format!("{url:?}"), "PostgresUrl(..)");
    }

    #[test]
    fn what_leaves_the_machine_is_known() {
        for (url, remote) in [
            ("postgres://u@localhost/d", false),
            ("postgres://u@127.0.0.1/d", false),
            ("postgres://u@[::1]/d", false),
            ("postgres://u@%2Frun%2Fpostgresql/d", false),
            ("postgres:///d?host=/run/postgresql", false),
            ("postgres://u@10.0.0.1/d", true),
            ("postgres://u@db.example/d", true),
            ("postgres://u@localhost/d?host=db.example", true),
        ] {
            assert_eq!(PostgresUrl::parse(url).unwrap().is_remote(), remote, "{url}");
        }
    }
}
