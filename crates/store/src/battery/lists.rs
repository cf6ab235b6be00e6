//! Filters and pages.

use tidegate_domain::api::Method;
use tidegate_domain::notice::NoticeKind;
use tidegate_domain::publication::Status;
use tidegate_domain::{Api, AppKind, ApplicationKind, NoticeOutcome, Outcome, VoidCause};

use super::samples::{
    api, api_id, app, app_id, application, at, bound_api, closed, key, notice, project, project_id,
    publication, throttle_name, user, user_id, verdict, workspace, workspace_id,
};
use super::{Shared, view, write};
use crate::{ApiFilter, AppFilter, ApplicationFilter, NoticeFilter, Paging, Party};

async fn app_ids(store: &Shared, filter: AppFilter) -> Vec<String> {
    let page = view(store).await.apps(&filter, Paging::ALL).await.unwrap();
    assert_eq!(page.total, page.items.len() as u64);
    page.items.iter().map(|record| record.app.id.to_string()).collect()
}

async fn api_ids(store: &Shared, filter: ApiFilter) -> Vec<String> {
    let page = view(store).await.apis(&filter, Paging::ALL).await.unwrap();
    assert_eq!(page.total, page.items.len() as u64);
    page.items.iter().map(|api| api.id.to_string()).collect()
}

async fn application_ids(store: &Shared, filter: ApplicationFilter) -> Vec<String> {
    let page = view(store).await.applications(&filter, Paging::ALL).await.unwrap();
    page.items.iter().map(|application| application.id.to_string()).collect()
}

async fn notice_ids(store: &Shared, filter: NoticeFilter) -> Vec<String> {
    let page = view(store).await.notices(&filter, Paging::ALL).await.unwrap();
    page.items.iter().map(|notice| notice.id.to_string()).collect()
}

/// By access key, by name in a project, by name in an account.
pub async fn users_are_found_by_name_and_key(store: Shared) {
    let mut keyless = user("u4", "p1", "bob");
    keyless.access_key = String::new();
    write!(
        store,
        put_project(&project("p1", "acme")),
        put_project(&project("p2", "acme")),
        put_project(&project("p3", "other")),
        put_user(&user("u3", "p2", "ann")),
        put_user(&user("u1", "p1", "ann")),
        put_user(&user("u2", "p3", "ann")),
        put_user(&keyless),
    );
    let mut view = view(&store).await;
    let found = view.user_by_access_key("AK-u1").await.unwrap();
    assert_eq!(found, Some(user("u1", "p1", "ann")));
    assert_eq!(view.user_by_access_key("").await.unwrap(), None);
    assert_eq!(view.user_by_access_key("ak-u1").await.unwrap(), None);
    let anns = view.users_by_name("acme", "ann").await.unwrap();
    assert_eq!(anns, [user("u1", "p1", "ann"), user("u3", "p2", "ann")]);
    assert!(view.users_by_name("acme", "Ann").await.unwrap().is_empty());
    let ann = view.user_of_project(&project_id("p3"), "ann").await.unwrap();
    assert_eq!(ann, Some(user("u2", "p3", "ann")));
    assert_eq!(view.user_of_project(&project_id("p3"), "bob").await.unwrap(), None);
}

/// Every field of the filter of apps.
pub async fn apps_are_filtered(store: Shared) {
    let mut elsewhere = app("a2", "Beta", 3);
    elsewhere.app.workspace = workspace_id("w2");
    let mut iam = app("a3", "acme", 2);
    (iam.app.kind, iam.app.workspace) = (AppKind::Iam, workspace_id("w2"));
    let mut foreign = app("a4", "alpha two", 1);
    foreign.app.project = project_id("p2");
    foreign.app.workspace = workspace_id("w3");
    write!(
        store,
        put_workspace(&workspace("w1", "p1")),
        put_workspace(&workspace("w3", "p2")),
        put_app(&app("a1", "Alpha", 3)),
        put_app(&elsewhere),
        put_app(&iam),
        put_app(&foreign),
    );
    let all = AppFilter::default;
    assert_eq!(app_ids(&store, all()).await, ["a4", "a3", "a1", "a2"]);
    let of_project = AppFilter { project: Some(project_id("p1")), ..all() };
    assert_eq!(app_ids(&store, of_project).await, ["a3", "a1", "a2"]);
    // An IAM app belongs to every workspace of its project, known or not.
    for (workspace, expected) in
        [("w1", vec!["a3", "a1"]), ("w2", vec!["a3", "a2"]), ("w3", vec!["a4"])]
    {
        let filter = AppFilter { workspace: Some(workspace_id(workspace)), ..all() };
        assert_eq!(app_ids(&store, filter).await, expected, "{workspace}");
    }
    let named = AppFilter { name: Some("ALPH".to_owned()), ..all() };
    assert_eq!(app_ids(&store, named).await, ["a4", "a1"]);
    let kind = AppFilter { kind: Some(AppKind::Iam), ..all() };
    assert_eq!(app_ids(&store, kind).await, ["a3"]);
}

