//! One battery of tests for every store: each case is a story about the [`Store`] it is given, which
//! must be empty.
//!
//! [`battery!`](crate::battery!) makes a named test of each case.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that fails panics

mod deliver;
mod feed;
mod gateways;
mod history;
mod hosts;
mod lists;
mod order;
mod round_trip;
pub mod samples;
mod time;
mod unique;

pub use deliver::*;
pub use feed::*;
pub use gateways::*;
pub use history::*;
pub use hosts::*;
pub use lists::*;
pub use order::*;
pub use round_trip::*;
pub use time::*;
pub use unique::*;

use std::sync::Arc;

use crate::{Revision, Store, Transaction, View};

/// What every case gets.
pub type Shared = Arc<dyn Store>;

/// Makes a module `$engine` with a test for each case of the battery. `$open` is an async function
/// that gives an empty store, and something to keep as long as the store is used.
#[macro_export]
macro_rules! battery {
    ($engine:ident, $open:path) => {
        mod $engine {
            $crate::battery! { @each $open;
                revisions_have_no_gaps_and_follow_commits
                a_dropped_transaction_leaves_nothing
                a_transaction_sees_what_it_wrote
                an_empty_transaction_commits
                a_view_is_one_moment
                views_do_not_wait_for_a_writer
                decision_time_is_kept
                the_epoch_is_kept
                each_revision_has_a_stamp_of_its_own
                setbacks_are_kept_once
                messages_keep_their_names
                the_vault_check_is_kept
                the_feed_check_is_kept
                people_round_trip
                catalog_round_trips
                many_are_kept_and_found_at_once
                who_is_counted_on_is_found
                applications_and_notices_are_kept_together
                throttles_round_trip
                publications_round_trip
                standings_round_trip
                applications_round_trip
                notices_round_trip
                parts_are_read_as_last_put
                the_journal_is_told_in_order
                the_outbox_is_told_in_order
                messages_are_put_off_and_removed
                what_is_remarkable_is_found_in_order
                marks_are_kept
                users_are_found_by_name_and_key
                apps_are_filtered
                apis_are_filtered
                apis_are_found_by_their_throttle
                names_match_literally_and_whatever_their_case
                applications_are_filtered
                notices_are_filtered
                pages_are_parts_of_the_list
                routes_are_found
                who_holds_a_route_is_found
                hosts_are_kept_and_told
                what_is_deleted_is_gone
                standings_are_listed_while_they_matter
                what_is_due_is_found
                due_moments_agree_with_settling
                tokens_are_dropped_when_they_ended
                revoked_tokens_are_told_until_they_are_forgotten
                tokens_are_found_by_their_user
                members_and_users_come_and_go
                changes_since_zero_are_everything
                everything_comes_in_parts_too
                changes_tell_deletions_once
                changes_tell_each_revision_whole
                changes_tell_bound_apis_when_their_throttle_changes
                changes_followed_give_the_whole
                access_keys_and_names_are_unique
                app_keys_are_unique
                names_are_unique_in_their_workspace
                of_two_writers_one_has_the_name
                deleted_ids_are_never_used_again
                gateways_are_kept_outside_the_history
                gateways_are_kept_while_somebody_writes
                a_gateway_heard_again_is_not_forgotten
                the_revision_of_a_right_is_that_of_its_last_part
            }
        }
    };
    (@each $open:path; $($case:ident)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let (store, _keep) = $open().await;
            $crate::battery::$case(store).await;
        }
    )+};
}

/// The turn to write.
async fn begin(store: &Shared) -> Box<dyn Transaction> {
    store.begin().await.unwrap()
}

/// A view.
async fn view(store: &Shared) -> Box<dyn View> {
    store.view().await.unwrap()
}

/// One transaction: `write!(store, put_app(&app), put_api(&api))`.
macro_rules! write {
    ($store:expr) => {
        $crate::battery::begin(&$store).await.commit().await.unwrap()
    };
    ($store:expr, $($put:ident($($argument:expr),*)),+ $(,)?) => {{
        let mut tx = $crate::battery::begin(&$store).await;
        $(tx.$put($($argument),*).await.unwrap();)+
        tx.commit().await.unwrap()
    }};
}
use write;

fn revision(n: u64) -> Revision {
    Revision(n)
}
