//! An API's rules, and throttling policies.

use super::step::Migration;

pub const MIGRATION: Migration = Migration {
    name: "m0002_rules",
    sql: r#"
CREATE TABLE throttles (
    workspace {text} NOT NULL,
    name {text} NOT NULL,
    window_seconds {int} NOT NULL,
    per_api {int},
    per_user {int},
    per_app {int},
    PRIMARY KEY (workspace, name)
) {options};

ALTER TABLE apis ADD COLUMN throttle {text};
ALTER TABLE apis ADD COLUMN nonce {bool} NOT NULL DEFAULT FALSE;
ALTER TABLE apis ADD COLUMN odd_paths {bool} NOT NULL DEFAULT FALSE;
ALTER TABLE apis ADD COLUMN upgrade {bool} NOT NULL DEFAULT FALSE;
ALTER TABLE apis ADD COLUMN retries {int} NOT NULL DEFAULT 0;
ALTER TABLE apis ADD COLUMN http2 {bool} NOT NULL DEFAULT FALSE;
ALTER TABLE apis ADD COLUMN connect_timeout_ms {int};
ALTER TABLE apis ADD COLUMN read_timeout_ms {int};
ALTER TABLE apis ADD COLUMN total_timeout_ms {int};
ALTER TABLE apis ADD COLUMN more_backends {text} NOT NULL DEFAULT '';
CREATE INDEX apis_throttle ON apis (workspace, throttle) WHERE throttle IS NOT NULL;
"#,
};
