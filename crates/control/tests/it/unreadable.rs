//! Records that cannot be read: what they are about is denied, and everything else goes on.

use std::sync::Arc;

use tidegate_control::{Control, Damaged, Settings, Vault};
use tidegate_store::{MemStore, Revision, Store};
use tidegate_testkit::World;

/// Gateways hear of it, without a secret, so that its calls are denied by name.
#[tokio::test]
async fn an_app_whose_secret_does_not_open_is_reported_without_one() {
    let store: Arc<dyn Store> = Arc::new(MemStore::new());
    let world = World::over(Arc::clone(&store), Settings::default()).await;
    let app = &world.app.id;
    let other_key = Vault::new(&[9; Vault::KEY_LEN]).unwrap();
    let other = Control::new(store, other_key, Settings::default());
    let lost = [Damaged { table: "apps", id: app.to_string(), column: "secret" }];
    // Everything, twice, and what has changed.
    for since in [0, 0, 1] {
        for (control, lost) in [(&*world.control, &[][..]), (&other, &lost[..])] {
            let told = control.changes(Revision(since)).await.unwrap();
            assert!(told.changes.apps.iter().any(|record| record.app.id == *app));
            assert!(!told.changes.apps_deleted.contains(app));
            assert_eq!(told.secrets.contains_key(app), lost.is_empty());
            assert_eq!(control.quarantined(), lost);
        }
    }
}
