//! Where the vendor's service is odd, undocumented or at odds with itself: what it does, how we
//! know, and what we do. One entry each; what the code needs of an entry stands here too.
//!
//! Evidence: D current documents, D22 older documents, I interface definitions, S official SDKs,
//! T the vendor's Terraform provider, R recorded from the unmodified SDK.

use crate::enums::ApiDebug;

/// One oddity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirk {
    /// A short name that stays.
    pub name: &'static str,
    /// What the vendor does.
    pub vendor: &'static str,
    /// How we know.
    pub evidence: &'static str,
    /// What we do.
    pub choice: &'static str,
}

/// The status of every refusal, "not found" among them.
pub const REFUSAL_STATUS: u16 = 400;

/// Key and secret of an app that has neither.
pub const NO_DATA: &str = "NO DATA";

/// The debug state shown of every API, since no trial call is demanded before publishing.
pub const DEBUG_SHOWN: ApiDebug = ApiDebug::Success;

/// The Content-Type of every answer with a body.
pub const CONTENT_TYPE: &str = "application/json;charset=UTF-8";

/// What clients may write for a switch; the Python SDK writes a bool in a header as `True`.
pub const TRUE_TEXTS: [&str; 2] = ["true", "True"];

/// The opposite of [`TRUE_TEXTS`].
pub const FALSE_TEXTS: [&str; 2] = ["false", "False"];

/// Every known oddity.
pub const QUIRKS: &[Quirk] = &[
    Quirk {
        name: "not-found-is-400",
        vendor: "answers 400 for everything it refuses; \"does not exist\" is distinguished by code",
        evidence: "D, T (turns 400 and DLM.4018, DLM.4063, ... into not-found)",
        choice: "the same, with the vendor's codes where they are known",
    },
    Quirk {
        name: "own-codes",
        vendor: "has codes for other refusals too, but documents none",
        evidence: "absence in D, I and T",
        choice: "codes of our own in DLM.4600 to DLM.4699, one per reason, stable",
    },
    Quirk {
        name: "first-page-again",
        vendor: "answers an offset past the end of the list of messages with the first page",
        evidence: "T",
        choice: "the same for messages; every other list answers with an empty page",
    },
    Quirk {
        name: "offset-as-sent",
        vendor: "documents that an offset is rounded down to a multiple of the limit, while its Terraform provider adds the number of rows it got to the offset and stops at an empty page",
        evidence: "D, S; T (its acceptance tests count the rows)",
        choice: "the offset is taken as it is sent: rounding it down would give the provider the first page again and again",
    },
    Quirk {
        name: "hosts-object",
        vendor: "`hosts` of an API is one object in the SDKs and a list to Terraform",
        evidence: "S, T",
        choice: "one object: a list makes the Go SDK fail and empties the field in Python; left out, with `backend_config`, for a User-Agent that begins with `terraform-provider-`, which ends at an object",
    },
    Quirk {
        name: "approver-kind",
        vendor: "shows `approver_type` of a reviewer as a number and `create_time` in milliseconds, and explains neither",
        evidence: "T",
        choice: "both are 0: there is one kind of reviewer, and when they were put on the list is not kept",
    },
    Quirk {
        name: "account-token",
        vendor: "issues tokens for an account, which its Terraform provider asks for at every start",
        evidence: "T",
        choice: "issued to members of the account; such a token is good for what the same user may do by a token for their project",
    },
    Quirk {
        name: "edition-of-an-api",
        vendor: "keeps the APIs of the two editions apart, and says nothing of one that exists before its first publication",
        evidence: "D, S",
        choice: "a list under `Dlm-Type` shows APIs that were published in that edition, and those that were published nowhere",
    },
    Quirk {
        name: "no-temporary-keys",
        vendor: "takes temporary keys, with a token in `X-Security-Token`",
        evidence: "D, S",
        choice: "there are none here, so a call that carries `X-Security-Token` is refused instead of the token being ignored",
    },
    Quirk {
        name: "approve-time-twin",
        vendor: "the time of a grant is `approval_time` in the SDKs and `approve_time` to Terraform",
        evidence: "S, T",
        choice: "both fields, with one value",
    },
    Quirk {
        name: "workspace-header-missing",
        vendor: "documents the header `workspace` as mandatory, but the SDK sends calls without it",
        evidence: "D, R",
        choice: "without it a call runs in the caller's only workspace; if they have several, it is refused and names the header",
    },
    Quirk {
        name: "edition-inferred",
        vendor: "takes SHARED when the header `Dlm-Type` is absent",
        evidence: "T documents it; D is silent",
        choice: "absent: inferred from the instance id, APIG being SHARED; present: it must agree with the instance",
    },
    Quirk {
        name: "debug-not-demanded",
        vendor: "publishes an API only after a successful trial call on the same cluster",
        evidence: "T",
        choice: "not demanded; the debug state is shown as API_DEBUG_SUCCESS",
    },
    Quirk {
        name: "statistics-200",
        vendor: "documents 204 with a body in old pages and definitions, 200 in new ones",
        evidence: "D22, I, D",
        choice: "200: on 204 the SDK returns an empty model",
    },
    Quirk {
        name: "spelling-applys",
        vendor: "writes `applys` in paths and CONFIGURAITON as a value",
        evidence: "S, I",
        choice: "the same: it is part of the protocol",
    },
    Quirk {
        name: "secret-in-lists",
        vendor: "returns app secrets in clear in lists and details",
        evidence: "S, T",
        choice: "on create, on reset and to the app's owner on show; in lists only if a setting says so",
    },
    Quirk {
        name: "iam-app-no-data",
        vendor: "shows the text NO DATA as key and secret of an IAM app",
        evidence: "T",
        choice: "the same",
    },
    Quirk {
        name: "app-type-legacy",
        vendor: "lists APIG, APIGW, DLM and ROMA_APIC as app types, but not APP, which it uses",
        evidence: "I, S (Go), D, T",
        choice: "all are read as APP; APP and IAM are written",
    },
    Quirk {
        name: "no-cluster-in-records",
        vendor: "does not name the cluster in application records and in the list of an app's grants",
        evidence: "S, I",
        choice: "`instance_id` (and `instance_name` for grants) as extra fields, which SDKs ignore",
    },
    Quirk {
        name: "time-ignored",
        vendor: "documents `time` as not needed when an app gives its grant back",
        evidence: "D22",
        choice: "not even read there, nor on RECOVER, nor on confirming with action 0",
    },
    Quirk {
        name: "withdrawn-hidden",
        vendor: "has no status for a withdrawn application, and no call to withdraw one",
        evidence: "D22 (console only)",
        choice: "withdrawn applications and notices are kept, and absent from the vendor's lists",
    },
    Quirk {
        name: "void-is-rejected",
        vendor: "says nothing about applications that lose their meaning",
        evidence: "absence",
        choice: "shown as STATUS_TYPE_REJECTED, the only ending without access, with the cause as comment",
    },
    Quirk {
        name: "grant-end-shown",
        vendor: "does not say which end is listed while a cancellation runs",
        evidence: "absence",
        choice: "the grant's earliest known end, the moment of a cancellation included; a stop ends no grant, and is in the gateway's headers",
    },
    Quirk {
        name: "position-body",
        vendor: "takes REQUEST_PARAMETER_POSITION_BODY, which is in no enumeration",
        evidence: "T",
        choice: "taken as a description of the body, which is passed on unchanged",
    },
    Quirk {
        name: "detail-shows-definition",
        vendor: "does not show all fields of a definition, so that what is read cannot be written back",
        evidence: "S, I",
        choice: "every field of the definition as an extra field of the details, under its own name",
    },
    Quirk {
        name: "publish-to-gateways",
        vendor: "pushes a published API to its own API gateways when the body names one",
        evidence: "D, S",
        choice: "the body is read and checked; there is nothing to push to",
    },
    Quirk {
        name: "comment-on-verdict",
        vendor: "shows a `comment` in records, but has no field to send one",
        evidence: "S, I",
        choice: "an optional field `comment` in the verdict's body",
    },
    Quirk {
        name: "bool-in-header",
        vendor: "the Python SDK sends a switch in a header as `True` or `False`",
        evidence: "R",
        choice: "`true`, `True`, `false` and `False` are read",
    },
    Quirk {
        name: "totals-are-int32",
        vendor: "types totals as int32 in the Go SDK, whose decoder fails on more",
        evidence: "S (Go)",
        choice: "a larger total is shown as the largest int32",
    },
];