/// Which APIs a throttling policy limits is found by its name and workspace.
pub async fn apis_are_found_by_their_throttle(store: Shared) {
    let mut elsewhere = bound_api("x2", "slow");
    elsewhere.workspace = workspace_id("w2");
    write!(
        store,
        put_api(&bound_api("x1", "slow")),
        put_api(&elsewhere),
        put_api(&bound_api("x3", "other")),
        put_api(&api("x4", "free", 1)),
        put_api(&bound_api("x5", "slow")),
    );
    write!(store, delete_api(&api_id("x5")));
    let throttle = Some(throttle_name("slow"));
    let anywhere = ApiFilter { throttle, ..ApiFilter::default() };
    let here = ApiFilter { workspace: Some(workspace_id("w1")), ..anywhere.clone() };
    assert_eq!(api_ids(&store, anywhere).await, ["x1", "x2"]);
    assert_eq!(api_ids(&store, here).await, ["x1"]);
}

/// Every field of the filter of APIs.
pub async fn apis_are_filtered(store: Shared) {
    let mut second = api("x2", "Bills", 20);
    second.workspace = workspace_id("w2");
    second.description = "Rechnungen für Ännchen".to_owned();
    second.created_by = user_id("u3");
    second.tags = vec!["shop".to_owned(), "shop 2".to_owned()];
    let mut third = api("x3", "Cars", 10);
    third.project = project_id("p2");
    third.created_by = user_id("nobody");
    third.tags = Vec::new();
    write!(
        store,
        put_user(&user("u2", "p1", "Bob")),
        put_user(&user("u3", "p1", "Carol")),
        put_api(&api("x1", "Orders", 20)),
        put_api(&second),
        put_api(&third),
        put_publication(&publication("x1", "i1", Status::Stopped)),
        put_publication(&publication("x1", "i2", Status::Stopping { at: at(1) })),
        put_publication(&publication("x2", "APIG", Status::Stopped)),
    );
    let all = ApiFilter::default;
    let text = |text: &str| Some(text.to_owned());
    let tags = |tags: &[&str]| tags.iter().map(|&tag| tag.to_owned()).collect();
    let cases: [(ApiFilter, &[&str]); 21] = [
        (all(), &["x3", "x1", "x2"]),
        (ApiFilter { project: Some(project_id("p1")), ..all() }, &["x1", "x2"]),
        (ApiFilter { workspace: Some(workspace_id("w2")), ..all() }, &["x2"]),
        (ApiFilter { name: text("R"), ..all() }, &["x3", "x1"]),
        (ApiFilter { description: text("ÄNN"), ..all() }, &["x2"]),
        (ApiFilter { description: text("ann"), ..all() }, &[]),
        (ApiFilter { creator: text("bO"), ..all() }, &["x1"]),
        (ApiFilter { creator: text("o"), ..all() }, &["x1", "x2"]),
        (ApiFilter { tags: tags(&["shop"]), ..all() }, &["x1", "x2"]),
        (ApiFilter { tags: tags(&["shop", "Orders"]), ..all() }, &["x1"]),
        (ApiFilter { tags: tags(&["orders"]), ..all() }, &[]),
        (ApiFilter { tags: tags(&["sho"]), ..all() }, &[]),
        (ApiFilter { created_from: Some(at(20)), ..all() }, &["x1", "x2"]),
        (ApiFilter { created_from: Some(at(21)), ..all() }, &[]),
        (ApiFilter { created_to: Some(at(19)), ..all() }, &["x3"]),
        (ApiFilter { created_to: Some(at(20)), ..all() }, &["x3", "x1", "x2"]),
        (ApiFilter { published: Some(true), ..all() }, &["x1"]),
        (ApiFilter { published: Some(false), ..all() }, &["x3", "x2"]),
        (ApiFilter { published: Some(false), name: text("bill"), ..all() }, &["x2"]),
        (ApiFilter { shared: Some(true), ..all() }, &["x3", "x2"]),
        (ApiFilter { shared: Some(false), ..all() }, &["x3", "x1"]),
    ];
    for (filter, expected) in cases {
        let shown = format!("{filter:?}");
        assert_eq!(api_ids(&store, filter).await, expected, "{shown}");
    }
}

