//! Ids as they come in paths and bodies. A text that can be no id names nothing, so each is refused
//! as the unknown thing it is meant for, exactly like an id that was never given out.

use tidegate_domain::{
    ApiId, AppId, ApplicationId, InstanceId, NoticeId, Refusal, ThrottleName, WorkspaceId,
};

use crate::limits::ECHO_CHARS;
use crate::text::{echo, malformed, visible};

/// The API called `text`.
pub fn api(text: &str) -> Result<ApiId, Refusal> {
    ApiId::parse(text).map_err(|_| Refusal::ApiUnknown)
}

/// The API called `text`, in the call that deletes APIs.
pub fn api_to_delete(text: &str) -> Result<ApiId, Refusal> {
    ApiId::parse(text).map_err(|_| Refusal::ApiToDeleteUnknown)
}

/// The app called `text`.
pub fn app(text: &str) -> Result<AppId, Refusal> {
    AppId::parse(text).map_err(|_| Refusal::AppUnknown {
        app: visible(&text.chars().take(ECHO_CHARS).collect::<String>()),
    })
}

/// The instance called `text`.
pub fn instance(text: &str) -> Result<InstanceId, Refusal> {
    InstanceId::parse(text).map_err(|_| Refusal::InstanceUnknown)
}

/// The instance called `text`, in the call that shows one.
pub fn instance_to_show(text: &str) -> Result<InstanceId, Refusal> {
    InstanceId::parse(text).map_err(|_| Refusal::InstanceToShowUnknown)
}

/// The application called `text`.
pub fn application(text: &str) -> Result<ApplicationId, Refusal> {
    ApplicationId::parse(text).map_err(|_| Refusal::ApplicationUnknown)
}

/// The notice called `text`.
pub fn notice(text: &str) -> Result<NoticeId, Refusal> {
    NoticeId::parse(text).map_err(|_| Refusal::NoticeUnknown)
}

/// The throttling policy called `text`.
pub fn throttle(text: &str) -> Result<ThrottleName, Refusal> {
    ThrottleName::parse(text).map_err(|_| Refusal::ThrottleUnknown {
        name: visible(&text.chars().take(ECHO_CHARS).collect::<String>()),
    })
}

/// A throttling policy that may get the name `text`.
pub fn throttle_to_set(text: &str) -> Result<ThrottleName, Refusal> {
    ThrottleName::parse(text).map_err(|_| {
        malformed(format!(
            "the policy's name is {}; a name has 1 to 64 letters, digits, `-`, `_` or `.`",
            echo(text)
        ))
    })
}

/// The workspace called `text`.
pub fn workspace(text: &str) -> Result<WorkspaceId, Refusal> {
    WorkspaceId::parse(text.trim()).map_err(|_| Refusal::WorkspaceUnknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_no_id_does_not_exist() {
        let bad = "a/b";
        assert_eq!(api(bad), Err(Refusal::ApiUnknown));
        assert_eq!(api_to_delete(bad), Err(Refusal::ApiToDeleteUnknown));
        assert_eq!(app(bad), Err(Refusal::AppUnknown { app: bad.into() }));
        assert_eq!(instance(bad), Err(Refusal::InstanceUnknown));
        assert_eq!(instance_to_show(bad), Err(Refusal::InstanceToShowUnknown));
        assert_eq!(application(bad), Err(Refusal::ApplicationUnknown));
        assert_eq!(notice(bad), Err(Refusal::NoticeUnknown));
        assert_eq!(workspace(bad), Err(Refusal::WorkspaceUnknown));
        assert_eq!(throttle(bad), Err(Refusal::ThrottleUnknown { name: bad.into() }));
        assert!(matches!(throttle_to_set(bad), Err(Refusal::Malformed { .. })));
        assert_eq!(api("0").unwrap().as_str(), "0");
        assert_eq!(workspace(" w1 ").unwrap().as_str(), "w1");
    }

    #[test]
    fn a_strange_app_is_repeated_shortened() {
        let long = "x/".repeat(500);
        let Err(Refusal::AppUnknown { app }) = app(&long) else { panic!("taken for an id") };
        assert_eq!(app.len(), ECHO_CHARS);
    }
}
