//! What has a moment worth a reminder.

use tidegate_domain::Timestamp;

use super::state::State;
use crate::{Mark, Moment, Remarkable, Result};

/// The things with a moment of this kind after the mark and at or before `to`, in order.
pub fn remarkable(
    state: &State,
    moment: Moment,
    after: &Mark,
    to: Timestamp,
) -> Result<Vec<Remarkable>> {
    let all: Vec<Remarkable> = match moment {
        Moment::GrantEnds => {
            let held = state.standings.values().filter(|kept| kept.value.grant.is_some());
            let whole = held.map(|kept| state.standing(&kept.value));
            whole.map(|one| Ok(Remarkable::Standing(Box::new(one?)))).collect::<Result<_>>()?
        }
        Moment::NoticeDeadline => {
            let running = state.notices.values().filter(|notice| notice.is_running());
            let unanswered = running.filter(|notice| notice.scheduled.is_none());
            unanswered.cloned().map(Remarkable::Notice).collect()
        }
        Moment::ApplicationFiled => {
            let waiting = state.applications.values().filter(|asked| asked.is_pending());
            let of_apps = waiting.filter(|asked| asked.app.is_some());
            of_apps.cloned().map(Remarkable::Application).collect()
        }
    };
    let mut found: Vec<_> = all.into_iter().filter_map(|one| Some((one.mark()?, one))).collect();
    found.retain(|(mark, _)| place(mark) > place(after) && mark.at <= to);
    found.sort_by(|(one, _), (other, _)| place(one).cmp(&place(other)));
    Ok(found.into_iter().map(|(_, one)| one).collect())
}

/// Marks are in the order of moments, and then of ids, one by one.
fn place(mark: &Mark) -> (Timestamp, Vec<&str>) {
    (mark.at, mark.key.split('/').collect())
}
