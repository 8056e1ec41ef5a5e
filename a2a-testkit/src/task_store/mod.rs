//! The contract of a task store, sentence by sentence.
//!
//! Each function is one sentence of [`TaskStore`](a2a_core::TaskStore)'s contract and panics where the
//! store breaks it. [`task_store_suite!`](crate::task_store_suite) makes tests of them.

mod callers;
mod claims;
mod commits;
mod counting;
mod deletion;
mod fences;
mod full_pages;
mod generations;
mod ids;
mod large;
mod leaks;
mod listing;
mod log;
mod paging;
mod purging;
mod races;
mod reading;
mod releases;
mod retries;
mod trimming;
mod walk;
mod watching;

pub use callers::the_caller_is_kept_with_the_claim;
pub use claims::{
    a_claim_is_named_by_its_commit, a_commit_may_end_the_claim, a_later_claim_takes_the_place_of_an_earlier,
    a_task_that_ended_may_change_hands, keep_leaves_the_claim,
};
pub use commits::{
    a_commit_that_expects_another_version_conflicts, a_commit_that_expects_the_current_version_is_applied,
    a_repeated_commit_with_the_same_id_is_applied_once, the_principal_is_set_by_the_first_commit_only,
};
pub use counting::list_counts_all_matches;
pub use deletion::delete_removes_everything_of_a_task;
pub use fences::{
    a_fence_is_an_empty_commit_at_the_end_of_the_log, a_repeated_fence_with_the_same_id_is_applied_once,
    only_a_turn_under_way_is_fenced,
};
pub use full_pages::list_ends_a_page_that_is_full_of_bytes;
pub use generations::the_generation_is_kept;
pub use ids::ids_are_hostile;
pub use large::a_large_commit_is_applied_or_too_large;
pub use leaks::a_failed_call_leaks_no_content;
pub use listing::{
    list_filters_by_context_state_and_time, list_never_crosses_tenants_or_principals,
    list_returns_newest_status_first,
};
pub use log::{commits_after_returns_all_later_commits_in_order, versions_have_no_holes};
pub use paging::list_pages_cover_every_unchanged_task_once;
pub use purging::{list_keys_names_every_task_of_the_list, purge_removes_what_delete_removes};
pub use races::exactly_one_of_many_concurrent_commits_is_applied;
pub use reading::{
    head_agrees_with_load, load_for_returns_only_what_the_principal_created,
    load_returns_what_the_commits_made, load_sees_every_commit_that_was_answered,
};
pub use releases::release_ends_exactly_the_named_claim;
pub use retries::a_store_repeats_within_the_budget;
pub use trimming::{list_applies_the_history_length, list_omits_artifacts_unless_asked};
pub use watching::{
    watch_and_unwatch_are_idempotent, watch_registers_before_it_reads, watchers_are_told_at_once,
    watching_an_absent_task_registers_nothing,
};
