use std::collections::HashSet;

use tidegate_domain::notice::Closed;
use tidegate_domain::people::Task;
use tidegate_domain::publication::Status;
use tidegate_domain::refusal::Counted;
use tidegate_domain::{
    AppId, ApplicationKind, InstanceId, NoticeOutcome, Outcome, Timestamp, Verdict, VoidCause,
};

use super::*;

/// One sample of every refusal. The `match` of [`successor`] has no wildcard, so a new refusal
/// does not compile until it stands in the chain, and so in the documents.
fn samples() -> Vec<Refusal> {
    let mut samples = vec![first()];
    while let Some(next) = samples.last().and_then(successor) {
        samples.push(next);
    }
    samples
}

fn first() -> Refusal {
    Refusal::Malformed {
        what: "`time` is `noon`: write a time like 2021-01-01T10:00:00.000Z".into(),
    }
}

fn at() -> Timestamp {
    Timestamp::from_ms(1_609_495_200_000)
}

fn app() -> AppId {
    AppId::parse("app1").unwrap()
}

fn user() -> UserId {
    UserId::parse("u1").unwrap()
}

fn instance() -> InstanceId {
    InstanceId::parse("i1").unwrap()
}

fn route_taken() -> Refusal {
    let (by, path) = ("the API orders".to_owned(), "/orders".to_owned());
    Refusal::RouteTaken { by, path, instance: instance() }
}

fn successor(refusal: &Refusal) -> Option<Refusal> {
    Some(match refusal {
        Refusal::Malformed { .. } => Refusal::FieldMissing { field: "time" },
        Refusal::FieldMissing { .. } => Refusal::TooMany { what: "apps", max: 1_000 },
        Refusal::TooMany { .. } => Refusal::ExclusiveOnly,
        Refusal::ExclusiveOnly => Refusal::WorkspaceUnknown,
        Refusal::WorkspaceUnknown => Refusal::ProjectUnknown,
        Refusal::ProjectUnknown => Refusal::CatalogUnknown { id: "`17`".into() },
        Refusal::CatalogUnknown { .. } => Refusal::ApiUnknown,
        Refusal::ApiUnknown => Refusal::ApiToDeleteUnknown,
        Refusal::ApiToDeleteUnknown => Refusal::AppUnknown { app: "app1".into() },
        Refusal::AppUnknown { .. } => Refusal::InstanceUnknown,
        Refusal::InstanceUnknown => Refusal::InstanceToShowUnknown,
        Refusal::InstanceToShowUnknown => Refusal::ApplicationUnknown,
        Refusal::ApplicationUnknown => Refusal::NoticeUnknown,
        Refusal::NoticeUnknown => Refusal::ReviewerUnknown { name: "wang".into() },
        Refusal::ReviewerUnknown { .. } => Refusal::ThrottleUnknown { name: "slow".into() },
        Refusal::ThrottleUnknown { .. } => Refusal::RoleTooLow { task: Task::Edit },
        Refusal::RoleTooLow { .. } => Refusal::NotReviewer,
        Refusal::NotReviewer => Refusal::NotAppOwner,
        Refusal::NotAppOwner => Refusal::NotAddressee,
        Refusal::NotAddressee => Refusal::NotApplicant,
        Refusal::NotApplicant => Refusal::KindMismatch,
        Refusal::KindMismatch => Refusal::NotPublished,
        Refusal::NotPublished => Refusal::AlreadyGranted { app: app(), until: at() },
        Refusal::AlreadyGranted { .. } => Refusal::AlreadyApplied { kind: ApplicationKind::Renew },
        Refusal::AlreadyApplied { .. } => Refusal::NoGrant,
        Refusal::NoGrant => Refusal::NoticeRunning { app: app(), at: at() },
        Refusal::NoticeRunning { .. } => Refusal::AlreadyDecided {
            verdict: Verdict {
                outcome: Outcome::Passed,
                at: at(),
                by: Some(user()),
                comment: None,
            },
        },
        Refusal::AlreadyDecided { .. } => Refusal::NoticeEnded {
            closed: Closed { outcome: NoticeOutcome::Forced, at: at(), by: None },
        },
        Refusal::NoticeEnded { .. } => Refusal::IllegalAction { status: Status::Offline },
        Refusal::IllegalAction { .. } => route_taken(),
        Refusal::RouteTaken { .. } => Refusal::HostsNeeded { instance: instance() },
        Refusal::HostsNeeded { .. } => Refusal::RuleUnsuited { rule: "require_signed_host" },
        Refusal::RuleUnsuited { .. } => Refusal::EditWhilePublished,
        Refusal::EditWhilePublished => Refusal::DeleteWhilePublished,
        Refusal::DeleteWhilePublished => Refusal::AppInUse { count: 2 },
        Refusal::AppInUse { .. } => Refusal::NameTaken,
        Refusal::NameTaken => Refusal::IamAppFixed,
        Refusal::IamAppFixed => Refusal::ResetTooSoon,
        Refusal::ResetTooSoon => Refusal::ThrottleInUse { count: 2, api: "orders".into() },
        Refusal::ThrottleInUse { .. } => Refusal::ThrottlesFull { max: 1_000 },
        Refusal::ThrottlesFull { .. } => {
            Refusal::QuotaReached { counted: Counted::Apps, max: 1_000 }
        }
        Refusal::QuotaReached { .. } => Refusal::NonceUnsigned,
        Refusal::NonceUnsigned => Refusal::EndPassed { end: at() },
        Refusal::EndPassed { .. } => Refusal::EndTooFar,
        Refusal::EndTooFar => Refusal::EndShrinks { app: app(), until: at() },
        Refusal::EndShrinks { .. } => Refusal::NoticeTooShort { earliest: at() },
        Refusal::NoticeTooShort { .. } => Refusal::ConfirmPassed,
        Refusal::ConfirmPassed => Refusal::ConfirmTooLate { deadline: at() },
        Refusal::ConfirmTooLate { .. } => return None,
    })
}

