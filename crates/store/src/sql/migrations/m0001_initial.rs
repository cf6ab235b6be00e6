//! The first tables.

use super::step::Migration;

pub const MIGRATION: Migration = Migration {
    name: "m0001_initial",
    sql: r#"
CREATE TABLE head (
    one {int} NOT NULL PRIMARY KEY CHECK (one = 1),
    epoch {text} NOT NULL,
    revision {int} NOT NULL,
    decided_at {int} NOT NULL
) {options};

CREATE TABLE projects (
    id {text} NOT NULL PRIMARY KEY,
    name {text} NOT NULL,
    domain {text} NOT NULL,
    domain_name {text} NOT NULL,
    revision {int} NOT NULL
) {options};
CREATE INDEX projects_domain_name ON projects (domain_name);
CREATE INDEX projects_revision ON projects (revision);

CREATE TABLE users (
    id {text} NOT NULL PRIMARY KEY,
    project {text} NOT NULL,
    name {text} NOT NULL,
    name_lower {text} NOT NULL,
    password_hash {text} NOT NULL,
    access_key {text},
    secret_key {blob} NOT NULL
) {options};
CREATE UNIQUE INDEX users_access_key ON users (access_key);
CREATE UNIQUE INDEX users_name ON users (project, name);

CREATE TABLE workspaces (
    id {text} NOT NULL PRIMARY KEY,
    project {text} NOT NULL,
    name {text} NOT NULL
) {options};
CREATE INDEX workspaces_project ON workspaces (project, id);

CREATE TABLE members (
    workspace {text} NOT NULL,
    user_id {text} NOT NULL,
    role {text} NOT NULL,
    is_reviewer {bool} NOT NULL,
    PRIMARY KEY (workspace, user_id)
) {options};

CREATE TABLE instances (
    project {text} NOT NULL,
    id {text} NOT NULL,
    name {text} NOT NULL,
    description {text} NOT NULL,
    created_at {int} NOT NULL,
    revision {int} NOT NULL,
    PRIMARY KEY (project, id)
) {options};
CREATE INDEX instances_revision ON instances (revision);

CREATE TABLE tokens (
    hash {blob} NOT NULL PRIMARY KEY,
    user_id {text} NOT NULL,
    project {text} NOT NULL,
    issued_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    revision {int} NOT NULL
) {options};
CREATE INDEX tokens_expires_at ON tokens (expires_at);
CREATE INDEX tokens_revision ON tokens (revision);

CREATE TABLE apps (
    id {text} NOT NULL PRIMARY KEY,
    project {text} NOT NULL,
    workspace {text} NOT NULL,
    name {text} NOT NULL,
    name_lower {text} NOT NULL,
    description {text} NOT NULL,
    kind {text} NOT NULL,
    app_key {text},
    owner {text} NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    updated_by {text} NOT NULL,
    secret_reset_at {int},
    secret {blob} NOT NULL,
    deleted {bool} NOT NULL,
    revision {int} NOT NULL
) {options};
CREATE UNIQUE INDEX apps_app_key ON apps (app_key);
CREATE INDEX apps_created_at ON apps (created_at, id);
CREATE INDEX apps_project ON apps (project, created_at, id);
CREATE INDEX apps_workspace ON apps (workspace, created_at, id);
CREATE INDEX apps_owner ON apps (owner);
CREATE INDEX apps_deleted ON apps (deleted, id);
CREATE INDEX apps_revision ON apps (revision);

CREATE TABLE apis (
    id {text} NOT NULL PRIMARY KEY,
    project {text} NOT NULL,
    workspace {text} NOT NULL,
    name {text} NOT NULL,
    name_lower {text} NOT NULL,
    description {text} NOT NULL,
    description_lower {text} NOT NULL,
    auth {text} NOT NULL,
    method {text} NOT NULL,
    path {text} NOT NULL,
    shape {text} NOT NULL,
    visibility {text} NOT NULL,
    manager {text} NOT NULL,
    created_by {text} NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    retention_hours {int} NOT NULL,
    definition {text} NOT NULL,
    deleted {bool} NOT NULL,
    revision {int} NOT NULL
) {options};
CREATE INDEX apis_created_at ON apis (created_at, id);
CREATE INDEX apis_project ON apis (project, created_at, id);
CREATE INDEX apis_workspace ON apis (workspace, created_at, id);
CREATE INDEX apis_manager ON apis (manager);
CREATE INDEX apis_route ON apis (project, method, shape);
CREATE INDEX apis_deleted ON apis (deleted, id);
CREATE INDEX apis_revision ON apis (revision);

CREATE TABLE api_tags (
    api {text} NOT NULL,
    ordinal {int} NOT NULL,
    tag {text} NOT NULL,
    PRIMARY KEY (api, ordinal)
) {options};
CREATE INDEX api_tags_tag ON api_tags (tag, api);

CREATE TABLE publications (
    api {text} NOT NULL,
    instance {text} NOT NULL,
    status {text} NOT NULL,
    status_at {int},
    published_at {int},
    application_id {text},
    due_at {int},
    revision {int} NOT NULL,
    PRIMARY KEY (api, instance)
) {options};
CREATE INDEX publications_due_at ON publications (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX publications_revision ON publications (revision);

CREATE TABLE standings (
    api {text} NOT NULL,
    instance {text} NOT NULL,
    app {text} NOT NULL,
    since {int},
    until {int},
    granted_by {text},
    cut_at {int},
    cut_cause {text},
    application_id {text},
    application_until {int},
    cancellation_id {text},
    shutdown_id {text},
    paused_from {int},
    due_at {int},
    revision {int} NOT NULL,
    PRIMARY KEY (api, instance, app)
) {options};
CREATE INDEX standings_app ON standings (app, api, instance);
CREATE INDEX standings_due_at ON standings (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX standings_revision ON standings (revision);

CREATE TABLE applications (
    id {text} NOT NULL PRIMARY KEY,
    kind {text} NOT NULL,
    api {text} NOT NULL,
    instance {text} NOT NULL,
    app {text},
    applicant {text} NOT NULL,
    until {int},
    opened_at {int} NOT NULL,
    outcome {text},
    verdict_at {int},
    verdict_by {text},
    verdict_comment {text}
) {options};
CREATE INDEX applications_opened_at ON applications (opened_at, id);
CREATE INDEX applications_api ON applications (api, opened_at, id);
CREATE INDEX applications_applicant ON applications (applicant, opened_at, id);
CREATE INDEX applications_pending ON applications (opened_at, id) WHERE outcome IS NULL;

CREATE TABLE notices (
    id {text} NOT NULL PRIMARY KEY,
    kind {text} NOT NULL,
    api {text} NOT NULL,
    instance {text} NOT NULL,
    app {text} NOT NULL,
    sent_by {text} NOT NULL,
    sent_at {int} NOT NULL,
    deadline {int} NOT NULL,
    scheduled {int},
    outcome {text},
    closed_at {int},
    closed_by {text}
) {options};
CREATE INDEX notices_sent_at ON notices (sent_at, id);
CREATE INDEX notices_api ON notices (api, sent_at, id);
CREATE INDEX notices_app ON notices (app, sent_at, id);
CREATE INDEX notices_running ON notices (sent_at, id) WHERE outcome IS NULL;

CREATE TABLE journal (
    revision {int} NOT NULL,
    ordinal {int} NOT NULL,
    written_at {int} NOT NULL,
    actor {text},
    what {text} NOT NULL,
    subject {text} NOT NULL,
    details {text} NOT NULL,
    PRIMARY KEY (revision, ordinal)
) {options};

CREATE TABLE outbox (
    revision {int} NOT NULL,
    ordinal {int} NOT NULL,
    written_at {int} NOT NULL,
    recipient {text} NOT NULL,
    what {text} NOT NULL,
    subject {text} NOT NULL,
    details {text} NOT NULL,
    PRIMARY KEY (revision, ordinal)
) {options};
"#,
};
