//! A row that is written to see whether rows can be written, and a duty of its own for what delivers
//! messages.

use super::step::Migration;

pub const MIGRATION: Migration = Migration {
    name: "m0008_probes",
    sql: r#"
CREATE TABLE probes (
    one {int} NOT NULL PRIMARY KEY CHECK (one = 1),
    number {int} NOT NULL
) {options};
INSERT INTO probes VALUES (1, 0);

CREATE TABLE delivery (
    one {int} NOT NULL PRIMARY KEY CHECK (one = 1),
    node {text} NOT NULL,
    number {int} NOT NULL,
    until {int} NOT NULL
) {options};
INSERT INTO delivery VALUES (1, '', 0, 0);
"#,
};
