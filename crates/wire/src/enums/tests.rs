use tidegate_domain::api::Method;
use tidegate_domain::notice::Closed;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::{Key, Relationship};
use tidegate_domain::{
    ApiId, AppId, AppKind, Application, ApplicationId, ApplicationKind, AuthType, InstanceId,
    Notice, NoticeId, NoticeKind, NoticeOutcome, Outcome, Refusal, Role, Timestamp, UserId,
    Visibility, VoidCause,
};

use super::*;

macro_rules! read_back {
    ($($name:ident: $count:literal),+ $(,)?) => {$(
        assert_eq!($name::ALL.len(), $count, stringify!($name));
        for (value, text) in $name::ALL.iter().zip($name::TEXTS) {
            assert_eq!(value.as_str(), *text);
            assert_eq!($name::from_text(text), Some(*value));
            assert_eq!($name::parse("f", text), Ok(*value));
            assert_eq!(serde_json::to_value(value).unwrap(), *text);
            assert_eq!($name::from_text(&text.to_lowercase()), None);
        }
    )+};
}

#[test]
fn every_text_is_read_back() {
    read_back!(
        RelationshipType: 4,
        ApplyStatus: 7,
        ApplyType: 9,
        ActionKind: 5,
        ApiStatus: 10,
        ApiDebug: 3,
        ApiType: 8,
        AuthorizationStatus: 3,
        Protocol: 2,
        PublishType: 2,
        Position: 4,
        ParaType: 2,
        ApiActionKind: 3,
        PublishFilter: 2,
        Edition: 2,
        InstanceAction: 6,
        InstanceCause: 3,
        InstanceType: 4,
        GatewayKind: 3,
    );
    for auth in [AuthType::App, AuthType::Iam, AuthType::None] {
        assert_eq!(parse_auth_type("f", auth_type_text(auth)), Ok(auth));
    }
    for visibility in [Visibility::Workspace, Visibility::Project, Visibility::Domain] {
        assert_eq!(parse_visibility("f", visibility_text(visibility)), Ok(visibility));
    }
    for method in [Method::Get, Method::Post] {
        assert_eq!(parse_method("f", method_text(method)), Ok(method));
    }
    for role in Role::ALL {
        assert_eq!(parse_role("f", role.name()), Ok(role));
    }
}

#[test]
fn an_unknown_text_is_told_what_is_allowed() {
    let refusal = ActionKind::parse("apply_type", "AUTHORIZE").unwrap_err();
    assert_eq!(
        refusal,
        Refusal::Malformed {
            what: "`apply_type` is `AUTHORIZE`; allowed: APPLY_TYPE_AUTHORIZE, APPLY_TYPE_APPLY, \
                   APPLY_TYPE_RENEW, APPLY_TYPE_API_CANCEL_AUTHORIZE, \
                   APPLY_TYPE_APP_CANCEL_AUTHORIZE"
                .into()
        }
    );
    assert!(parse_auth_type("auth_type", "app").is_err());
}

#[test]
fn legacy_kinds_of_apps_mean_app() {
    for text in ["APP", "APIG", "APIGW", "DLM", "ROMA_APIC"] {
        assert_eq!(parse_app_kind("app_type", text), Ok(AppKind::App), "{text}");
    }
    assert_eq!(parse_app_kind("app_type", "IAM"), Ok(AppKind::Iam));
    assert!(parse_app_kind("app_type", "iam").is_err());
    assert_eq!(app_kind_text(AppKind::App), "APP");
    assert_eq!(app_kind_text(AppKind::Iam), "IAM");
}

fn application(outcome: Option<Outcome>) -> Application {
    let open = Application {
        id: ApplicationId::parse("a1").unwrap(),
        kind: ApplicationKind::Apply,
        api: ApiId::parse("api").unwrap(),
        instance: InstanceId::parse("i1").unwrap(),
        app: None,
        applicant: UserId::parse("u1").unwrap(),
        until: None,
        opened_at: Timestamp::from_ms(0),
        verdict: None,
    };
    match outcome {
        None => open,
        Some(outcome) => open.closed(tidegate_domain::Verdict {
            outcome,
            at: Timestamp::from_ms(1),
            by: None,
            comment: None,
        }),
    }
}

#[test]
fn states_of_applications() {
    use ApplyStatus::{Passed, PendingApproval, Rejected};
    for (outcome, status) in [
        (None, Some(PendingApproval)),
        (Some(Outcome::Passed), Some(Passed)),
        (Some(Outcome::Rejected), Some(Rejected)),
        (Some(Outcome::Withdrawn), None),
        (Some(Outcome::Void(VoidCause::EndPassed)), Some(Rejected)),
        (Some(Outcome::Void(VoidCause::Unpublished)), Some(Rejected)),
    ] {
        let application = application(outcome);
        assert_eq!(ApplyStatus::of_application(&application), status, "{outcome:?}");
    }
}

