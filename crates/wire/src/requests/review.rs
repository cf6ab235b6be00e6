//! Verdicts on applications and answers to notices.

use serde::{Deserialize, Serialize};
use tidegate_domain::standing::Choice;
use tidegate_domain::{ApplicationId, NoticeId, Refusal};

use crate::limits::{BATCH_APPLICATIONS, TEXT_CHARS};
use crate::text::{distinct, free_text, malformed, required};
use crate::{ids, time};

/// The body of `POST /applys` (OpenApplyIdsForApproveApply).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecideBody {
    /// True: agreed to, false: refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apply_result: Option<bool>,
    /// The applications.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apply_ids: Option<Vec<String>>,
    /// Why; an extension of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// One verdict on several applications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The applications, each once.
    pub applications: Vec<ApplicationId>,
    /// Agreed to?
    pub pass: bool,
    /// Why.
    pub comment: Option<String>,
}

impl DecideBody {
    /// The plain values.
    pub fn parse(&self) -> Result<Decision, Refusal> {
        let missing = |field| Refusal::FieldMissing { field };
        let applications = self.apply_ids.as_ref().ok_or(missing("apply_ids"))?;
        let pass = self.apply_result.ok_or(missing("apply_result"))?;
        if applications.is_empty() {
            return Err(malformed("`apply_ids` is empty; name at least one application"));
        }
        if applications.len() > BATCH_APPLICATIONS {
            return Err(Refusal::TooMany { what: "applications", max: BATCH_APPLICATIONS });
        }
        let comment = self.comment.as_ref().filter(|comment| !comment.trim().is_empty());
        if let Some(comment) = comment {
            free_text("comment", comment, TEXT_CHARS)?;
        }
        let applications: Result<Vec<ApplicationId>, Refusal> =
            applications.iter().map(|id| ids::application(id)).collect();
        Ok(Decision { applications: distinct(applications?), pass, comment: comment.cloned() })
    }
}

/// The body of `POST /messages` (OpenApiParaForCheckMessage).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfirmBody {
    /// The notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// 0: now, 1: at `time`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<i64>,
    /// When, for action 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

/// An answer to a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// The notice.
    pub notice: NoticeId,
    /// When it shall take effect.
    pub choice: Choice,
}

impl ConfirmBody {
    /// The plain values.
    pub fn parse(&self) -> Result<Confirmation, Refusal> {
        let notice = required("message_id", self.message_id.as_ref())?;
        let action = self.action.ok_or(Refusal::FieldMissing { field: "action" })?;
        let choice = match action {
            // The time is not even read: the end is now.
            0 => Choice::Now,
            1 => Choice::At(match &self.time {
                None => None,
                Some(time) => Some(time::parse_field("time", time)?),
            }),
            other => {
                return Err(malformed(format!(
                    "`action` is {other}; allowed: 0 (now), 1 (at `time`)"
                )));
            }
        };
        Ok(Confirmation { notice: ids::notice(notice)?, choice })
    }
}
