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

/// Makes a test of every scenario; `$open` is as for [`fair_weather_scenarios!`](crate::fair_weather_scenarios).
#[macro_export]
macro_rules! scenarios {
    ($open:path) => {
        $crate::fair_weather_scenarios! { $open }
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
