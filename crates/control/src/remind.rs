//! Reminders: of grants that end, of notices nobody has answered, of applications that wait.
//!
//! Each is sent once, when its moment has come: how far each kind has got is kept with the messages
//! it has left. What got its moment later than that, such as a grant for three days, has its next one.

use serde_json::json;
use tidegate_domain::time::HOUR_MS;
use tidegate_domain::{Application, Notice, Standing, Timestamp};
use tidegate_store::{Mark, Moment, Remarkable};

use crate::control::Control;
use crate::duty::OnDuty;
use crate::error::Result;
use crate::turn::{self, Turn};

/// A kind of reminder: so long after, or before, a moment.
struct Kind {
    /// Its name in the store, which never changes.
    name: &'static str,
    moment: Moment,
    /// The reminder's moment minus the thing's.
    shift_ms: i64,
}

const KINDS: [Kind; 4] = [
    Kind { name: "grant-7d", moment: Moment::GrantEnds, shift_ms: -7 * 24 * HOUR_MS },
    Kind { name: "grant-1d", moment: Moment::GrantEnds, shift_ms: -24 * HOUR_MS },
    Kind { name: "notice-1d", moment: Moment::NoticeDeadline, shift_ms: -24 * HOUR_MS },
    Kind { name: "application-1d", moment: Moment::ApplicationFiled, shift_ms: 24 * HOUR_MS },
];

/// How much one turn reminds of at most.
const PER_TURN: u64 = 200;

impl Control {
    /// Leaves the reminders whose moment has come by `now`, and tells whether there are more.
    pub async fn remind(&self, on_duty: &OnDuty, now: Timestamp) -> Result<bool> {
        let mut more = false;
        for kind in &KINDS {
            if self.is_due(kind, now).await? {
                more |= turn::whole(|| self.remind_once(on_duty, kind, now)).await?;
            }
        }
        Ok(more)
    }

    /// Is there anything of this kind? It never is when it begins, so that the first start, long
    /// after the first grant, does not remind of what is long known.
    async fn is_due(&self, kind: &Kind, now: Timestamp) -> Result<bool> {
        let mut view = self.view().await?;
        let Some(mark) = view.reminded(kind.name).await? else { return Ok(true) };
        let to = now.plus_ms(-kind.shift_ms);
        Ok(!view.remarkable(kind.moment, &mark, to, 1).await?.is_empty())
    }

    async fn remind_once(&self, on_duty: &OnDuty, kind: &Kind, now: Timestamp) -> Result<bool> {
        let mut turn = Turn::begin_on_duty(self, on_duty, now).await?;
        let to = turn.now.plus_ms(-kind.shift_ms);
        let Some(mark) = turn.reminded(kind.name).await? else {
            turn.set_reminded(kind.name, &Mark::before(to.plus_ms(1))).await?;
            self.commit(turn).await?;
            return Ok(false);
        };
        let found = turn.remarkable(kind.moment, &mark, to, PER_TURN).await?;
        let Some(mark) = found.last().and_then(Remarkable::mark) else { return Ok(false) };
        let more = found.len() as u64 >= PER_TURN;
        for thing in found {
            match thing {
                Remarkable::Standing(standing) => of_grant(&mut turn, &standing).await?,
                Remarkable::Notice(notice) => of_notice(&mut turn, &notice).await?,
                Remarkable::Application(asked) => of_application(&mut turn, &asked).await?,
            }
        }
        turn.set_reminded(kind.name, &mark).await?;
        self.commit(turn).await?;
        Ok(more)
    }
}

/// The owner hears that a grant ends, unless it is over, or ends before by what he was told of.
async fn of_grant(turn: &mut Turn<'_>, standing: &Standing) -> Result<()> {
    let key = &standing.key;
    let (Some(grant), Some(record)) = (&standing.grant, turn.app(&key.app).await?) else {
        return Ok(());
    };
    let ends = grant.until > turn.now && grant.end() == grant.until;
    if !ends || turn.api(&key.api).await?.is_none() {
        return Ok(());
    }
    let details = json!({ "until": grant.until.to_string() });
    let subject = format!("{}/{}/{}", key.api, key.instance, key.app);
    turn.tell(&record.app.owner, "reminder.grant-ends", subject, details).await
}

/// The owner hears that a notice he has not answered comes to its end.
async fn of_notice(turn: &mut Turn<'_>, notice: &Notice) -> Result<()> {
    let key = &notice.key;
    let Some(record) = turn.app(&key.app).await? else { return Ok(()) };
    if notice.deadline <= turn.now {
        return Ok(());
    }
    let details = json!({
        "notice": notice.id.as_str(),
        "deadline": notice.deadline.to_string(),
    });
    let subject = format!("{}/{}/{}", key.api, key.instance, key.app);
    turn.tell(&record.app.owner, "reminder.notice-unanswered", subject, details).await
}

/// The reviewer hears that somebody waits for him.
async fn of_application(turn: &mut Turn<'_>, asked: &Application) -> Result<()> {
    let Some(api) = turn.api(&asked.api).await? else { return Ok(()) };
    if asked.until.is_some_and(|until| until <= turn.now) {
        return Ok(());
    }
    let details = json!({
        "application": asked.id.as_str(),
        "since": asked.opened_at.to_string(),
    });
    let app = asked.app.as_ref().map(|app| format!("/{app}")).unwrap_or_default();
    let subject = format!("{}/{}{app}", asked.api, asked.instance);
    turn.tell(&api.manager, "reminder.application-waits", subject, details).await
}
