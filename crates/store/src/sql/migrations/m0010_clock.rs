//! By which clock the last decision was made.

use super::step::Migration;

pub const MIGRATION: Migration = Migration {
    name: "m0010_clock",
    sql: r#"
ALTER TABLE head ADD COLUMN clock {text} NOT NULL DEFAULT '';
"#,
};
