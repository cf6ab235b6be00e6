//! Names of apps and APIs are unique by an index. `named_in` is where the name is: the workspace, or the
//! project for an app of the kind `iam`. It is empty for what was deleted. Were there two of one name in an
//! older database, the oldest has the name; the others stay as they are, beside the index, until they are
//! renamed or deleted.

use super::step::Migration;

pub const MIGRATION: Migration = Migration {
    name: "m0012_names",
    sql: r#"
ALTER TABLE apps ADD COLUMN named_in {text};
UPDATE apps SET named_in = CASE WHEN kind = 'iam' THEN 'project ' || project ELSE workspace END
    WHERE id IN (
        SELECT id FROM (
            SELECT id, ROW_NUMBER() OVER (
                PARTITION BY CASE WHEN kind = 'iam' THEN 'project ' || project ELSE workspace END, name
                ORDER BY created_at, id
            ) AS place FROM apps WHERE NOT deleted
        ) AS ranked WHERE place = 1
    );
CREATE UNIQUE INDEX apps_named ON apps (named_in, name);

ALTER TABLE apis ADD COLUMN named_in {text};
UPDATE apis SET named_in = workspace
    WHERE id IN (
        SELECT id FROM (
            SELECT id, ROW_NUMBER() OVER (PARTITION BY workspace, name ORDER BY created_at, id) AS place
            FROM apis WHERE NOT deleted
        ) AS ranked WHERE place = 1
    );
CREATE UNIQUE INDEX apis_named ON apis (named_in, name);
"#,
};
