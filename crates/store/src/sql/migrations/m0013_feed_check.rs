//! What the feed's token is recognised by.

use super::step::Migration;

pub const MIGRATION: Migration = Migration {
    name: "m0013_feed_check",
    sql: r#"
CREATE TABLE feed_check (
    one {int} NOT NULL PRIMARY KEY CHECK (one = 1),
    mac {blob} NOT NULL
) {options};
"#,
};
