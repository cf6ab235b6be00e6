use std::time::Duration;

use tokio::time::advance;

use super::*;

fn api(text: &str) -> ApiId {
    ApiId::parse(text).unwrap()
}

fn app(text: &str) -> AppId {
    AppId::parse(text).unwrap()
}

fn account(text: &str) -> Option<User> {
    Some(User::Account(DomainId::parse(text).unwrap()))
}

fn policy(per_api: u64, per_user: u64, per_app: u64) -> Throttle {
    let limit = |calls| (calls > 0).then_some(calls);
    Throttle {
        name: "slow".to_owned(),
        window_ms: 60_000,
        per_api: limit(per_api),
        per_user: limit(per_user),
        per_app: limit(per_app),
    }
}

/// What a call is told: nothing, or the limit that denies it.
fn said(told: Result<(), Denial>) -> &'static str {
    match told {
        Ok(()) => "-",
        Err(denial) if denial.reason == Reason::Overloaded => "overloaded",
        Err(denial) => {
            assert_eq!(denial.reason, Reason::Throttled);
            let limits = ["per API", "per user", "per app"];
            limits.into_iter().find(|limit| denial.detail.contains(limit)).unwrap()
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_limit_holds_for_its_own() {
    let throttles = Throttles::new(100);
    let policy = policy(5, 3, 2);
    let call =
        |api: &ApiId, user, of| said(throttles.take(api, &policy, account(user), Some(&app(of))));
    let (orders, bills) = (api("orders"), api("bills"));
    for (on, user, of, expected) in [
        (&orders, "acme", "one", "-"),
        (&orders, "acme", "one", "-"),
        (&orders, "acme", "one", "per app"),
        // What the app's limit denied was counted nowhere else.
        (&orders, "acme", "two", "-"),
        (&orders, "acme", "two", "per user"),
        (&orders, "other", "three", "-"),
        (&orders, "other", "three", "-"),
        (&orders, "third", "four", "per API"),
        (&bills, "acme", "one", "-"),
    ] {
        assert_eq!(call(on, user, of), expected, "{user} {of}");
    }
    advance(Duration::from_secs(64)).await;
    assert_eq!(call(&orders, "acme", "one"), "-", "a window and a slot later");
}

#[tokio::test(start_paused = true)]
async fn a_denial_says_which_limit_and_how_long() {
    let throttles = Throttles::new(100);
    let policy = policy(0, 0, 1);
    let call = || throttles.take(&api("orders"), &policy, None, Some(&app("one")));
    assert!(call().is_ok());
    advance(Duration::from_millis(30_500)).await;
    let denial = call().unwrap_err();
    // 16 slots of 3.75 s: the first is forgotten 63.75 s after it began.
    assert_eq!(denial.retry_after(), Some(34));
    let detail = "The policy slow allows 1 call per app within 60 s; try again in 34 s.";
    assert_eq!(denial.detail, detail);
    advance(Duration::from_millis(33_249)).await;
    assert_eq!(call().unwrap_err().retry_after(), Some(1));
    advance(Duration::from_millis(1)).await;
    assert!(call().is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_longest_wait_is_told() {
    let throttles = Throttles::new(100);
    let policy = policy(2, 0, 1);
    let call = |of| throttles.take(&api("orders"), &policy, None, Some(&app(of)));
    assert!(call("one").is_ok());
    advance(Duration::from_secs(30)).await;
    assert!(call("two").is_ok());
    assert_eq!(said(call("three")), "per API");
    assert_eq!(said(call("two")), "per app");
    let waits = ["three", "two"].map(|of| call(of).unwrap_err().retry_after());
    assert_eq!(waits, [Some(34), Some(64)]);
}

#[tokio::test(start_paused = true)]
async fn who_is_unknown_counts_for_the_api_only() {
    let throttles = Throttles::new(100);
    let open = policy(2, 1, 1);
    let call = || said(throttles.take(&api("open"), &open, None, None));
    assert_eq!([call(), call(), call()], ["-", "-", "per API"]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_limit_holds_at_once_and_a_changed_window_counts_anew() {
    let throttles = Throttles::new(100);
    let call = |policy: &Throttle| said(throttles.take(&api("orders"), policy, None, None));
    let mut policy = policy(3, 0, 0);
    assert_eq!([call(&policy), call(&policy)], ["-", "-"]);
    policy.per_api = Some(2);
    assert_eq!(call(&policy), "per API");
    policy.per_api = Some(3);
    assert_eq!([call(&policy), call(&policy)], ["-", "per API"]);
    policy.window_ms = 1_000;
    assert_eq!(call(&policy), "-");
    assert_eq!(throttles.len(), 1);
}

/// Full of callers that are counted, the gate takes no new ones, and keeps to the limits of those it
/// has; when some are idle, their room is used again.
#[tokio::test(start_paused = true)]
async fn when_full_newcomers_are_denied_and_nobody_is_forgotten() {
    let throttles = Throttles::new(4);
    let policy = policy(0, 0, 1);
    let call = |on: &str, of: &str| said(throttles.take(&api(on), &policy, None, Some(&app(of))));
    advance(Duration::from_secs(1)).await;
    assert_eq!([call("a", "1"), call("a", "2"), call("b", "1")], ["-"; 3]);
    advance(Duration::from_secs(40)).await;
    assert_eq!(call("c", "1"), "-");
    assert_eq!([call("c", "2"), call("d", "9")], ["overloaded"; 2]);
    assert_eq!([call("a", "1"), call("b", "1"), call("c", "1")], ["per app"; 3]);
    assert_eq!(throttles.len(), 4);
    advance(Duration::from_secs(30)).await;
    assert_eq!([call("d", "9"), call("c", "2")], ["-", "-"], "three were idle");
    assert_eq!(call("c", "1"), "per app", "one was not");
    assert_eq!(throttles.len(), 3);
}

/// However many threads call, a limit is not passed.
#[test]
fn a_limit_holds_against_many_at_once() {
    let throttles = Throttles::new(100);
    let policy = policy(1_000, 600, 400);
    let taken = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (throttles, policy, taken) = (&throttles, &policy, &taken);
            scope.spawn(move || {
                let (user, app) =
                    (account(&format!("u{}", thread / 2)), app(&format!("a{thread}")));
                for _ in 0..1_000 {
                    if throttles.take(&api("orders"), policy, user.clone(), Some(&app)).is_ok() {
                        taken.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    // Two users of two apps each: 1,200 by users, 1,600 by apps, 1,000 by the API.
    assert_eq!(taken.load(Ordering::Relaxed), 1_000);
}
