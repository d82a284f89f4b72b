//! The contract of [`Store`], [`Log`] and [`PolicyHistory`], as facts that hold for every store.

mod bodies;
mod containers;
mod expectations;
mod history;
mod policy;
mod quota;
mod records;
mod resources;
mod storages;
mod world;

pub use self::{
    bodies::*, containers::*, expectations::*, history::*, policy::*, quota::*, records::*, resources::*, storages::*,
};
pub(super) use world::World;

use crate::store::Store;
use podbell_log::{Fence, Log, PolicyHistory};
use std::sync::Arc;

/// Makes fresh stores for the contract.
#[async_trait::async_trait]
pub trait Fixture: Send + Sync + Sized {
    /// The store under test.
    type Store: Store + Log + PolicyHistory;

    /// A store without storages, for this fixture alone.
    async fn fresh() -> Self;

    /// The store.
    fn store(&self) -> &Self::Store;

    /// The fence that the store raises.
    fn fence(&self) -> Arc<Fence>;

    /// Forgets all records but the newest `keep` of each storage, and the rules that no remaining record needs, as
    /// retention does.
    async fn prune(&self, keep: u64);
}

/// Makes a test of every fact of the contract, for one [`Fixture`].
#[macro_export]
macro_rules! store_contract {
    ($fixture:ty) => {
        $crate::store_contract! { $fixture:
            a_document_is_created_then_updated_then_deleted
            a_deleted_and_re_created_resource_lives_another_life
            a_resource_reads_as_it_was_written
            a_write_outside_the_storage_is_refused
            a_container_is_not_put_twice
            a_description_is_an_update_of_its_subject
            what_is_created_with_its_description_is_told_once
            a_deleted_description_is_an_update_of_its_subject
            auxiliaries_go_with_their_subject
            a_write_set_is_all_or_nothing
            an_empty_write_set_is_refused
            the_parent_must_stand
            members_are_listed_in_order_without_auxiliaries
            members_are_read_in_portions
            membership_gives_the_container_a_version
            a_modified_child_counts_in_the_listing_only
            a_change_of_membership_resets_the_listing
            a_described_container_has_a_new_version
            a_container_made_with_its_first_member_keeps_its_own_version
            a_container_that_goes_with_its_members_tells_no_removal
            a_changed_child_container_shows_in_the_listing_above
            a_container_with_members_is_not_deleted
            an_absent_resource_is_expected_under_both_spellings
            a_twin_is_refused_without_being_asked
            a_version_is_expected_exactly
            a_container_is_expected
            an_empty_container_is_expected
            of_two_writers_with_one_version_one_wins
            positions_are_gap_free_and_shared_by_nobody
            the_log_reads_back_what_commits_answered
            causes_stand_in_every_record
            the_log_is_read_in_order_and_in_portions
            the_head_moves_before_a_commit_is_answered
            a_position_of_another_epoch_is_a_gap
            a_position_ahead_of_the_log_is_a_gap
            what_was_pruned_is_a_gap
            the_log_is_read_back_from_any_place
            the_way_back_ends_where_the_log_begins
            it_is_known_how_far_the_log_had_come_by_an_instant
            the_horizon_follows_the_pruning
            an_acl_is_policy_with_its_own_versions
            a_deleted_acl_is_policy
            a_touched_dependency_refuses_the_write
            an_absent_slot_that_was_filled_refuses_the_write
            any_newer_rules_refuse_what_must_follow_none
            the_fence_is_raised_by_policy_alone
            a_group_document_is_policy
            a_group_that_loses_its_members_is_policy_once_more
            a_deleted_group_document_is_policy
            rules_are_read_as_of_any_commit
            rules_outlive_their_subject
            several_documents_are_read_as_of_one_commit
            rules_older_than_every_record_are_a_gap
            pruning_keeps_the_rules_that_stand
            a_life_ends_once
            a_storage_begins_with_its_root_and_its_acl
            storages_never_overlap
            a_storage_number_is_never_used_again
            a_deleted_storage_takes_everything_along
            logs_of_storages_are_apart
            what_a_storage_holds_is_counted
            a_quota_is_never_exceeded
            an_unfinished_storage_is_found_by_nobody
            an_unfinished_storage_keeps_the_dates_that_it_is_given
            a_small_body_is_inline
            a_large_body_is_a_file_named_by_its_content
            a_body_is_read_from_an_offset
            a_broken_stream_stages_nothing
        }
    };
    ($fixture:ty: $($fact:ident)*) => {
        $(
            #[tokio::test]
            async fn $fact() {
                $crate::testing::contract::$fact::<$fixture>().await;
            }
        )*
    };
}
