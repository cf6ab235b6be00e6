//! Applications and notices, which share one record.

use serde::Serialize;
use tidegate_domain::{Application, Notice, Outcome, Timestamp};

use crate::enums::{ApplyStatus, ApplyType};
use crate::errors::text::void_words;

/// The names that a record shows beside the ids.
#[derive(Debug, Clone, Copy, Default)]
pub struct Names<'a> {
    /// The API's name.
    pub api: &'a str,
    /// The app's name, if it is about an app.
    pub app: Option<&'a str>,
    /// Of an application: who filed it. Of a notice: the app's owner, whom it is for.
    pub applicant: &'a str,
    /// Of an application: who decided it, or while it waits the API's reviewer. Of a notice: the
    /// reviewer who sent it.
    pub approver: Option<&'a str>,
}

/// An application or a notice (RecordForApplyDetail).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApplyRecord {
    /// Its id.
    pub id: String,
    /// Its state.
    pub api_apply_status: ApplyStatus,
    /// What it is about.
    pub api_apply_type: ApplyType,
    /// The API.
    pub api_id: String,
    /// Its name.
    pub api_name: String,
    /// Of an application: the end asked for. Of a notice: when access ends, as things stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_using_time: Option<i64>,
    /// The app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_name: Option<String>,
    /// When it was filed or sent.
    pub apply_time: i64,
    /// When it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_time: Option<i64>,
    /// Who decides or decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver_name: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Who filed or sent it.
    pub user_name: String,
    /// The instance; an extension, see the quirk `no-cluster-in-records`.
    pub instance_id: String,
}

impl ApplyRecord {
    /// An application; none when the vendor's lists do not show it.
    pub fn of_application(application: &Application, names: &Names<'_>) -> Option<Self> {
        let verdict = application.verdict.as_ref();
        let comment = verdict.and_then(|verdict| match verdict.outcome {
            Outcome::Void(cause) => Some(void_words(cause).to_owned()),
            Outcome::Passed | Outcome::Rejected | Outcome::Withdrawn => verdict.comment.clone(),
        });
        Some(Self {
            id: application.id.to_string(),
            api_apply_status: ApplyStatus::of_application(application)?,
            api_apply_type: application.kind.into(),
            api_id: application.api.to_string(),
            api_name: names.api.to_owned(),
            api_using_time: application.until.map(Timestamp::as_ms),
            app_id: application.app.as_ref().map(ToString::to_string),
            app_name: names.app.map(str::to_owned),
            apply_time: application.opened_at.as_ms(),
            approval_time: verdict.map(|verdict| verdict.at.as_ms()),
            approver_name: names.approver.map(str::to_owned),
            comment,
            user_name: names.applicant.to_owned(),
            instance_id: application.instance.to_string(),
        })
    }

    /// A notice; none when the vendor's lists do not show it.
    pub fn of_notice(notice: &Notice, names: &Names<'_>) -> Option<Self> {
        let closed = notice.closed.as_ref();
        let end = closed.map_or(notice.takes_effect(), |closed| closed.at);
        Some(Self {
            id: notice.id.to_string(),
            api_apply_status: ApplyStatus::of_notice(notice)?,
            api_apply_type: notice.kind.into(),
            api_id: notice.key.api.to_string(),
            api_name: names.api.to_owned(),
            api_using_time: Some(end.as_ms()),
            app_id: Some(notice.key.app.to_string()),
            app_name: names.app.map(str::to_owned),
            apply_time: notice.sent_at.as_ms(),
            approval_time: closed.map(|closed| closed.at.as_ms()),
            approver_name: names.approver.map(str::to_owned),
            comment: None,
            user_name: names.applicant.to_owned(),
            instance_id: notice.key.instance.to_string(),
        })
    }
}
