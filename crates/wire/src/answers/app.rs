//! Apps.

use serde::Serialize;
use tidegate_domain::{App, AppKind};

use crate::enums::app_kind_text;
use crate::quirks::NO_DATA;

/// The names of the people an app was made and changed by.
#[derive(Debug, Clone, Copy)]
pub struct AppNames<'a> {
    /// Who made it, and owns it.
    pub owner: &'a str,
    /// Who changed it last.
    pub updated_by: &'a str,
}

/// An app (AppReturnDTO). It may carry the secret, so it has no `Debug`.
#[derive(Serialize)]
pub struct AppDto {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its key.
    pub app_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_secret: Option<String>,
    /// When it was made.
    pub register_time: i64,
    /// When it last changed.
    pub update_time: i64,
    /// Who made it.
    pub create_user: String,
    /// Who changed it last.
    pub update_user: String,
    /// Its kind.
    pub app_type: &'static str,
}

impl AppDto {
    /// The app, with its secret if the caller may see it. An IAM app has neither key nor secret.
    pub fn of(app: &App, names: &AppNames<'_>, secret: Option<&str>) -> Self {
        let (app_key, app_secret) = match app.kind {
            AppKind::App => (app.app_key.clone(), secret.map(str::to_owned)),
            AppKind::Iam => (NO_DATA.to_owned(), Some(NO_DATA.to_owned())),
        };
        Self {
            id: app.id.to_string(),
            name: app.name.clone(),
            description: app.description.clone(),
            app_key,
            app_secret,
            register_time: app.created_at.as_ms(),
            update_time: app.updated_at.as_ms(),
            create_user: names.owner.to_owned(),
            update_user: names.updated_by.to_owned(),
            app_type: app_kind_text(app.kind),
        }
    }
}