/// The quirk called `name`.
pub fn find(name: &str) -> Option<&'static Quirk> {
    QUIRKS.iter().find(|quirk| quirk.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn quirks_have_names_of_their_own() {
        let mut names = HashSet::new();
        for quirk in QUIRKS {
            assert!(names.insert(quirk.name), "{} twice", quirk.name);
            assert_eq!(find(quirk.name), Some(quirk));
        }
        assert_eq!(find("none such"), None);
    }

    const HEAD: &str = "\
# Quirks

Where the vendor's protocol is odd, or its documents disagree, and what we do. This page is made from
`crates/wire/src/quirks.rs`.

Evidence: **D** the vendor's current documents, **D22** those of 2022 and 2023, **I** its interface definitions,
**S** its SDKs, **T** its Terraform provider, **R** recorded from the SDK.
";

    /// `UPDATE_TABLE=1` writes the page anew.
    #[test]
    fn the_page_of_quirks_is_this_list() {
        let mut page = HEAD.to_owned();
        for quirk in QUIRKS {
            let Quirk { name, vendor, evidence, choice } = quirk;
            writeln!(page, "\n## {name}\n\n- **The vendor** {vendor}. ({evidence})").unwrap();
            writeln!(page, "- **Tidegate**: {choice}.").unwrap();
        }
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/quirks.md");
        if std::env::var_os("UPDATE_TABLE").is_some() {
            std::fs::write(file, &page).unwrap();
        }
        assert_eq!(std::fs::read_to_string(file).unwrap_or_default(), page);
    }
}