#[test]
fn states_of_notices() {
    use ApplyStatus::{ForcedCancel, Passed, PendingCheck, PendingExecute, SynchronousExecute};
    for (scheduled, outcome, status) in [
        (None, None, Some(PendingCheck)),
        (Some(5), None, Some(PendingExecute)),
        (None, Some(NoticeOutcome::Confirmed), Some(SynchronousExecute)),
        (Some(5), Some(NoticeOutcome::Released), Some(SynchronousExecute)),
        (Some(5), Some(NoticeOutcome::Executed), Some(Passed)),
        (None, Some(NoticeOutcome::Forced), Some(ForcedCancel)),
        (None, Some(NoticeOutcome::Withdrawn), None),
    ] {
        let notice = Notice {
            id: NoticeId::parse("n1").unwrap(),
            kind: NoticeKind::Cancel,
            key: Key {
                api: ApiId::parse("api").unwrap(),
                instance: InstanceId::parse("i1").unwrap(),
                app: AppId::parse("app").unwrap(),
            },
            sent_by: UserId::parse("u1").unwrap(),
            sent_at: Timestamp::from_ms(0),
            deadline: Timestamp::from_ms(9),
            scheduled: scheduled.map(Timestamp::from_ms),
            closed: outcome.map(|outcome| Closed { outcome, at: Timestamp::from_ms(5), by: None }),
        };
        assert_eq!(ApplyStatus::of_notice(&notice), status, "{outcome:?}");
    }
}

#[test]
fn states_of_the_domain_have_their_words() {
    let at = Timestamp::from_ms(0);
    for (status, text) in [
        (Status::Created, "API_STATUS_CREATED"),
        (Status::PublishPending, "API_STATUS_PUBLISH_WAIT_REVIEW"),
        (Status::PublishRejected, "API_STATUS_PUBLISH_REJECT"),
        (Status::Published, "API_STATUS_PUBLISHED"),
        (Status::Stopping { at }, "API_STATUS_WAITING_STOP"),
        (Status::Stopped, "API_STATUS_STOPPED"),
        (Status::RecoverPending, "API_STATUS_RECOVER_WAIT_REVIEW"),
        (Status::Unpublishing { at }, "API_STATUS_WAITING_OFFLINE"),
        (Status::Offline, "API_STATUS_OFFLINE"),
    ] {
        assert_eq!(ApiStatus::from(status).as_str(), text);
    }
    for (relationship, text) in [
        (Relationship::Applied, "LINK_WAITING_CHECK"),
        (Relationship::Linked, "LINKED"),
        (Relationship::Ending, "OFFLINE_WAITING_CHECK"),
        (Relationship::Renewing, "RENEW_WAITING_CHECK"),
    ] {
        assert_eq!(RelationshipType::from(relationship).as_str(), text);
    }
    for (kind, text) in [
        (ApplicationKind::Apply, "APPLY_TYPE_APPLY"),
        (ApplicationKind::Renew, "APPLY_TYPE_RENEW"),
        (ApplicationKind::Publish, "APPLY_TYPE_PUBLISH"),
        (ApplicationKind::Recover, "APPLY_TYPE_RECOVER"),
    ] {
        assert_eq!(ApplyType::from(kind).as_str(), text);
    }
    for (kind, text) in [
        (NoticeKind::Cancel, "APPLY_TYPE_API_CANCEL_AUTHORIZE"),
        (NoticeKind::Stop, "APPLY_TYPE_STOP"),
        (NoticeKind::Unpublish, "APPLY_TYPE_OFFLINE"),
    ] {
        assert_eq!(ApplyType::from(kind).as_str(), text);
    }
}

#[test]
fn the_edition_is_told_or_inferred() {
    let (shared, own) = (InstanceId::shared(), InstanceId::parse("i1").unwrap());
    for (header, instance, edition_or_refused) in [
        (None, None, Some(None)),
        (Some(""), None, Some(None)),
        (None, Some(&shared), Some(Some(Edition::Shared))),
        (None, Some(&own), Some(Some(Edition::Exclusive))),
        (Some("EXCLUSIVE"), None, Some(Some(Edition::Exclusive))),
        (Some("exclusive"), Some(&own), Some(Some(Edition::Exclusive))),
        (Some("SHARED"), Some(&shared), Some(Some(Edition::Shared))),
        (Some("SHARED"), Some(&own), None),
        (Some("EXCLUSIVE"), Some(&shared), None),
        (Some("PRIVATE"), None, None),
    ] {
        assert_eq!(edition(header, instance).ok(), edition_or_refused, "{header:?} {instance:?}");
    }
    assert_eq!(InstanceType::of(&shared), InstanceType::Apig);
    assert_eq!(InstanceType::of(&own), InstanceType::Dlm);
}

#[test]
fn kinds_of_queries() {
    for (text, kind) in [
        (None, Some(QueryType::ToDecide)),
        (Some(""), Some(QueryType::ToDecide)),
        (Some("0"), Some(QueryType::ToDecide)),
        (Some("1"), Some(QueryType::Decided)),
        (Some("2"), Some(QueryType::SentAsDeveloper)),
        (Some("3"), Some(QueryType::SentAsCaller)),
        (Some("4"), None),
        (Some("-1"), None),
    ] {
        assert_eq!(QueryType::parse(text).ok(), kind, "{text:?}");
    }
}

#[test]
fn what_asks_nobody_needs_no_authorization() {
    assert_eq!(AuthorizationStatus::of(AuthType::None, true), AuthorizationStatus::NotRequired);
    assert_eq!(AuthorizationStatus::of(AuthType::App, true), AuthorizationStatus::Authorized);
    assert_eq!(AuthorizationStatus::of(AuthType::Iam, false), AuthorizationStatus::Unauthorized);
}
