//! The macros that turn a contract into tests: one per sentence, each under its own name.
//!
//! `@sentences` and the name of a fixture's trait, instead of a fixture, make lists of them: see [`sentences`](crate::sentences).

/// Makes a module of tests, one per function of a suite, or a function that lists them.
#[doc(hidden)]
#[macro_export]
macro_rules! __suite {
    (@sentences $fixture:ident, $suite:ident: $($sentence:ident)*) => {
        fn $suite() -> Vec<Sentence<dyn $crate::$fixture>> {
            vec![$(
                Sentence::new(stringify!($suite), stringify!($sentence), |fixture| {
                    Box::pin($crate::$suite::$sentence(fixture))
                })
            ),*]
        }
    };
    ($fixture:ty, $suite:ident: $($sentence:ident)*) => {
        mod $suite {
            #[allow(unused_imports, reason = "the fixture may be named by its full path")]
            use super::*;

            $(
                #[test]
                fn $sentence() {
                    $crate::run::<$fixture>(async |fixture| $crate::$suite::$sentence(fixture).await);
                }
            )*
        }
    };
}

/// Tests a [`TaskStore`](a2a_core::TaskStore): expands to a module `task_store` with a test per sentence of
/// its contract. Takes the type of a [`StoreFixture`](crate::StoreFixture).
#[macro_export]
macro_rules! task_store_suite {
    ($($fixture:tt)+) => {
        $crate::__suite! { $($fixture)+, task_store:
            a_commit_that_expects_the_current_version_is_applied
            a_commit_that_expects_another_version_conflicts
            exactly_one_of_many_concurrent_commits_is_applied
            versions_have_no_holes
            a_repeated_commit_with_the_same_id_is_applied_once
            load_returns_what_the_commits_made
            load_for_returns_only_what_the_principal_created
            load_sees_every_commit_that_was_answered
            commits_after_returns_all_later_commits_in_order
            watch_registers_before_it_reads
            watch_and_unwatch_are_idempotent
            watching_an_absent_task_registers_nothing
            watchers_are_told_at_once
            head_agrees_with_load
            a_claim_is_named_by_its_commit
            keep_leaves_the_claim
            a_later_claim_takes_the_place_of_an_earlier
            a_commit_may_end_the_claim
            a_task_that_ended_may_change_hands
            release_ends_exactly_the_named_claim
            the_principal_is_set_by_the_first_commit_only
            the_caller_is_kept_with_the_claim
            the_generation_is_kept
            list_returns_newest_status_first
            list_pages_cover_every_unchanged_task_once
            list_ends_a_page_that_is_full_of_bytes
            list_never_crosses_tenants_or_principals
            list_filters_by_context_state_and_time
            list_counts_all_matches
            list_omits_artifacts_unless_asked
            list_applies_the_history_length
            delete_removes_everything_of_a_task
            ids_are_hostile
            a_failed_call_leaks_no_content
            a_large_commit_is_applied_or_too_large
            a_store_repeats_within_the_budget
            list_keys_names_every_task_of_the_list
            purge_removes_what_delete_removes
            a_fence_is_an_empty_commit_at_the_end_of_the_log
            a_repeated_fence_with_the_same_id_is_applied_once
            only_a_turn_under_way_is_fenced
        }
    };
}

/// Tests a [`Membership`](a2a_core::Membership): expands to a module `membership` with a test per sentence
/// of its contract. Takes the type of a [`StoreFixture`](crate::StoreFixture).
#[macro_export]
macro_rules! membership_suite {
    ($($fixture:tt)+) => {
        $crate::__suite! { $($fixture)+, membership:
            beat_zero_joins
            a_later_beat_needs_the_record
            a_beat_writes_the_whole_record
            member_reads_one_record
            the_roster_is_in_id_order_after_the_given_id
            evict_compares_the_beat
            an_evicted_member_stays_evicted
            a_member_that_left_stays_so
            remove_forgets_a_member
            executing_lists_the_tasks_of_an_executor
            executing_pages_cover_every_task
            of_beat_and_evict_one_wins
        }
    };
}

/// Tests [`PushConfigs`](a2a_core::PushConfigs): expands to a module `push_configs` with a test per sentence
/// of its contract. Takes the type of a [`StoreFixture`](crate::StoreFixture).
#[macro_export]
macro_rules! push_configs_suite {
    ($($fixture:tt)+) => {
        $crate::__suite! { $($fixture)+, push_configs:
            a_saved_config_is_returned
            saving_under_the_same_id_replaces
            configs_are_listed_in_id_order
            removing_a_config_is_idempotent
            acknowledge_only_moves_forward
            acknowledging_concerns_one_revision
            a_delivery_begins_where_the_last_one_got
            what_a_delivery_acknowledges_counts_until_another_begins
            configs_of_one_tenant_are_invisible_to_another
            a_delivery_that_was_given_up_is_listed
            given_up_pages_cover_every_delivery
            forgetting_a_given_up_delivery_is_idempotent
        }
    };
}

/// Tests a [`Deployment`](a2a_core::Deployment): expands to a module `deployment` with a test per sentence of its
/// contract. Takes the type of a [`StoreFixture`](crate::StoreFixture).
#[macro_export]
macro_rules! deployment_suite {
    ($($fixture:tt)+) => {
        $crate::__suite! { $($fixture)+, deployment:
            the_format_is_read
            keys_are_made_once
            names_have_keys_of_their_own
            a_renewed_key_leaves_the_one_before_valid
            of_two_who_renew_a_key_one_does
        }
    };
}

/// Tests an [`EventBus`](a2a_core::EventBus) and its [`Endpoint`](a2a_core::Endpoint)s: expands to two modules,
/// `event_bus` and `endpoint`, with a test per sentence of their contracts. Takes the type of a
/// [`BusFixture`](crate::BusFixture).
#[macro_export]
macro_rules! event_bus_suite {
    ($($fixture:tt)+) => {
        $crate::__suite! { $($fixture)+, event_bus:
            connecting_again_gives_an_endpoint
            release_removes_what_an_instance_left
            release_is_idempotent
        }
        $crate::__suite! { $($fixture)+, endpoint:
            a_message_reaches_each_recipient_and_nobody_else
            messages_to_a_live_endpoint_arrive_whole
            receive_waits_for_a_message
            receive_is_cancel_safe
            a_slow_reader_blocks_no_sender
            sending_to_nobody_does_nothing
            a_closed_recipient_is_reported_gone_or_ignored
            receive_on_a_closed_endpoint_is_closed
            close_is_idempotent
            instances_may_send_to_themselves
            a_connected_endpoint_is_reached
        }
    };
}
