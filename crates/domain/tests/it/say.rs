//! Outcomes in words, for the tables.

use tidegate_domain::limits::{CONFIRM_DEFAULT_MS, NOTICE_MS};
use tidegate_domain::publication;
use tidegate_domain::standing::{CutCause, Event};
use tidegate_domain::time::{DAY_MS, HOUR_MS};
use tidegate_domain::{
    Application, ApplicationKind, Notice, NoticeKind, NoticeOutcome, Outcome, Refusal, Timestamp,
    VoidCause,
};

use crate::cast::START_MS;

/// A moment, seen from `now`.
pub fn moment(t: Timestamp, now: Timestamp) -> String {
    if t == now {
        return "now".into();
    }
    if t == now.plus_ms(NOTICE_MS).ceil_hour() {
        return "in 2 days".into();
    }
    if t == now.plus_ms(CONFIRM_DEFAULT_MS).ceil_hour() {
        return "in 3 days".into();
    }
    if t == now.plus_ms(HOUR_MS).ceil_hour() {
        return "in an hour".into();
    }
    let ms = t.as_ms() - START_MS;
    let (day, rest) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
    match rest {
        0 => format!("day {day}"),
        rest => format!("day {day} {:02}:{:02}", rest / HOUR_MS, rest / 60_000 % 60),
    }
}

/// A refusal: its name, and the moment it tells.
pub fn refusal(refusal: &Refusal, now: Timestamp) -> String {
    let debug = format!("{refusal:?}");
    let name = debug.split([' ', '(']).next().unwrap();
    let detail = match refusal {
        Refusal::AlreadyGranted { until, .. } | Refusal::EndShrinks { until, .. } => {
            format!(" (until {})", moment(*until, now))
        }
        Refusal::NoticeRunning { at, .. } => format!(" (ends {})", moment(*at, now)),
        Refusal::AlreadyApplied { kind } => format!(" ({kind:?})"),
        Refusal::NoticeTooShort { earliest } => {
            format!(" (earliest {})", moment(*earliest, now))
        }
        Refusal::EndPassed { end } => format!(" ({})", moment(*end, now)),
        Refusal::ConfirmTooLate { deadline } => format!(" (after {})", moment(*deadline, now)),
        Refusal::AlreadyDecided { verdict } => format!(" ({})", outcome(verdict.outcome)),
        Refusal::NoticeEnded { closed } => format!(" ({})", ending(closed.outcome)),
        Refusal::IllegalAction { status } => format!(" ({})", status.words()),
        _ => String::new(),
    };
    format!("no: {name}{detail}")
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Rejected => "rejected",
        Outcome::Withdrawn => "withdrawn",
        Outcome::Void(VoidCause::EndPassed) => "void, its end passed",
        Outcome::Void(VoidCause::GrantEnded) => "void, the grant ended",
        Outcome::Void(VoidCause::Cancelled) => "void, cancelled",
        Outcome::Void(VoidCause::GivenBack) => "void, given back",
        Outcome::Void(VoidCause::Unpublished) => "void, unpublished",
    }
}

fn ending(outcome: NoticeOutcome) -> &'static str {
    match outcome {
        NoticeOutcome::Confirmed => "confirmed",
        NoticeOutcome::Executed => "executed",
        NoticeOutcome::Forced => "forced",
        NoticeOutcome::Released => "released",
        NoticeOutcome::Withdrawn => "withdrawn",
    }
}

fn by(user: Option<&tidegate_domain::UserId>) -> String {
    user.map_or(String::new(), |user| format!(" by {user}"))
}

fn asked(application: &Application) -> &'static str {
    match application.kind {
        ApplicationKind::Apply => "application",
        ApplicationKind::Renew => "renewal",
        ApplicationKind::Publish => "request to publish",
        ApplicationKind::Recover => "request to recover",
    }
}

fn about(notice: &Notice) -> &'static str {
    match notice.kind {
        NoticeKind::Cancel => "cancel notice",
        NoticeKind::Stop => "stop notice",
        NoticeKind::Unpublish => "unpublish notice",
    }
}

fn verdict(application: &Application, now: Timestamp) -> String {
    let verdict = application.verdict.as_ref().unwrap();
    let by = by(verdict.by.as_ref());
    let when =
        if verdict.at == now { String::new() } else { format!(" on {}", moment(verdict.at, now)) };
    format!("{} {}{by}{when}", asked(application), outcome(verdict.outcome))
}

/// An event of a standing.
pub fn event(event: &Event, now: Timestamp) -> String {
    let moment = |t: &Timestamp| moment(*t, now);
    match event {
        Event::Granted { until, by } => format!("GRANTED until {} by {by}", moment(until)),
        Event::Extended { until, by } => format!("EXTENDED to {} by {by}", moment(until)),
        Event::Cut(cut) => {
            let cause = match cut.cause {
                CutCause::Reviewer => "cancelled",
                CutCause::App => "given back",
                CutCause::Unpublished => "unpublished",
            };
            format!("ACCESS ENDS {} ({cause})", moment(&cut.at))
        }
        Event::CutWithdrawn => "ACCESS GOES ON".into(),
        Event::Applied(a) => format!("{} filed until {}", asked(a), moment(&a.until.unwrap())),
        Event::ApplicationClosed(a) => verdict(a, now),
        Event::NoticeSent(n) => format!("{} sent for {}", about(n), moment(&n.deadline)),
        Event::NoticeScheduled(n) => {
            format!("{} scheduled {}", about(n), moment(&n.scheduled.unwrap()))
        }
        Event::NoticeClosed(n) => {
            let closed = n.closed.as_ref().unwrap();
            let by = by(closed.by.as_ref());
            let when = if closed.at == now {
                String::new()
            } else {
                format!(" on {}", moment(&closed.at))
            };
            format!("{} {}{by}{when}", about(n), ending(closed.outcome))
        }
        Event::Paused { from } => format!("PAUSED from {}", moment(from)),
        Event::PauseEnded => "PAUSE ENDED".into(),
    }
}

/// An event of a publication.
pub fn publication_event(event: &publication::Event, now: Timestamp) -> String {
    use publication::Event;
    match event {
        Event::Published => "PUBLISHED".into(),
        Event::Applied(a) => format!("{} filed", asked(a)),
        Event::ApplicationClosed(a) => verdict(a, now),
        Event::PublishRejected => "PUBLICATION REFUSED".into(),
        Event::BackTo(status) => format!("BACK TO {}", status.words()),
        Event::StopAnnounced { at } => format!("STOP ANNOUNCED for {}", moment(*at, now)),
        Event::Stopped => "STOPPED".into(),
        Event::UnpublishAnnounced { at } => format!("UNPUBLISH ANNOUNCED for {}", moment(*at, now)),
        Event::Unpublished => "OFFLINE".into(),
        Event::ShutdownWithdrawn => "SHUTDOWN CALLED OFF".into(),
        Event::Recovered => "ANSWERS AGAIN".into(),
    }
}
