//! An app as it is shown to people.

use tidegate_domain::App;
use tidegate_sign::Secret;

/// An app, with the names of people and, for its owner, the secret.
#[derive(Clone)]
pub struct AppShown {
    /// The app.
    pub app: App,
    /// The owner's name.
    pub owner: String,
    /// The name of who changed it last.
    pub updated_by: String,
    /// Its secret, if the caller may see it here.
    pub secret: Option<Secret>,
}
