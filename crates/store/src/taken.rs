//! The kinds of values that must be unique, as [`Taken`](crate::StoreError::Taken) names them.

/// Of an app or API that was deleted.
pub const ID: &str = "the id";
/// Of another user.
pub const ACCESS_KEY: &str = "the access key";
/// Of another user in the project.
pub const USER_NAME: &str = "the user name";
/// Of another app of the workspace.
pub const APP_NAME: &str = "the app name";
/// Of another API of the workspace.
pub const API_NAME: &str = "the API name";
/// Of another app.
pub const APP_KEY: &str = "the app key";
