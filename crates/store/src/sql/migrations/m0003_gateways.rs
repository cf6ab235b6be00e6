//! The gateways, and what they enforce.

use super::step::Migration;

pub const MIGRATION: Migration = Migration {
    name: "m0003_gateways",
    sql: r#"
CREATE TABLE gateways (
    id {text} NOT NULL PRIMARY KEY,
    name {text} NOT NULL,
    version {text} NOT NULL,
    epoch {text} NOT NULL,
    revision {int},
    acknowledged_at {int} NOT NULL,
    registered_at {int} NOT NULL,
    heard_at {int} NOT NULL,
    lease_ms {int} NOT NULL,
    clock_ahead_ms {int} NOT NULL,
    beat {int} NOT NULL
) {options};
"#,
};
