//! The tables, as SeaORM sees them. The migrations make them; nothing here does.
//!
//! Moments are milliseconds since the epoch. A column `*_lower` is a lower-cased copy to search in,
//! because engines fold only ASCII, or by a locale.

macro_rules! table {
    ($module:ident, $name:literal;
     $($key:ident: $key_type:ident $(<$key_inner:ident>)?),+;
     $($column:ident: $type:ident $(<$inner:ident>)?),+ $(,)?) => {
        pub mod $module {
            use sea_orm::entity::prelude::*;

            /// A name without angle brackets, for columns that may be empty.
            #[allow(dead_code, reason = "most tables have no such column")]
            type Bytes = Vec<u8>;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $name)]
            pub struct Model {
                $(#[sea_orm(primary_key, auto_increment = false)]
                pub $key: $key_type $(<$key_inner>)?,)+
                $(pub $column: $type $(<$inner>)?,)+
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

table! { migrations, "migrations"; name: String; ordinal: i64 }

table! { duty, "duty"; one: i64; node: String, number: i64, until: i64 }

table! { probes, "probes"; one: i64; number: i64 }

table! { reminders, "reminders"; name: String; mark_at: i64, mark_key: String }

table! { head, "head"; one: i64; epoch: String, revision: i64, decided_at: i64, stamp: String, parent: String, clock: String }

table! { history, "history"; slot: i64; revision: i64, stamp: String }

table! { former_epochs, "former_epochs"; epoch: String; revision: i64 }

table! { setbacks, "setbacks"; epoch: String, revision: i64, stamp: String;
known_by: String, head_revision: i64, decided_at: i64 }

table! { vault_check, "vault_check"; one: i64; sealed: Vec<u8> }

table! { feed_check, "feed_check"; one: i64; mac: Vec<u8> }

table! { projects, "projects"; id: String;
name: String, domain: String, domain_name: String, revision: i64 }

table! { users, "users"; id: String;
project: String, name: String, name_lower: String, password_hash: String,
access_key: Option<String>, secret_key: Vec<u8>, disabled: bool }

table! { workspaces, "workspaces"; id: String; project: String, name: String }

table! { members, "members"; workspace: String, user_id: String;
role: String, is_reviewer: bool }

table! { instances, "instances"; project: String, id: String;
name: String, description: String, created_at: i64, revision: i64, hosts: String }

table! { default_project, "default_project"; one: i64; project: String, revision: i64 }

table! { tokens, "tokens"; hash: Vec<u8>;
user_id: String, project: String, issued_at: i64, expires_at: i64, revision: i64,
parent: Option<Bytes>, revoked: bool }

table! { apps, "apps"; id: String;
project: String, workspace: String, name: String, name_lower: String, description: String,
kind: String, app_key: Option<String>, owner: String, created_at: i64, updated_at: i64,
updated_by: String, secret_reset_at: Option<i64>, secret: Vec<u8>, deleted: bool,
revision: i64, named_in: Option<String> }

table! { apis, "apis"; id: String;
project: String, workspace: String, name: String, name_lower: String, description: String,
description_lower: String, auth: String, method: String, path: String, shape: String,
visibility: String, manager: String, created_by: String, created_at: i64, updated_at: i64,
retention_hours: i64, definition: String, deleted: bool, revision: i64,
throttle: Option<String>, nonce: bool, odd_paths: bool, upgrade: bool, retries: i64, http2: bool,
connect_timeout_ms: Option<i64>, read_timeout_ms: Option<i64>, total_timeout_ms: Option<i64>,
more_backends: String, require_signed_host: bool, forward_credentials: bool, named_in: Option<String> }

table! { api_tags, "api_tags"; api: String, ordinal: i64; tag: String }

table! { throttles, "throttles"; workspace: String, name: String;
window_seconds: i64, per_api: Option<i64>, per_user: Option<i64>, per_app: Option<i64> }

table! { publications, "publications"; api: String, instance: String;
status: String, status_at: Option<i64>, published_at: Option<i64>,
application_id: Option<String>, due_at: Option<i64>, revision: i64 }

table! { standings, "standings"; api: String, instance: String, app: String;
since: Option<i64>, until: Option<i64>, granted_by: Option<String>, cut_at: Option<i64>,
cut_cause: Option<String>, application_id: Option<String>, application_until: Option<i64>,
cancellation_id: Option<String>, shutdown_id: Option<String>, paused_from: Option<i64>,
due_at: Option<i64>, revision: i64 }

table! { applications, "applications"; id: String;
kind: String, api: String, instance: String, app: Option<String>, applicant: String,
until: Option<i64>, opened_at: i64, outcome: Option<String>, verdict_at: Option<i64>,
verdict_by: Option<String>, verdict_comment: Option<String> }

table! { notices, "notices"; id: String;
kind: String, api: String, instance: String, app: String, sent_by: String, sent_at: i64,
deadline: i64, scheduled: Option<i64>, outcome: Option<String>, closed_at: Option<i64>,
closed_by: Option<String> }

table! { gateways, "gateways"; id: String;
name: String, version: String, epoch: String, revision: Option<i64>, acknowledged_at: i64,
registered_at: i64, heard_at: i64, lease_ms: i64, clock_ahead_ms: i64, beat: i64,
boot: String, certificate: String, stamp: String }

table! { journal, "journal"; revision: i64, ordinal: i64;
written_at: i64, actor: Option<String>, what: String, subject: String, details: String }

table! { outbox, "outbox"; revision: i64, ordinal: i64;
written_at: i64, recipient: String, what: String, subject: String, details: String, tries: i64, next_try_at: i64, name: String }
