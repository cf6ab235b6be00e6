//! Users that are disabled, tokens that are revoked, where a token comes from, and the
//! applications that wait, by who filed them.

use super::step::Migration;

pub const MIGRATION: Migration = Migration {
    name: "m0007_people",
    sql: r#"
ALTER TABLE users ADD COLUMN disabled {bool} NOT NULL DEFAULT FALSE;
ALTER TABLE tokens ADD COLUMN parent {blob};
ALTER TABLE tokens ADD COLUMN revoked {bool} NOT NULL DEFAULT FALSE;
CREATE INDEX tokens_user ON tokens (user_id, expires_at);
CREATE INDEX applications_waiting ON applications (applicant) WHERE outcome IS NULL;
"#,
};
