//! What a history is recognised by, and what was found to contradict it; the key's check value; messages
//! that keep their name.

use super::step::Migration;

pub const MIGRATION: Migration = Migration {
    name: "m0006_history",
    sql: r#"
ALTER TABLE head ADD COLUMN stamp {text} NOT NULL DEFAULT '';
ALTER TABLE head ADD COLUMN parent {text} NOT NULL DEFAULT '';
ALTER TABLE gateways ADD COLUMN stamp {text} NOT NULL DEFAULT '';

CREATE TABLE history (
    slot {int} NOT NULL PRIMARY KEY,
    revision {int} NOT NULL,
    stamp {text} NOT NULL
) {options};

CREATE TABLE former_epochs (
    epoch {text} NOT NULL PRIMARY KEY,
    revision {int} NOT NULL
) {options};

CREATE TABLE setbacks (
    epoch {text} NOT NULL,
    revision {int} NOT NULL,
    stamp {text} NOT NULL,
    known_by {text} NOT NULL,
    head_revision {int} NOT NULL,
    decided_at {int} NOT NULL,
    PRIMARY KEY (epoch, revision, stamp)
) {options};

CREATE TABLE vault_check (
    one {int} NOT NULL PRIMARY KEY CHECK (one = 1),
    sealed {blob} NOT NULL
) {options};

ALTER TABLE outbox ADD COLUMN name {text} NOT NULL DEFAULT '';
UPDATE outbox SET name = (SELECT epoch FROM head) || '-' || revision || '-' || ordinal;
"#,
};
