//! What the protocol says in names of its own, in words for people.

/// The state of an API on an instance.
pub fn api_status(name: &str) -> &str {
    match name {
        "API_STATUS_CREATED" => "not published yet",
        "API_STATUS_PUBLISH_WAIT_REVIEW" => "waiting for a reviewer to publish it",
        "API_STATUS_PUBLISH_REJECT" => "refused by its reviewer",
        "API_STATUS_PUBLISHED" => "published",
        "API_STATUS_WAITING_STOP" => "published, about to stop",
        "API_STATUS_STOPPED" => "stopped",
        "API_STATUS_RECOVER_WAIT_REVIEW" => "stopped, waiting for a reviewer to recover it",
        "API_STATUS_WAITING_OFFLINE" => "published, about to go offline",
        "API_STATUS_OFFLINE" => "offline",
        other => other,
    }
}

/// What an application or a notice is about.
pub fn kind(name: &str) -> &str {
    match name {
        "APPLY_TYPE_PUBLISH" => "publish",
        "APPLY_TYPE_APPLY" => "get a grant",
        "APPLY_TYPE_RENEW" => "renew a grant",
        "APPLY_TYPE_RECOVER" => "recover",
        "APPLY_TYPE_STOP" => "stop",
        "APPLY_TYPE_OFFLINE" => "go offline",
        "APPLY_TYPE_API_CANCEL_AUTHORIZE" => "end of a grant",
        other => other,
    }
}

/// The state of an application or a notice.
pub fn record_status(name: &str) -> &str {
    match name {
        "STATUS_TYPE_PENDING_APPROVAL" => "waiting",
        "STATUS_TYPE_PASSED" => "approved",
        "STATUS_TYPE_REJECTED" => "rejected",
        "STATUS_TYPE_PENDING_CHECK" => "unanswered",
        "STATUS_TYPE_PENDING_EXECUTE" => "confirmed for later",
        "STATUS_TYPE_SYNCHRONOUS_EXECUTE" => "carried out as confirmed",
        "STATUS_TYPE_FORCED_CANCEL" => "carried out at its deadline",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use tidegate_domain::publication::Status;
    use tidegate_domain::{ApplicationKind, NoticeKind, Timestamp};
    use tidegate_wire::enums::{ApiStatus, ApplyType};

    use super::*;

    fn name(value: impl serde::Serialize) -> String {
        serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
    }

    /// Nothing the server may say is shown as the wire has it.
    #[test]
    fn every_name_has_words() {
        for status in Status::each(Timestamp::from_ms(0)) {
            let wire = name(ApiStatus::from(status));
            assert_ne!(api_status(&wire), wire);
        }
        let kinds = [
            ApplicationKind::Apply,
            ApplicationKind::Renew,
            ApplicationKind::Publish,
            ApplicationKind::Recover,
        ];
        let notices = [NoticeKind::Cancel, NoticeKind::Stop, NoticeKind::Unpublish];
        let kinds = kinds.map(|kind| name(ApplyType::from(kind)));
        let notices = notices.map(|kind| name(ApplyType::from(kind)));
        for wire in kinds.iter().chain(&notices) {
            assert_ne!(kind(wire), wire);
        }
    }
}