/// `%`, `_`, `!` and `\` in a name mean themselves, and letters beyond ASCII have a case too.
pub async fn names_match_literally_and_whatever_their_case(store: Shared) {
    let names =
        ["100% ÄHRE", "100 percent", "a_b", "a-b", "wow!", "back\\slash", "ΣΊΣΥΦΟΣ", "it's"];
    for (n, name) in (1..).zip(names) {
        write!(store, put_app(&app(&format!("a{n}"), name, n)));
    }
    let cases: [(&str, &[&str]); 13] = [
        ("0%", &["a1"]),
        ("%", &["a1"]),
        ("100", &["a1", "a2"]),
        ("A_B", &["a3"]),
        ("_", &["a3"]),
        ("!", &["a5"]),
        ("\\", &["a6"]),
        ("k\\S", &["a6"]),
        ("ähre", &["a1"]),
        ("Ähre", &["a1"]),
        ("σίσυ", &["a7"]),
        ("'S", &["a8"]),
        ("", &["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"]),
    ];
    for (part, expected) in cases {
        let filter = AppFilter { name: Some(part.to_owned()), ..AppFilter::default() };
        assert_eq!(app_ids(&store, filter).await, expected, "{part}");
    }
}

/// Every field of the filter of applications, latest first.
pub async fn applications_are_filtered(store: Shared) {
    let mut other = api("x2", "Bills", 1);
    (other.project, other.workspace) = (project_id("p2"), workspace_id("w2"));
    other.manager = user_id("u8");
    let mut second = application("q2", ApplicationKind::Renew, "x2", 30);
    second.applicant = user_id("u5");
    let rejected = application("q3", ApplicationKind::Publish, "x1", 20);
    let withdrawn = application("q4", ApplicationKind::Apply, "x1", 10);
    let void = application("q5", ApplicationKind::Recover, "x1", 20);
    write!(
        store,
        put_api(&api("x1", "Orders", 1)),
        put_api(&other),
        put_application(&application("q1", ApplicationKind::Apply, "x1", 40)),
        put_application(&second),
        put_application(&rejected.closed(verdict(Outcome::Rejected))),
        put_application(&withdrawn.closed(verdict(Outcome::Withdrawn))),
        put_application(&void.void(VoidCause::Unpublished, at(50))),
    );
    let all = ApplicationFilter::default;
    let kinds = vec![ApplicationKind::Apply, ApplicationKind::Renew];
    let cases: [(ApplicationFilter, &[&str]); 11] = [
        (all(), &["q1", "q2", "q5", "q3"]),
        (ApplicationFilter { withdrawn: true, ..all() }, &["q1", "q2", "q5", "q3", "q4"]),
        (ApplicationFilter { project: Some(project_id("p2")), ..all() }, &["q2"]),
        (ApplicationFilter { workspace: Some(workspace_id("w1")), ..all() }, &["q1", "q5", "q3"]),
        (ApplicationFilter { reviewer: Some(user_id("u8")), ..all() }, &["q2"]),
        (ApplicationFilter { applicant: Some(user_id("u5")), ..all() }, &["q2"]),
        (ApplicationFilter { kinds, withdrawn: true, ..all() }, &["q1", "q2", "q4"]),
        (ApplicationFilter { pending: Some(true), ..all() }, &["q1", "q2"]),
        (ApplicationFilter { pending: Some(false), ..all() }, &["q5", "q3"]),
        (ApplicationFilter { api_name: Some("oRD".to_owned()), ..all() }, &["q1", "q5", "q3"]),
        (
            ApplicationFilter { reviewer: Some(user_id("u9")), pending: Some(true), ..all() },
            &["q1"],
        ),
    ];
    for (filter, expected) in cases {
        let shown = format!("{filter:?}");
        assert_eq!(application_ids(&store, filter).await, expected, "{shown}");
    }
}

