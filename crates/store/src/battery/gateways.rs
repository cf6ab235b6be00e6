//! Gateways are kept beside the history.

use tidegate_domain::publication::Status;

use super::samples::{api, app, app_id, at, gateway, granted, key, publication};
use super::{Shared, begin, view, write};
use crate::{Gateway, Revision};

async fn known(store: &Shared) -> Vec<Gateway> {
    store.gateways().await.unwrap()
}

/// What a gateway tells takes no revision; each time it is kept is counted.
pub async fn gateways_are_kept_outside_the_history(store: Shared) {
    write!(store, put_app(&app("a1", "one", 1)));
    let (one, two) = (gateway("g1", Some(7), 10), gateway("g2", None, 20));
    store.keep_gateways(&[two.clone(), one.clone()]).await.unwrap();
    let first = [one.clone(), two.clone()].map(|gateway| Gateway { beat: 1, ..gateway });
    assert_eq!(known(&store).await, first);
    let later = Gateway { revision: Some(Revision(9)), heard_at: at(30), ..one };
    store.keep_gateways(std::slice::from_ref(&later)).await.unwrap();
    assert_eq!(known(&store).await, [Gateway { beat: 2, ..later }, Gateway { beat: 1, ..two }]);
    assert_eq!(view(&store).await.head().await.unwrap().revision, Revision(1));
    assert_eq!(write!(store), Revision(2));
}

/// A writer who has not committed holds up no gateway for longer than the engine must, and loses
/// nothing of what it told.
pub async fn gateways_are_kept_while_somebody_writes(store: Shared) {
    let mut tx = begin(&store).await;
    tx.put_app(&app("a1", "one", 1)).await.unwrap();
    let one = gateway("g1", Some(1), 10);
    let keeping = {
        let store = store.clone();
        tokio::spawn(async move { store.keep_gateways(&[one]).await })
    };
    tx.commit().await.unwrap();
    keeping.await.unwrap().unwrap();
    assert_eq!(known(&store).await.len(), 1);
    let mut tx = begin(&store).await;
    tx.delete_app(&app_id("a1")).await.unwrap();
    drop(tx);
    assert_eq!(known(&store).await.len(), 1, "a writer who gives up takes no gateway along");
}

/// Only the gateway that was looked at is forgotten.
pub async fn a_gateway_heard_again_is_not_forgotten(store: Shared) {
    let one = gateway("g1", Some(1), 10);
    store.keep_gateways(std::slice::from_ref(&one)).await.unwrap();
    store.keep_gateways(std::slice::from_ref(&one)).await.unwrap();
    assert!(!store.forget_gateway("g1", 1).await.unwrap());
    assert!(!store.forget_gateway("g2", 1).await.unwrap());
    assert!(store.forget_gateway("g1", 2).await.unwrap());
    assert_eq!(known(&store).await, []);
    store.keep_gateways(&[one]).await.unwrap();
    assert_eq!(known(&store).await[0].beat, 1);
}

/// Whatever the gate is told of a right moves its revision; what it is not told does not.
pub async fn the_revision_of_a_right_is_that_of_its_last_part(store: Shared) {
    let right = key("x1", "i1", "a1");
    let of = async |store: &Shared| view(store).await.revision_of(&right).await.unwrap();
    assert_eq!(of(&store).await, Revision(0));
    write!(store, put_api(&api("x1", "one", 1)), put_app(&app("a1", "one", 1)));
    write!(store, put_app(&app("a2", "other", 1)));
    assert_eq!(of(&store).await, Revision(1));
    assert_eq!(
        write!(store, put_publication(&publication("x1", "i1", Status::Published))),
        of(&store).await
    );
    assert_eq!(write!(store, put_standing(&granted("x1", "i1", "a1", 9))), of(&store).await);
    assert_eq!(write!(store, put_app(&app("a1", "new secret", 1))), of(&store).await);
    let before = of(&store).await;
    write!(store, put_standing(&granted("x1", "i1", "a2", 9)));
    write!(store, put_publication(&publication("x1", "i2", Status::Published)));
    assert_eq!(of(&store).await, before);
    assert_eq!(write!(store, delete_app(&app_id("a1"))), of(&store).await);
}