/// One sample of every fault, by the same trick.
fn faults() -> Vec<Fault> {
    let mut faults = vec![Fault::NoSuchCall];
    while let Some(next) = faults.last().and_then(|fault| {
        Some(match fault {
            Fault::NoSuchCall => Fault::BadRequest { why: "The target is too long.".into() },
            Fault::BadRequest { .. } => Fault::TargetTooLong,
            Fault::TargetTooLong => Fault::Unauthenticated { why: "The token has expired.".into() },
            Fault::Unauthenticated { .. } => Fault::TooLarge { max: 1 },
            Fault::TooLarge { .. } => Fault::TooManyRequests,
            Fault::TooManyRequests => Fault::NotServed,
            Fault::NotServed => Fault::Internal,
            Fault::Internal => Fault::Unavailable,
            Fault::Unavailable => Fault::ReadOnly,
            Fault::ReadOnly => Fault::OutcomeUnknown,
            Fault::OutcomeUnknown => Fault::ClockOff,
            Fault::ClockOff => return None,
        })
    }) {
        faults.push(next);
    }
    faults
}

#[test]
fn the_samples_are_all_there_are() {
    assert_eq!(samples().len(), 49);
    assert_eq!(faults().len(), 12);
}

#[test]
fn each_code_and_each_name_stands_for_one_refusal() {
    let (mut codes, mut reasons) = (HashSet::new(), HashSet::new());
    for refusal in samples() {
        let answer = super::refusal(&refusal);
        assert_eq!(answer.status, 400);
        assert!(codes.insert(answer.code), "{} twice", answer.code);
        assert!(reasons.insert(reason(&refusal)), "{} twice", reason(&refusal));
    }
    for fault in faults() {
        assert!(reasons.insert(fault.reason()), "{} twice", fault.reason());
        let code = fault.answer().code;
        assert!(!codes.contains(code), "{code} is a refusal's");
    }
}

#[test]
fn our_codes_are_grouped_by_rung() {
    for refusal in samples() {
        let code = super::refusal(&refusal).code;
        let number: u16 = code.strip_prefix("DLM.").unwrap().parse().unwrap();
        let rung = match number {
            4600..4620 => Rung::Form,
            4620..4640 => Rung::Existence,
            4640..4660 => Rung::Rights,
            4660..4680 | 4700..4720 => Rung::State,
            4680..4690 => Rung::Time,
            _ => continue,
        };
        assert_eq!(super::rung(&refusal), rung, "{code}");
    }
}

#[test]
fn names_are_the_variants_in_kebab_case() {
    for refusal in samples() {
        let variant = format!("{refusal:?}");
        let variant = variant.split([' ', '{']).next().unwrap();
        let mut kebab = String::new();
        for c in variant.chars() {
            if c.is_ascii_uppercase() && !kebab.is_empty() {
                kebab.push('-');
            }
            kebab.push(c.to_ascii_lowercase());
        }
        assert_eq!(reason(&refusal), kebab);
    }
}