/// Every field of the filter of notices, latest first; the parties are alternatives.
pub async fn notices_are_filtered(store: Shared) {
    let mut other = api("x2", "Bills", 1);
    (other.project, other.manager) = (project_id("p2"), user_id("u8"));
    let mut foreign = app("a2", "two", 1);
    (foreign.app.owner, foreign.app.workspace) = (user_id("u7"), workspace_id("w2"));
    let mut withdrawn = notice("n3", NoticeKind::Stop, key("x1", "i1", "a1"), 10);
    withdrawn.closed = Some(closed(NoticeOutcome::Withdrawn));
    let forced = notice("n4", NoticeKind::Cancel, key("x1", "i1", "a2"), 20).carried_out();
    write!(
        store,
        put_api(&api("x1", "Orders", 1)),
        put_api(&other),
        put_app(&app("a1", "one", 1)),
        put_app(&foreign),
        put_notice(&notice("n1", NoticeKind::Cancel, key("x1", "i1", "a1"), 40)),
        put_notice(&notice("n2", NoticeKind::Unpublish, key("x2", "i1", "a2"), 30)),
        put_notice(&withdrawn),
        put_notice(&forced),
    );
    let all = NoticeFilter::default;
    let party = |workspace: &str, user: &str| {
        let (workspace, user) = (workspace_id(workspace), user_id(user));
        Some(Party { workspace, user })
    };
    let cases: [(NoticeFilter, &[&str]); 13] = [
        (all(), &["n1", "n2", "n4"]),
        (NoticeFilter { withdrawn: true, ..all() }, &["n1", "n2", "n4", "n3"]),
        (NoticeFilter { owner: party("w2", "u7"), ..all() }, &["n2", "n4"]),
        (NoticeFilter { app_workspace: Some(workspace_id("w1")), ..all() }, &["n1"]),
        (NoticeFilter { reviewer: party("w1", "u8"), ..all() }, &["n2"]),
        (
            NoticeFilter { reviewer: party("w1", "u8"), owner: party("w1", "u1"), ..all() },
            &["n1", "n2"],
        ),
        (
            NoticeFilter {
                reviewer: party("w2", "u8"),
                app_workspace: Some(workspace_id("w2")),
                owner: party("w1", "u1"),
                ..all()
            },
            &["n1", "n2", "n4"],
        ),
        (NoticeFilter { owner: party("w1", "u7"), ..all() }, &[]),
        (NoticeFilter { project: Some(project_id("p1")), ..all() }, &["n1", "n4"]),
        (NoticeFilter { api_name: Some("BILL".to_owned()), ..all() }, &["n2"]),
        (NoticeFilter { running: Some(true), ..all() }, &["n1", "n2"]),
        (NoticeFilter { running: Some(false), withdrawn: true, ..all() }, &["n4", "n3"]),
        (NoticeFilter { owner: party("w2", "u7"), running: Some(false), ..all() }, &["n4"]),
    ];
    for (filter, expected) in cases {
        let shown = format!("{filter:?}");
        assert_eq!(notice_ids(&store, filter).await, expected, "{shown}");
    }
}

/// Pages, laid one after the other, are the list.
pub async fn pages_are_parts_of_the_list(store: Shared) {
    for n in 0..7 {
        let asked = application(&format!("q{n}"), ApplicationKind::Apply, "x1", n / 2);
        let warned = notice(&format!("n{n}"), NoticeKind::Stop, key("x1", "i1", "a1"), n / 2);
        write!(
            store,
            put_app(&app(&format!("a{n}"), &format!("app {n}"), n / 2)),
            put_api(&api(&format!("x{n}"), &format!("api {n}"), n / 2)),
            put_application(&asked),
            put_notice(&warned),
        );
    }
    let mut view = view(&store).await;
    macro_rules! check {
        ($list:ident, $filter:expr) => {{
            let whole = view.$list(&$filter, Paging::ALL).await.unwrap();
            assert_eq!((whole.total, whole.items.len()), (7, 7));
            let mut parts = Vec::new();
            for offset in [0, 3, 6] {
                let part = view.$list(&$filter, Paging { offset, limit: 3 }).await.unwrap();
                assert_eq!(part.total, 7);
                parts.extend(part.items);
            }
            assert_eq!(parts, whole.items);
            for paging in [
                Paging { offset: 7, limit: 3 },
                Paging { offset: 0, limit: 0 },
                Paging { offset: u64::MAX, limit: u64::MAX },
            ] {
                let none = view.$list(&$filter, paging).await.unwrap();
                assert_eq!((none.total, none.items.len()), (7, 0));
            }
        }};
    }
    check!(apps, AppFilter::default());
    check!(apis, ApiFilter::default());
    check!(applications, ApplicationFilter::default());
    check!(notices, NoticeFilter::default());
}

