//! Whatever is put, all engines give the same answers.

use proptest::prelude::*;
use proptest::test_runner::Config;
use tidegate_domain::notice::NoticeKind;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::CutCause;
use tidegate_domain::{ApplicationKind, Outcome};
use tidegate_store::battery::Shared;
use tidegate_store::battery::samples::{
    api, api_id, app, app_id, application, at, bound_api, granted, instance_id, key, notice,
    project_id, publication, throttle, throttle_name, token, user, user_id, verdict, workspace_id,
};
use tidegate_store::{
    ApiFilter, AppFilter, ApplicationFilter, ListedBy, NoticeFilter, Paging, Party, Revision,
    TokenHash, Transaction,
};

/// One write, over few ids and few moments, so that writes meet.
#[derive(Debug, Clone)]
struct Put {
    what: u8,
    id: u8,
    other: u8,
    moment: i64,
    name: String,
}

fn puts() -> impl Strategy<Value = Vec<Vec<Put>>> {
    let name = "[abAB%_!äÄ ]{0,4}";
    let put = (0..16_u8, 0..3_u8, 0..3_u8, 0..5_i64, name)
        .prop_map(|(what, id, other, moment, name)| Put { what, id, other, moment, name });
    prop::collection::vec(prop::collection::vec(put, 1..5), 1..12)
}

/// Does what `put` says, and tells how that went.
async fn carry_out(tx: &mut dyn Transaction, put: &Put) -> String {
    let Put { what, id, other, moment, name } = put;
    let (api_name, app_name) = (format!("x{id}"), format!("a{other}"));
    let now = *moment * 1_000;
    let done = match what {
        0 => {
            let mut record = app(&app_name, name, *moment);
            record.app.app_key = format!("key-{id}");
            tx.put_app(&record).await
        }
        1 => {
            let mut api = api(&api_name, name, *moment);
            api.tags = vec![name.clone()];
            tx.put_api(&api).await
        }
        2 if *moment == 0 => tx.delete_app(&app_id(&app_name)).await,
        3 if *moment == 0 => tx.delete_api(&api_id(&api_name)).await,
        2..=4 => {
            let mut asked =
                application(&format!("q{other}"), ApplicationKind::Renew, &api_name, *moment);
            asked.until = (*moment > 1).then(|| at(now));
            let mut standing = granted(&api_name, "i1", &app_name, now + 500);
            if *moment == 3 {
                asked = asked.closed(verdict(Outcome::Withdrawn));
                standing.grant = None;
            } else {
                standing.application = Some(asked.clone());
            }
            let _ = tx.put_application(&asked).await;
            tx.put_standing(&standing).await
        }
        5 => {
            let mut notice = notice(
                &format!("n{id}"),
                NoticeKind::Stop,
                key(&api_name, "i1", &app_name),
                *moment,
            );
            notice.scheduled = (*moment > 2).then(|| at(now));
            let mut standing = granted(&api_name, "i1", &app_name, 4_000);
            standing.shutdown = Some(notice.clone());
            if let Some(grant) = &mut standing.grant {
                let cause = CutCause::Reviewer;
                grant.cut = Some(tidegate_domain::standing::Cut { at: at(now), cause });
            }
            let _ = tx.put_notice(&notice).await;
            tx.put_standing(&standing).await
        }
        6 | 7 => {
            let status = match moment {
                0 => Status::Published,
                1 => Status::Stopped,
                _ => Status::Stopping { at: at(now) },
            };
            tx.put_publication(&publication(&api_name, "i1", status)).await
        }
        8 => tx.put_user(&user(&format!("u{id}"), "p1", name)).await,
        9 => tx.put_token(&token(*id, now)).await,
        10 => return format!("{:?}", tx.drop_tokens(at(now)).await),
        11 => tx.put_throttle(&throttle(&format!("t{id}"), u32::from(*other))).await,
        12 => tx.delete_throttle(&workspace_id("w1"), &throttle_name(&format!("t{id}"))).await,
        13 => tx.put_api(&bound_api(&api_name, &format!("t{other}"))).await,
        14 => tx.revoke_token(&TokenHash([*id; 32])).await,
        _ => tx.set_decided_at(at(now), &tidegate_store::ClockMark::Trusted).await,
    };
    format!("{done:?}")
}

