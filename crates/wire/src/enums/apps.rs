//! Apps and people.

use tidegate_domain::{AppKind, Refusal, Role};

use super::{look_up, texts};

/// What is read as a kind of app. The last four are legacy words that all came to mean APP.
const APP_KINDS: [(&str, AppKind); 6] = [
    ("APP", AppKind::App),
    ("IAM", AppKind::Iam),
    ("APIG", AppKind::App),
    ("APIGW", AppKind::App),
    ("DLM", AppKind::App),
    ("ROMA_APIC", AppKind::App),
];

/// The kind of an app, as text.
pub const fn app_kind_text(kind: AppKind) -> &'static str {
    match kind {
        AppKind::App => "APP",
        AppKind::Iam => "IAM",
    }
}

/// The kind of an app; the legacy words all mean APP.
pub fn parse_app_kind(field: &str, text: &str) -> Result<AppKind, Refusal> {
    look_up(field, &APP_KINDS, text)
}

const ROLES: [(&str, Role); 4] = [
    (Role::Admin.name(), Role::Admin),
    (Role::Developer.name(), Role::Developer),
    (Role::Operator.name(), Role::Operator),
    (Role::Viewer.name(), Role::Viewer),
];

/// A role of a workspace.
pub fn parse_role(field: &str, text: &str) -> Result<Role, Refusal> {
    look_up(field, &ROLES, text)
}

texts! {
    /// The kinds of the vendor's own gateways.
    GatewayKind {
        /// The shared one.
        Apig = "APIG",
        /// A dedicated one.
        Apigw = "APIGW",
        /// The one of its integration product.
        RomaApic = "ROMA_APIC",
    }
}