/// By project, method and shape of the path; deleted APIs hold no route.
pub async fn routes_are_found(store: Shared) {
    let with = |id: &str, project: &str, method: Method, path: &str| Api {
        project: project_id(project),
        method,
        path: path.to_owned(),
        ..api(id, id, 1)
    };
    write!(
        store,
        put_api(&with("x1", "p1", Method::Get, "/orders/{id}")),
        put_api(&with("x2", "p1", Method::Get, "/orders/{number}/")),
        put_api(&with("x3", "p1", Method::Post, "/orders/{id}")),
        put_api(&with("x4", "p2", Method::Get, "/orders/{id}")),
        put_api(&with("x5", "p1", Method::Get, "/orders/{id}/items")),
        put_api(&with("x6", "p1", Method::Get, "/orders/{id}")),
    );
    for n in 1..=6 {
        write!(store, put_publication(&publication(&format!("x{n}"), "i1", Status::Published)));
    }
    write!(
        store,
        put_publication(&publication("x1", "i2", Status::Stopped)),
        delete_api(&api_id("x6")),
    );
    let mut view = view(&store).await;
    let on = |found: Vec<tidegate_domain::Publication>| -> Vec<String> {
        found.iter().map(|p| format!("{} {}", p.api, p.instance)).collect()
    };
    let p1 = project_id("p1");
    let found = view.publications_on_route(&p1, "GET", "/orders/{}").await.unwrap();
    assert_eq!(on(found), ["x1 i1", "x1 i2", "x2 i1"]);
    let none = view.publications_on_route(&p1, "GET", "/orders/{id}").await.unwrap();
    assert_eq!(on(none), Vec::<String>::new());
}

/// Deleted apps and APIs are in no list, and nothing is found through them.
pub async fn what_is_deleted_is_gone(store: Shared) {
    write!(
        store,
        put_api(&api("x1", "Orders", 1)),
        put_app(&app("a1", "one", 1)),
        put_application(&application("q1", ApplicationKind::Apply, "x1", 3)),
        put_notice(&notice("n1", NoticeKind::Cancel, key("x1", "i1", "a1"), 4)),
    );
    write!(store, delete_api(&api_id("x1")), delete_app(&app_id("a1")));
    assert!(view(&store).await.api(&api_id("x1")).await.unwrap().is_none());
    assert!(view(&store).await.app(&app_id("a1")).await.unwrap().is_none());
    assert!(api_ids(&store, ApiFilter::default()).await.is_empty());
    let tagged = ApiFilter { tags: vec!["shop".to_owned()], ..ApiFilter::default() };
    assert!(api_ids(&store, tagged).await.is_empty());
    assert!(app_ids(&store, AppFilter::default()).await.is_empty());
    // What was asked and announced is history and stays, but belongs to no project any more.
    assert_eq!(application_ids(&store, ApplicationFilter::default()).await, ["q1"]);
    let project = Some(project_id("p1"));
    let of_project = ApplicationFilter { project: project.clone(), ..ApplicationFilter::default() };
    assert!(application_ids(&store, of_project).await.is_empty());
    assert_eq!(notice_ids(&store, NoticeFilter::default()).await, ["n1"]);
    let of_project = NoticeFilter { project, ..NoticeFilter::default() };
    assert!(notice_ids(&store, of_project).await.is_empty());
    let (workspace, user) = (workspace_id("w1"), user_id("u1"));
    let owner = Some(Party { workspace, user });
    assert!(notice_ids(&store, NoticeFilter { owner, ..NoticeFilter::default() }).await.is_empty());
}
