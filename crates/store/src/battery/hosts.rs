//! Hosts of instances, and whose the routes are.

use tidegate_domain::Api;
use tidegate_domain::publication::Status;

use super::samples::{
    api, api_id, at, hosting, instance as instance_of, instance_id, project_id, publication,
};
use super::{Shared, revision, view, write};

/// By project, instance and time: an announced end that has come frees the route, a stop does not.
pub async fn who_holds_a_route_is_found(store: Shared) {
    let of = |id: &str, project: &str| Api { project: project_id(project), ..api(id, id, 1) };
    write!(store, put_api(&of("x1", "p1")), put_api(&of("x2", "p2")), put_api(&of("x3", "p1")));
    let holder = async |project: &str, instance: &str, now: i64| {
        let (project, instance) = (project_id(project), instance_id(instance));
        let mut view = view(&store).await;
        let found = view.publication_holding_route(&project, &instance, at(now)).await.unwrap();
        found.map(|publication| publication.api.to_string())
    };
    assert_eq!(holder("p1", "i1", 5).await, None);
    for (status, until_6, from_6) in [
        (Status::Created, None, None),
        (Status::PublishPending, None, None),
        (Status::PublishRejected, None, None),
        (Status::Offline, None, None),
        (Status::Published, Some("x1"), Some("x1")),
        (Status::Stopping { at: at(6) }, Some("x1"), Some("x1")),
        (Status::Stopped, Some("x1"), Some("x1")),
        (Status::RecoverPending, Some("x1"), Some("x1")),
        (Status::Unpublishing { at: at(6) }, Some("x1"), None),
    ] {
        write!(store, put_publication(&publication("x1", "i1", status)));
        assert_eq!(holder("p1", "i1", 5).await.as_deref(), until_6, "{status:?}");
        assert_eq!(holder("p1", "i1", 6).await.as_deref(), from_6, "{status:?}");
        assert_eq!(holder("p1", "i2", 5).await, None);
        assert_eq!(holder("p2", "i1", 5).await, None);
    }
    write!(
        store,
        put_publication(&publication("x2", "i1", Status::Published)),
        put_publication(&publication("x3", "i1", Status::Published)),
    );
    assert_eq!(holder("p2", "i1", 5).await.as_deref(), Some("x2"));
    assert_eq!(holder("p1", "i1", 6).await.as_deref(), Some("x3"));
    write!(store, delete_api(&api_id("x3")));
    assert_eq!(holder("p1", "i1", 6).await, None);
}

/// The hosts of instances, and the project that serves the other ones.
pub async fn hosts_are_kept_and_told(store: Shared) {
    write!(
        store,
        put_instance(&hosting("p2", "i1", &["b.example", "[::1]"])),
        put_instance(&instance_of("p1", "i1")),
    );
    let mut first = view(&store).await;
    assert_eq!(first.default_project().await.unwrap(), None);
    assert_eq!(first.changes(revision(0)).await.unwrap().default_project, None);
    let named = first.instances_with_hosts().await.unwrap();
    assert_eq!(named, [hosting("p2", "i1", &["b.example", "[::1]"])]);
    let before = first.head().await.unwrap().revision;
    drop(first);
    write!(
        store,
        put_instance(&hosting("p1", "i1", &["a.example"])),
        put_default_project(&project_id("p1")),
        put_default_project(&project_id("p2")),
    );
    let mut second = view(&store).await;
    let (project, instance) = (project_id("p1"), instance_id("i1"));
    let kept = second.instance(&project, &instance).await.unwrap();
    assert_eq!(kept, Some(hosting("p1", "i1", &["a.example"])));
    assert_eq!(second.instances_with_hosts().await.unwrap().len(), 2);
    assert_eq!(second.default_project().await.unwrap(), Some(project_id("p2")));
    let told = second.changes(before).await.unwrap();
    assert_eq!(told.instances, [hosting("p1", "i1", &["a.example"])]);
    assert_eq!(told.default_project, Some(project_id("p2")));
    let all = second.everything(None, 10).await.unwrap();
    assert_eq!(all.default_project, Some(project_id("p2")));
    let head = second.head().await.unwrap().revision;
    assert_eq!(second.changes(head).await.unwrap().default_project, None);
    drop(second);
    write!(store, put_instance(&instance_of("p1", "i1")));
    let mut third = view(&store).await;
    assert_eq!(third.changes(head).await.unwrap().default_project, None);
    assert_eq!(third.instances_with_hosts().await.unwrap().len(), 1);
}
