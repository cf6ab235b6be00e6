//! Hosts of instances, and the project that serves calls to hosts which no instance names.
//!
//! Before this step all projects shared one space of routes. Of those that have something published, the one
//! that was the first keeps the calls; the others are served again once their instances name hosts.

use super::step::Migration;

pub const MIGRATION: Migration = Migration {
    name: "m0005_hosts",
    sql: r#"
ALTER TABLE instances ADD COLUMN hosts {text} NOT NULL DEFAULT '';

CREATE TABLE default_project (
    one {int} NOT NULL PRIMARY KEY CHECK (one = 1),
    project {text} NOT NULL,
    revision {int} NOT NULL
) {options};
INSERT INTO default_project
    SELECT 1, apis.project, head.revision
    FROM publications JOIN apis ON apis.id = publications.api CROSS JOIN head
    WHERE apis.deleted = FALSE
        AND publications.status IN
            ('published', 'stopping', 'stopped', 'recover_pending', 'unpublishing')
        AND NOT (publications.status = 'unpublishing' AND publications.status_at <= head.decided_at)
    ORDER BY publications.published_at, apis.created_at, apis.id
    LIMIT 1;

ALTER TABLE apis ADD COLUMN require_signed_host {bool} NOT NULL DEFAULT FALSE;
ALTER TABLE apis ADD COLUMN forward_credentials {bool} NOT NULL DEFAULT FALSE;
"#,
};