/// All answers to all questions that are worth asking.
async fn answers(store: &Shared, part: &str) -> String {
    let mut view = store.view().await.unwrap();
    let mut told = format!("{:?}", view.head().await.unwrap().revision);
    macro_rules! ask {
        ($($question:ident($($argument:expr),*)),+ $(,)?) => {$(
            told += &format!("\n{}: {:?}", stringify!($question), view.$question($($argument),*).await);
        )+};
    }
    let name = || Some(part.to_owned());
    let paging = Paging { offset: 1, limit: 2 };
    for since in 0..12 {
        // An API bound to a policy that is gone is a fault, and the same one.
        let mut changes = view.changes(Revision(since)).await;
        if let Ok(changes) = &mut changes {
            changes.epoch.clear();
            changes.stamp.clear();
            changes.since_stamp.clear();
        }
        told += &format!("\n{changes:?}");
    }
    for now in [0, 999, 1_000, 2_500, 3_000, 4_000, 9_000].map(at) {
        ask! { due(now, 3), due(now, 99) }
        for id in 0..3 {
            let (by_api, by_app) = (api_id(&format!("x{id}")), app_id(&format!("a{id}")));
            ask! {
                listed(&ListedBy::Api(by_api.clone()), now, Paging::ALL),
                listed(&ListedBy::App(by_app.clone()), now, paging),
                standings_on(&by_api, &instance_id("i1")),
                is_counted_on(&by_api, &instance_id("i1"), at(2_000)),
                standings_of_app(&by_app),
                publications(&by_api),
            }
        }
    }
    for published in [None, Some(true), Some(false)] {
        ask! {
            apis(&ApiFilter { published, name: name(), ..ApiFilter::default() }, Paging::ALL),
            apis(&ApiFilter { published, tags: vec![part.to_owned()], ..ApiFilter::default() }, paging),
            applications(&ApplicationFilter { pending: published, ..ApplicationFilter::default() }, paging),
            notices(&NoticeFilter { running: published, ..NoticeFilter::default() }, paging),
        }
    }
    ask! {
        apps(&AppFilter { name: name(), ..AppFilter::default() }, Paging::ALL),
        apis(&ApiFilter { creator: name(), ..ApiFilter::default() }, Paging::ALL),
        applications(&ApplicationFilter { api_name: name(), withdrawn: true, ..ApplicationFilter::default() }, Paging::ALL),
        notices(&NoticeFilter { api_name: name(), ..NoticeFilter::default() }, Paging::ALL),
        notices(&NoticeFilter { owner: party("u1"), reviewer: party("u9"), ..NoticeFilter::default() }, Paging::ALL),
        user_of_project(&project_id("p1"), part),
        throttles(&workspace_id("w1")),
        throttle(&workspace_id("w1"), &throttle_name("t1")),
        apis(&ApiFilter { throttle: Some(throttle_name("t1")), ..ApiFilter::default() }, Paging::ALL),
    }
    told
}

fn party(user: &str) -> Option<Party> {
    let (workspace, user) = (workspace_id("w1"), user_id(user));
    Some(Party { workspace, user })
}

proptest! {
    #![proptest_config(Config { cases: 24, failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_engines_agree(transactions in puts(), part in "[abA%_ä]{0,2}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mem, ()) = crate::open_mem().await;
            let (sqlite, _folder) = crate::open_sqlite().await;
            let (postgres, ()) = crate::open_postgres().await;
            for puts in &transactions {
                let mut one = mem.begin().await.unwrap();
                let mut others = [sqlite.begin().await.unwrap(), postgres.begin().await.unwrap()];
                for put in puts {
                    let in_mem = carry_out(one.as_mut(), put).await;
                    for other in &mut others {
                        assert_eq!(in_mem, carry_out(other.as_mut(), put).await, "{put:?}");
                    }
                }
                let revision = one.commit().await.unwrap();
                for other in others {
                    assert_eq!(revision, other.commit().await.unwrap());
                }
            }
            let in_mem = answers(&mem, &part).await;
            assert_eq!(in_mem, answers(&sqlite, &part).await);
            assert_eq!(in_mem, answers(&postgres, &part).await);
        });
    }
}
