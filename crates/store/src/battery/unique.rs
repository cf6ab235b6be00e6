//! What must be unique is.

use tidegate_domain::AppKind;

use super::samples::{api, api_id, app, app_id, project_id, user, workspace_id};
use super::{Shared, begin, view, write};
use crate::{Result, StoreError, taken};

fn refused(result: Result<()>) -> &'static str {
    match result {
        Err(StoreError::Taken { what }) => what,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Access keys are unique, names are within their project; missing keys are many.
pub async fn access_keys_and_names_are_unique(store: Shared) {
    let keyless = |id: &str, name: &str| {
        let mut user = user(id, "p1", name);
        user.access_key = String::new();
        user
    };
    write!(
        store,
        put_user(&user("u1", "p1", "ann")),
        put_user(&keyless("u2", "bob")),
        put_user(&keyless("u3", "Bob")),
        put_user(&user("u4", "p2", "ann")),
        put_user(&user("u1", "p1", "ann")),
    );
    let mut thief = user("u5", "p1", "thief");
    thief.access_key = "AK-u1".to_owned();
    let mut tx = begin(&store).await;
    assert_eq!(refused(tx.put_user(&thief).await), taken::ACCESS_KEY);
    assert_eq!(refused(tx.put_user(&user("u5", "p1", "ann")).await), taken::USER_NAME);
}

/// An app's key is its own; a deleted app's key is free again.
pub async fn app_keys_are_unique(store: Shared) {
    write!(store, put_app(&app("a1", "one", 1)), put_app(&app("a1", "renamed", 1)));
    let mut thief = app("a2", "two", 1);
    thief.app.app_key = "key-a1".to_owned();
    let mut tx = begin(&store).await;
    assert_eq!(refused(tx.put_app(&thief).await), taken::APP_KEY);
    drop(tx);
    let mut keyless = [app("a3", "three", 1), app("a4", "four", 1)];
    for record in &mut keyless {
        record.app.app_key = String::new();
        write!(store, put_app(record));
    }
    write!(store, delete_app(&app_id("a1")));
    write!(store, put_app(&thief));
    assert_eq!(view(&store).await.app(&app_id("a2")).await.unwrap(), Some(thief));
}

/// An id that was deleted is refused for ever; deleting what is not there is nothing.
pub async fn deleted_ids_are_never_used_again(store: Shared) {
    let (record, api) = (app("a1", "one", 1), api("x1", "one", 1));
    write!(store, delete_app(&record.app.id), delete_api(&api.id));
    write!(store, put_app(&record), put_api(&api));
    write!(store, delete_app(&record.app.id), delete_api(&api.id));
    write!(store, delete_app(&record.app.id), delete_api(&api.id));
    let mut tx = begin(&store).await;
    assert_eq!(refused(tx.put_app(&record).await), taken::ID);
    assert_eq!(refused(tx.put_api(&api).await), taken::ID);
}

/// An app's name is its own in its workspace, and an API's; that of what was deleted is free again. Names are
/// found exactly as they are.
pub async fn names_are_unique_in_their_workspace(store: Shared) {
    let mut iam = app("a3", "one", 1);
    iam.app.kind = AppKind::Iam;
    let mut elsewhere = (app("a4", "one", 1), api("x4", "one", 1));
    elsewhere.0.app.workspace = workspace_id("w2");
    elsewhere.1.workspace = workspace_id("w2");
    write!(
        store,
        put_app(&app("a1", "one", 1)),
        put_app(&app("a2", "One", 1)),
        put_app(&iam),
        put_app(&elsewhere.0),
        put_app(&app("a1", "one", 2)),
        put_api(&api("x1", "one", 1)),
        put_api(&api("x2", "ONE", 1)),
        put_api(&elsewhere.1),
        put_api(&api("x1", "one", 2)),
    );
    let (w1, w9, p1) = (workspace_id("w1"), workspace_id("w9"), project_id("p1"));
    let mut found = view(&store).await;
    let named = found.app_named(&w1, "one").await.unwrap();
    assert_eq!(named, Some(app("a1", "one", 2)));
    assert_eq!(found.app_named(&w1, "on").await.unwrap(), None);
    assert_eq!(found.app_named(&w1, "oNE").await.unwrap(), None);
    assert_eq!(found.app_named(&w9, "one").await.unwrap(), None);
    assert_eq!(found.iam_app(&p1).await.unwrap(), Some(iam.clone()));
    assert_eq!(found.iam_app(&project_id("p2")).await.unwrap(), None);
    assert_eq!(found.api_named(&w1, "one").await.unwrap(), Some(api("x1", "one", 2)));
    assert_eq!(found.api_named(&w1, "o_e").await.unwrap(), None);
    drop(found);

    let mut tx = begin(&store).await;
    assert_eq!(refused(tx.put_app(&app("a2", "one", 1)).await), taken::APP_NAME);
    assert_eq!(refused(tx.put_app(&app("a9", "one", 1)).await), taken::APP_NAME);
    let mut second = iam.clone();
    second.app.id = app_id("a8");
    second.app.app_key = "key-a8".to_owned();
    assert_eq!(refused(tx.put_app(&second).await), taken::APP_NAME);
    assert_eq!(refused(tx.put_api(&api("x2", "one", 1)).await), taken::API_NAME);
    assert_eq!(refused(tx.put_api(&api("x9", "one", 1)).await), taken::API_NAME);
    drop(tx);

    write!(store, delete_app(&app_id("a1")), delete_api(&api_id("x1")));
    let mut found = view(&store).await;
    assert_eq!(found.app_named(&w1, "one").await.unwrap(), None);
    assert_eq!(found.api_named(&w1, "one").await.unwrap(), None);
    write!(store, put_app(&app("a2", "one", 1)), put_api(&api("x2", "one", 1)));
}

/// Two that write the same name at once: one has it, the other is refused by what is taken.
pub async fn of_two_writers_one_has_the_name(store: Shared) {
    let write = async |id: &str| {
        let mut tx = begin(&store).await;
        tx.put_app(&app(id, "one", 1)).await?;
        tx.put_api(&api(id, "one", 1)).await?;
        tx.commit().await.map(drop)
    };
    let (first, second) = tokio::join!(write("n1"), write("n2"));
    let lost = if first.is_ok() { second } else { first };
    assert_eq!(refused(lost), taken::APP_NAME);
    let w1 = workspace_id("w1");
    assert!(view(&store).await.app_named(&w1, "one").await.unwrap().is_some());
}
