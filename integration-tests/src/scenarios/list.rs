//! The list.

/// Makes a test of each scenario in which all instances live and everything works, on what `$open` opens: an async function that returns backends, or `None`
/// where the tests are to be skipped.
#[macro_export]
macro_rules! fair_weather_scenarios {
    ($open:path) => {
        $crate::__scenarios! { $open;
            streams:
                every_instance_tells_the_same_of_a_task
                a_subscription_right_after_the_creation_misses_nothing
                a_stream_opened_at_any_moment_misses_and_repeats_nothing
                a_parked_task_tells_every_instance_of_turns_that_others_run
                readers_that_leave_disturb_nobody
        }
        $crate::__scenarios! { $open;
            volume:
                five_thousand_chunks_arrive_everywhere_in_order
                an_artifact_of_several_megabytes_arrives_everywhere
                a_reader_that_sleeps_is_told_everything_when_it_wakes
        }
        $crate::__scenarios! { $open;
            following_up:
                a_parked_task_is_answered_wherever_the_answer_lands
                of_two_answers_at_once_one_is_taken
                a_running_task_takes_no_answer_on_any_instance
                a_message_that_is_sent_to_all_instances_at_once_makes_one_task
        }
        $crate::__scenarios! { $open;
            cancelling:
                a_running_task_is_cancelled_from_every_instance
                cancels_from_all_instances_at_once_agree
                of_a_cancel_and_an_end_one_wins
                a_parked_task_is_cancelled_where_the_request_lands
        }
        $crate::__scenarios! { $open;
            reading:
                what_was_answered_is_read_at_once_on_every_instance
                lists_agree_on_every_instance
                pages_from_changing_instances_hold_every_unchanged_task_once
        }
        $crate::__scenarios! { $open;
            webhooks:
                a_webhook_set_elsewhere_hears_of_a_running_task
                a_webhook_removed_elsewhere_hears_nothing_of_the_next_turn
        }
    };
}

/// Makes a test of each scenario that poses one fault of a task, and that any bus and none can play; `$open` is as for
/// [`fair_weather_scenarios!`](crate::fair_weather_scenarios).
#[macro_export]
macro_rules! single_fault_scenarios {
    ($open:path) => {
        $crate::__scenarios! { $open;
            readers:
                readers_see_the_turn_of_another_instance_whatever_the_agent_does_that_asked
                readers_of_a_task_that_is_deleted_are_told_so
        }
        $crate::__scenarios! { $open;
            repeats:
                a_message_that_is_sent_again_while_its_task_is_made_joins_its_agent
                equal_messages_at_once_are_all_streamed_to_the_end
                of_equal_messages_none_that_returns_immediately_waits_for_the_turn
        }
        $crate::__scenarios! { $open;
            claims:
                a_release_that_arrives_late_ends_no_later_claim
                a_follow_up_that_is_refused_leaves_the_agent_that_asked_as_it_was
                a_claim_whose_answer_stays_away_is_found_out
                a_claim_whose_answer_never_comes_is_worked_on_or_not_and_is_not_called_undone
        }
        $crate::__scenarios! { $open;
            lagging_index:
                what_the_index_still_shows_of_earlier_turns_takes_nothing_from_the_next
                what_a_leaving_instance_hands_over_goes_on_before_the_index_shows_it
        }
        $crate::__scenarios! { $open;
            talkative:
                an_agent_that_never_stops_talking_is_cancelled_and_holds_no_shutdown_up
                a_cancel_wins_against_an_executor_that_talks_and_cannot_be_asked
                an_agent_that_refused_to_cancel_is_asked_again
        }
        $crate::__scenarios! { $open;
            take_over:
                one_task_that_cannot_be_read_does_not_hold_up_the_others
                more_tasks_than_a_page_are_taken_over_and_shared
                a_task_that_nobody_works_on_is_found_behind_more_than_a_page
        }
        $crate::__scenarios! { $open;
            cut_off:
                a_store_that_is_away_ends_streams_and_no_task
                streams_of_an_instance_that_is_cut_off_alone_end_and_it_joins_again
        }
        $crate::__scenarios! { $open;
            broken_agents:
                a_panic_anywhere_in_an_agent_fails_its_task_and_nothing_else
                what_an_agent_nests_can_be_read_everywhere_however_deep
        }
    };
}

/// Makes a test of every scenario; `$open` is as for [`fair_weather_scenarios!`](crate::fair_weather_scenarios).
#[macro_export]
macro_rules! scenarios {
    ($open:path) => {
        $crate::fair_weather_scenarios! { $open }
        $crate::single_fault_scenarios! { $open }
        $crate::__scenarios! { $open;
            hints:
                streams_that_open_at_once_hold_no_cancel_back
                what_a_cancel_says_reaches_an_agent_elsewhere_and_its_refusal_the_caller
        }
        $crate::__scenarios! { $open;
            load:
                many_tasks_at_once_are_told_completely
        }
        $crate::__scenarios! { $open;
            weather:
                without_a_bus_every_stream_is_complete_and_a_cancel_works
                a_bus_that_loses_repeats_and_reorders_changes_nothing
                a_store_that_fails_and_loses_answers_changes_nothing
        }
        $crate::__scenarios! { $open;
            departures:
                agents_finish_within_the_grace_and_streams_elsewhere_are_complete
                what_is_left_at_the_end_of_the_grace_is_resumed_elsewhere
                every_instance_is_replaced_and_no_reader_elsewhere_misses_anything
        }
        $crate::__scenarios! { $open;
            crashes:
                the_tasks_of_a_killed_instance_fail_and_streams_elsewhere_end
                a_killed_instance_is_resumed_and_streams_elsewhere_are_complete
                a_parked_task_outlives_its_instance
                an_instance_that_dies_while_it_reads_disturbs_nobody
                an_instance_that_was_frozen_harms_nothing_when_it_wakes
        }
    };
}

/// Makes a module of tests, one per scenario of a group.
#[doc(hidden)]
#[macro_export]
macro_rules! __scenarios {
    ($open:path; $group:ident: $($scenario:ident)*) => {
        mod $group {
            $(
                #[tokio::test]
                async fn $scenario() {
                    $crate::scenarios::play($open().await, $crate::scenarios::$group::$scenario).await;
                }
            )*
        }
    };
}
