//! Messages that are tried again or forgotten, and what people are reminded of.

use tidegate_domain::notice::NoticeKind;
use tidegate_domain::{ApplicationKind, Outcome};

use super::samples::{application, at, granted, key, message, notice, verdict};
use super::{Shared, begin, view, write};
use crate::{Mark, Message, Moment, Remarkable, Waiting};

async fn due(store: &Shared, ms: i64) -> Vec<(String, u32)> {
    let messages = view(store).await.outbox_due(at(ms), 10).await.unwrap();
    messages.into_iter().map(|message| (message.subject, message.tries)).collect()
}

/// A message is tried when its time has come, with the number of tries, and forgotten once.
pub async fn messages_are_put_off_and_removed(store: Shared) {
    write!(store, outbox_write(&message("a")), outbox_write(&message("b")));
    write!(store, outbox_write(&message("c")));
    let all = view(&store).await.outbox(10).await.unwrap();
    let other = Message { name: "of another history".to_owned(), ..all[2].clone() };
    write!(store, outbox_put_off(&all[0], at(100)), outbox_remove(&all[1]));
    write!(store, outbox_put_off(&other, at(100)), outbox_remove(&other));
    assert_eq!(due(&store, 99).await, [("c".to_owned(), 0)]);
    assert_eq!(due(&store, 100).await, [("a".to_owned(), 1), ("c".to_owned(), 0)]);
    write!(store, outbox_put_off(&all[0], at(200)), outbox_remove(&all[1]));
    assert_eq!(due(&store, 200).await, [("a".to_owned(), 2), ("c".to_owned(), 0)]);
    let waiting = view(&store).await.outbox_waiting().await.unwrap();
    assert_eq!(waiting, Waiting { count: 2, oldest: Some(at(5)) });
    write!(store, outbox_remove(&all[0]), outbox_remove(&all[2]));
    assert_eq!(view(&store).await.outbox_waiting().await.unwrap(), Waiting::default());
}

/// The keys of what comes after a mark.
async fn found(store: &Shared, moment: Moment, after: &Mark, to: i64) -> Vec<String> {
    let mut view = view(store).await;
    let found = view.remarkable(moment, after, at(to), 10).await.unwrap();
    let one = view.remarkable(moment, after, at(to), 1).await.unwrap();
    assert_eq!(one, found.iter().take(1).cloned().collect::<Vec<_>>());
    found.iter().filter_map(Remarkable::mark).map(|mark| mark.key).collect()
}

/// Ends of grants, deadlines and waiting applications, each once: by moment, then by id.
pub async fn what_is_remarkable_is_found_in_order(store: Shared) {
    let mut answered = notice("n3", NoticeKind::Cancel, key("x1", "i1", "a3"), 1);
    answered.scheduled = Some(at(50));
    let mut over = granted("x1", "i1", "a4", 100);
    over.grant = None;
    write!(
        store,
        put_standing(&granted("x1", "i1", "a2", 100)),
        put_standing(&granted("x1", "i1", "a1", 100)),
        put_standing(&granted("x-1", "i1", "a1", 100)),
        put_standing(&granted("x1", "i1", "a3", 200)),
        put_standing(&over),
        put_notice(&notice("n2", NoticeKind::Stop, key("x1", "i1", "a2"), 1)),
        put_notice(&notice("n1", NoticeKind::Cancel, key("x1", "i1", "a1"), 1)),
        put_notice(&answered),
        put_application(&application("q2", ApplicationKind::Apply, "x1", 70)),
        put_application(&application("q1", ApplicationKind::Renew, "x1", 80)),
        put_application(
            &application("q3", ApplicationKind::Apply, "x1", 75).closed(verdict(Outcome::Passed))
        ),
    );
    let grants = |after: Mark, to| {
        let store = store.clone();
        async move { found(&store, Moment::GrantEnds, &after, to).await }
    };
    let all = ["x-1/i1/a1", "x1/i1/a1", "x1/i1/a2", "x1/i1/a3"];
    assert_eq!(grants(Mark::before(at(0)), 200).await, all);
    assert_eq!(grants(Mark::before(at(100)), 199).await, all[..3]);
    assert_eq!(grants(Mark { at: at(100), key: all[0].to_owned() }, 200).await, all[1..]);
    assert_eq!(grants(Mark { at: at(100), key: all[2].to_owned() }, 200).await, all[3..]);
    assert_eq!(grants(Mark::before(at(101)), 199).await, [""; 0]);

    let deadline = notice("n1", NoticeKind::Cancel, key("x1", "i1", "a1"), 1).deadline;
    let from = Mark::before(at(0));
    let notices = found(&store, Moment::NoticeDeadline, &from, deadline.as_ms()).await;
    assert_eq!(notices, ["n1", "n2"]);
    let asked = |from, to| {
        let store = store.clone();
        async move { found(&store, Moment::ApplicationFiled, &Mark::before(at(from)), to).await }
    };
    assert_eq!(asked(0, 100).await, ["q2", "q1"], "what is decided is left out");
    assert_eq!(asked(71, 79).await, [""; 0]);
}

/// How far the reminding got is kept by its name.
pub async fn marks_are_kept(store: Shared) {
    assert_eq!(view(&store).await.reminded("a").await.unwrap(), None);
    let (first, second) = (Mark::before(at(7)), Mark { at: at(9), key: "x/y".to_owned() });
    write!(store, set_reminded("a", &first), set_reminded("b", &second));
    assert_eq!(begin(&store).await.reminded("a").await.unwrap(), Some(first));
    write!(store, set_reminded("a", &second));
    assert_eq!(view(&store).await.reminded("a").await.unwrap(), Some(second));
}