#[test]
fn texts_are_one_or_two_short_sentences() {
    for text in samples()
        .iter()
        .map(|refusal| super::refusal(refusal).text)
        .chain(faults().iter().map(|fault| fault.answer().text))
    {
        assert!(text.ends_with('.'), "{text}");
        assert!(text.starts_with(|c: char| c.is_uppercase() || c == '`'), "{text}");
        assert!(text.len() < 220, "{text}");
        assert!(text.matches(". ").count() <= 1, "{text}");
        assert!(!text.contains("  "), "{text}");
    }
}

/// The protocol's names of actions and states are for programs; people get words.
#[test]
fn texts_have_no_names_of_the_wire() {
    let is_of_wire = |word: &str| {
        let shouts = |c: char| c.is_ascii_uppercase() || c == '_';
        word.contains('_') && word.trim_matches('_').chars().all(shouts)
    };
    for text in samples()
        .iter()
        .map(|refusal| (super::refusal(refusal).text, refusal.to_string()))
        .flat_map(|(told, logged)| [told, logged])
    {
        let words = || text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        assert!(!words().any(is_of_wire), "{text}");
        assert!(!text.contains("action 0"), "{text}");
    }
}

#[test]
fn texts_carry_the_data() {
    for (refusal, part) in [
        (Refusal::AppUnknown { app: "a9".into() }, "The app a9 does"),
        (Refusal::NoticeTooShort { earliest: at() }, "2021-01-01T10:00:00Z"),
        (
            Refusal::AlreadyGranted { app: app(), until: at() },
            "app1 already has a grant until 2021",
        ),
        (route_taken(), "Api path already exist: the API orders has"),
        (Refusal::HostsNeeded { instance: instance() }, "instance i1 in the world file (`hosts:"),
        (Refusal::IllegalAction { status: Status::Offline }, "This action is illegal"),
        (Refusal::AppInUse { count: 1 }, "1 live grant."),
        (Refusal::ThrottleInUse { count: 1, api: "orders".into() }, "still limits the API orders."),
        (
            Refusal::AlreadyDecided {
                verdict: Verdict {
                    outcome: Outcome::Void(VoidCause::Unpublished),
                    at: at(),
                    by: None,
                    comment: None,
                },
            },
            "closed: the API was unpublished at 2021-01-01T10:00:00Z.",
        ),
    ] {
        let text = super::refusal(&refusal).text;
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_late_verdict_is_told_who_decided_and_when() {
    let late = Refusal::AlreadyDecided {
        verdict: Verdict { outcome: Outcome::Rejected, at: at(), by: Some(user()), comment: None },
    };
    let text = refusal_naming(&late, |_| Some("Wang Fang".into())).text;
    assert!(text.contains("it was rejected at 2021-01-01T10:00:00Z by Wang Fang."), "{text}");
    assert!(super::refusal(&late).text.contains("by u1."));
}

#[test]
fn the_body_has_both_fields() {
    let answer = super::refusal(&Refusal::ApiUnknown);
    assert_eq!(
        serde_json::to_value(answer.body()).unwrap(),
        serde_json::json!({ "error_code": "DLM.4018", "error_msg": answer.text })
    );
}

#[test]
fn the_documents_list_every_refusal_and_fault() {
    let page = include_str!("../../../../docs/reference/errors.md");
    let row = |cells: &str| page.lines().filter(|line| line.starts_with(cells)).count();
    for refusal in samples() {
        let answer = super::refusal(&refusal);
        let cells = format!(
            "| `{}` | `{}` | {} | {} | ",
            answer.code,
            reason(&refusal),
            super::rung(&refusal).name(),
            answer.status
        );
        assert_eq!(row(&cells), 1, "docs/reference/errors.md lacks, or repeats: {cells}");
    }
    for fault in faults() {
        let answer = fault.answer();
        let cells = format!("| `{}` | `{}` | {} | ", answer.code, fault.reason(), answer.status);
        assert_eq!(row(&cells), 1, "docs/reference/errors.md lacks, or repeats: {cells}");
    }
    for marker in ["<!-- gate:begin -->", "<!-- gate:end -->"] {
        assert_eq!(page.lines().filter(|line| *line == marker).count(), 1, "{marker}");
    }
}
