//! Which process speaks for a gateway, and the certificate its id is bound to.

use super::step::Migration;

pub const MIGRATION: Migration = Migration {
    name: "m0009_gateway_boots",
    sql: r#"
ALTER TABLE gateways ADD COLUMN boot {text} NOT NULL DEFAULT '';
ALTER TABLE gateways ADD COLUMN certificate {text} NOT NULL DEFAULT '';
"#,
};
