//! Reviewers.

use serde::Serialize;
use tidegate_domain::{ProjectId, UserId};

/// A reviewer of a workspace, in the list that Terraform reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApproverRecord {
    /// His id.
    pub id: String,
    /// His name.
    pub approver_name: String,
    /// His id as a user.
    pub user_id: String,
    /// His name as a user.
    pub user_name: String,
    /// Where mail reaches him.
    pub email: String,
    /// Where calls reach him.
    pub phone_number: String,
    /// Where he works.
    pub department: &'static str,
    /// Who he is.
    pub description: &'static str,
    /// Unexplained; always empty.
    pub character: &'static str,
    /// Who put him on the list.
    pub create_by: String,
    /// When, in milliseconds; 0, for it is not kept.
    pub create_time: i64,
    /// The part of the product that asks.
    pub app_name: &'static str,
    /// A topic he is told through; none here.
    pub topic_urn: &'static str,
    /// A form he is told in; none here.
    pub template_id: &'static str,
    /// The project.
    pub project_id: String,
    /// The kind of reviewer; 0, for there is one.
    pub approver_type: i32,
}

impl ApproverRecord {
    /// The user `id`, called `name`.
    pub fn of(id: &UserId, name: &str, project: &ProjectId) -> Self {
        Self {
            id: id.to_string(),
            approver_name: name.to_owned(),
            user_id: id.to_string(),
            user_name: name.to_owned(),
            email: String::new(),
            phone_number: String::new(),
            department: "",
            description: "",
            character: "",
            create_by: String::new(),
            create_time: 0,
            app_name: "DLM",
            topic_urn: "",
            template_id: "",
            project_id: project.to_string(),
            approver_type: 0,
        }
    }
}
