//! How long anything here waits for a database. Whatever outlives its limit is an error, and its
//! connection is closed.

use std::time::Duration;

/// How long a connection may take to open, its session's settings included.
pub const CONNECT: Duration = Duration::from_secs(5);

/// How long a connection may take to show that it still leads to a database, and to roll back.
pub const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// How long a caller waits for a connection, until its transaction has begun: for the writers of
/// this process, for those of other processes, and for a new connection.
pub const BEGIN: Duration = Duration::from_secs(9);

/// How long one statement may take; of a statement that reads many rows, each of them.
pub const ANSWER: Duration = Duration::from_secs(7);

/// How long a commit may take. It waits for the standbys that shall have it; who gives up does not
/// know whether they got it.
pub const COMMIT: Duration = Duration::from_secs(8);

/// How long a statement waits for a lock that another process holds. Less than `ANSWER`, so that
/// the database says what is the matter.
pub const LOCK: Duration = Duration::from_secs(6);

/// How long a PostgreSQL server lets a transaction wait for its next statement. A node that fell
/// silent in the middle of one holds up the others for that long.
pub const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(5);

/// How long a word with the server may take that nodes need of each other, a wait for a lock or a
/// standby included.
pub const PEERS: Duration = Duration::from_secs(4);

/// How long a connection that listens may hear nothing before it is asked for a sign of life.
pub const QUIET: Duration = Duration::from_secs(4);

/// How long a statement of an operator may take, such as a look at a whole file.
pub const UPKEEP: Duration = Duration::from_secs(3_600);

/// How long a connection is kept, and how long unused: a server's memory of one grows.
pub const LIFETIME: Duration = Duration::from_secs(1_800);
/// See `LIFETIME`.
pub const UNUSED: Duration = Duration::from_secs(600);

/// How long an orderly stop waits for connections that are still in use or closing.
pub const CLOSE: Duration = Duration::from_secs(2);

/// How many connections of a pool may be closing while new ones are opened in their place. A disk
/// that hangs keeps its thread.
pub const CLOSING: usize = 8;
