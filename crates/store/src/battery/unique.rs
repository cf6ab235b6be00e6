//! What must be unique is.

use super::samples::{api, app, app_id, user};
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
