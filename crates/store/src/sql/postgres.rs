//! Connecting to PostgreSQL: all that is said to PostgreSQL and to no other engine.
//!
//! What orders writers is nothing that databases which only speak its protocol tend to lack: no advisory
//! locks, no notifications, no sequences, but the row lock on `head` alone. What nodes need of each other
//! is in `nodes`.

use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;

use rustls::CertificateError;
use sea_orm::ConnectionTrait;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, Error};

use super::engine::Engine;
use super::limits::{CONNECT, UPKEEP};
use super::migrations::{self, Dialect};
use super::nodes::Nodes;
use super::pool::{Connector, Pool, Use};
use super::write_path::WritePath;
use crate::{Result, StoreError};

/// How many views there can be at one moment before the next one waits.
const READERS: usize = 8;

/// How many writers there can be beside the turn.
const ASIDE: usize = 1;

/// How many connections the heartbeat, the bell and the duty share.
const PEERS: usize = 2;

/// How a transaction that writes begins. Its commit has no limit at the server, see
/// `SqlTransaction::commit`: a server that is stopped while a commit waits for a standby says that it
/// is made.
const BEGIN_WRITE: &str = "BEGIN; SET LOCAL statement_timeout = '6s'";

/// How the database keeps texts.
const ENCODING: &str = "SELECT current_setting('server_encoding')";

/// How long a start waits for another process that takes the missing steps.
const MIGRATING: &str = "SET LOCAL lock_timeout = '10min'; SET LOCAL statement_timeout = 0";

/// How often the missing steps are tried. When two processes start on a new database at once, both may
/// make the first table, and one of them fails.
const TRIES: u32 = 5;

/// The server's own order of texts depends on its language; that of bytes does not.
pub(super) const DIALECT: Dialect = Dialect {
    int: "BIGINT",
    text: "TEXT COLLATE \"C\"",
    blob: "BYTEA",
    bool: "BOOLEAN",
    options: "",
};

/// What a URL may say behind its `?`.
const PARAMETERS: [&str; 12] = [
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
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

    /// Does what is said to the database leave this machine without its server having proven who it is?
    pub fn is_exposed(&self) -> bool {
        self.is_remote() && !matches!(self.options.get_ssl_mode(), PgSslMode::VerifyFull)
    }

    fn is_remote(&self) -> bool {
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
    let mut engine = open_to_read(url).await?;
    let mut tries = 1;
    while let Err(error) = migrate(&engine).await {
        if tries == TRIES {
            return Err(error);
        }
        tries += 1;
    }
    let (head, options) = (engine.head().await?, options_of(url));
    let nodes = Nodes::new(pool(PEERS, &options, Use::Writing), options, &head.epoch).await?;
    engine.peers = Some(Box::new(nodes));
    Ok(engine)
}

fn options_of(url: &PostgresUrl) -> PgConnectOptions {
    let options = PgConnectOptions::clone(&url.options);
    match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("tidegate"),
    }
}

/// Connects. Nothing is made and nothing is brought up to date.
pub async fn open_to_read(url: &PostgresUrl) -> Result<Engine> {
    let options = options_of(url);
    reach(&options).await.map_err(|why| {
        StoreError::Engine(format!("PostgreSQL cannot be reached at {url}: {why}"))
    })?;
    Ok(Engine {
        turn: Arc::default(),
        writer: pool(1, &options, Use::Writing),
        aside: pool(ASIDE, &options, Use::Writing),
        readers: pool(READERS, &options, Use::Reading),
        path: Arc::new(WritePath::new(None)),
        write: BEGIN_WRITE,
        read: "BEGIN",
        lock: None,
        keeper: None,
        files: None,
        peers: None,
    })
}

/// Connects once, so that what is wrong shows as it is.
async fn reach(options: &PgConnectOptions) -> Result<(), String> {
    let connected = tokio::time::timeout(CONNECT, async {
        let mut connection = options.connect().await?;
        let encoding: String = sqlx::query_scalar(ENCODING).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok::<_, Error>(encoding)
    });
    match connected.await {
        Ok(Ok(encoding)) if encoding == "UTF8" => Ok(()),
        Ok(Ok(encoding)) => Err(format!(
            "its encoding is {encoding}, which cannot hold every name; create it with ENCODING 'UTF8'"
        )),
        Ok(Err(Error::Io(error))) => Err(spoken(&error)),
        Ok(Err(Error::Tls(_))) => Err(
            "there is no TLS with it as the URL wants it; see sslmode, sslrootcert, sslcert and sslkey"
                .to_owned(),
        ),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", CONNECT.as_secs())),
    }
}

/// Why there is no connection, in words.
fn spoken(error: &std::io::Error) -> String {
    if let Some(rustls::Error::InvalidCertificate(why)) =
        error.get_ref().and_then(|inner| inner.downcast_ref())
    {
        return unproven(why).to_owned();
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => "nothing listens there".to_owned(),
        ErrorKind::NotFound => "a file or a socket that the URL names is not there".to_owned(),
        ErrorKind::PermissionDenied => {
            "this user may not use a file or a socket that the URL names".to_owned()
        }
        _ => error.to_string().split(" (os error").next().unwrap_or_default().to_owned(),
    }
}

/// Why the server's certificate is not believed.
fn unproven(why: &CertificateError) -> &'static str {
    match why {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is of an authority that is not trusted; name it by sslrootcert"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name than the one in the URL"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has ended"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate has not begun"
        }
        _ => "its certificate cannot be used",
    }
}

async fn migrate(engine: &Engine) -> Result<()> {
    let mut tx = engine.begin_write().await?;
    tx.set_limit(UPKEEP);
    tx.execute_unprepared(MIGRATING).await?;
    migrations::run(&tx, &DIALECT).await?;
    tx.commit().await
}

fn pool(size: usize, options: &PgConnectOptions, used: Use) -> Pool {
    Pool::new(Connector::Postgres(Box::new(options.clone()), used), size)
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
    fn what_leaves_the_machine_unprotected_is_known() {
        for (url, exposed) in [
            ("postgres://u@localhost/d", false),
            ("postgres://u@127.0.0.1/d", false),
            ("postgres://u@[::1]/d", false),
            ("postgres://u@%2Frun%2Fpostgresql/d", false),
            ("postgres:///d?host=/run/postgresql", false),
            ("postgres://u@10.0.0.1/d", true),
            ("postgres://u@db.example/d", true),
            ("postgres://u@localhost/d?host=db.example", true),
            ("postgres://u@db.example/d?sslmode=require", true),
            ("postgres://u@db.example/d?sslmode=verify-ca", true),
            ("postgres://u@db.example/d?sslmode=verify-full&sslrootcert=/ca.pem", false),
        ] {
            assert_eq!(PostgresUrl::parse(url).unwrap().is_exposed(), exposed, "{url}");
        }
    }
}
