//! Several nodes, deliveries and reminders.

use super::step::Migration;

pub const MIGRATION: Migration = Migration {
    name: "m0004_nodes",
    sql: r#"
CREATE TABLE nodes (
    node {text} NOT NULL PRIMARY KEY,
    beat_at {int} NOT NULL
) {options};

CREATE TABLE duty (
    one {int} NOT NULL PRIMARY KEY CHECK (one = 1),
    node {text} NOT NULL,
    number {int} NOT NULL,
    until {int} NOT NULL
) {options};
INSERT INTO duty VALUES (1, '', 0, 0);

CREATE TABLE reminders (
    name {text} NOT NULL PRIMARY KEY,
    mark_at {int} NOT NULL,
    mark_key {text} NOT NULL
) {options};

ALTER TABLE outbox ADD COLUMN tries {int} NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN next_try_at {int} NOT NULL DEFAULT 0;
CREATE INDEX outbox_put_off ON outbox (next_try_at) WHERE next_try_at > 0;

CREATE INDEX standings_until ON standings (until, api, instance, app) WHERE until IS NOT NULL;
CREATE INDEX notices_unanswered ON notices (deadline, id)
    WHERE outcome IS NULL AND scheduled IS NULL;
"#,
};
