//! Every metric of an instance: its name, its unit and what it tells.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub(super) const COMMITS: &str = "a2a_commits_total";
pub(super) const CONFLICTS: &str = "a2a_commit_conflicts_total";
pub(super) const COMMIT_EVENTS: &str = "a2a_commit_events";
pub(super) const COMMIT_SECONDS: &str = "a2a_commit_seconds";
pub(super) const SEND_SECONDS: &str = "a2a_send_seconds";
pub(super) const DELIVERY_SECONDS: &str = "a2a_delivery_seconds";
pub(super) const FIRST_EVENT_SECONDS: &str = "a2a_first_event_seconds";
pub(super) const GAP_REPAIRS: &str = "a2a_gap_repairs_total";
pub(super) const SILENCE_CHECKS: &str = "a2a_silence_checks_total";
pub(super) const WATCHERS: &str = "a2a_watchers";
pub(super) const STREAMS: &str = "a2a_streams";
pub(super) const STREAMS_OPENED: &str = "a2a_streams_opened_total";
pub(super) const STREAMS_CUT: &str = "a2a_streams_cut_total";
pub(super) const AGENTS: &str = "a2a_agents";
pub(super) const MAX_AGENTS: &str = "a2a_max_agents";
pub(super) const WAITING_COMMITS: &str = "a2a_waiting_commits";
pub(super) const BEATS: &str = "a2a_beats_total";
pub(super) const SENT: &str = "a2a_messages_sent_total";
pub(super) const RECEIVED: &str = "a2a_messages_received_total";
pub(super) const BUS_CONNECTED: &str = "a2a_bus_connected";
pub(super) const BUS_FAILURES: &str = "a2a_bus_failures_total";
pub(super) const HINTS_DROPPED: &str = "a2a_hints_dropped_total";
pub(super) const EVICTIONS: &str = "a2a_evictions_total";
pub(super) const TAKEOVERS: &str = "a2a_takeovers_total";
pub(super) const STORE_RETRIES: &str = "a2a_store_retries_total";
pub(super) const STORE_TROUBLES: &str = "a2a_store_troubles_total";
pub(super) const STORE_FAILURES: &str = "a2a_store_attempts_failed_total";
pub(super) const TURNS: &str = "a2a_turns_total";
pub(super) const PANICS: &str = "a2a_agent_panics_total";
pub(super) const LONG_POLLS: &str = "a2a_agent_long_polls_total";
pub(super) const OVERDUE: &str = "a2a_agents_overdue_total";
pub(super) const NOT_ADMITTED: &str = "a2a_not_admitted_total";
pub(super) const WEBHOOK_ATTEMPTS: &str = "a2a_webhook_attempts_total";

const COUNTERS: [(&str, &str); 22] = [
    (COMMITS, "Commits that were applied"),
    (CONFLICTS, "Commits that lost to another writer"),
    (GAP_REPAIRS, "Times that commits known to be missing were read from the store"),
    (SILENCE_CHECKS, "Times that the store was asked after silence, and whether it knew more"),
    (STREAMS_OPENED, "Streams that were opened"),
    (STREAMS_CUT, "Streams that ended before their turn or task did, though it is there, by why"),
    (BEATS, "Heartbeats that the store took"),
    (SENT, "Messages that the bus took"),
    (RECEIVED, "Messages that the bus brought"),
    (BUS_FAILURES, "Calls of the bus that failed"),
    (HINTS_DROPPED, "Hints to other instances dropped because too many waited"),
    (EVICTIONS, "Evictions of others by this instance, and of this one"),
    (TAKEOVERS, "Tasks of lost instances, by what became of them"),
    (STORE_RETRIES, "Store calls that failed for a while and were made again"),
    (STORE_TROUBLES, "Attempts at the store that failed, repeated or not, by the kind of trouble"),
    (STORE_FAILURES, "The same, by operation, code, reason and resource"),
    (TURNS, "Turns of agents that ended here, by how"),
    (PANICS, "Panics of agents"),
    (LONG_POLLS, "Times that an agent kept a thread of the runtime busy for 100 ms or longer"),
    (OVERDUE, "Agents that said nothing for too long, or took too long, and were asked to stop"),
    (NOT_ADMITTED, "Requests refused because enough agents ran, or enough commits waited"),
    (WEBHOOK_ATTEMPTS, "Attempts to deliver to a webhook"),
];

const GAUGES: [(&str, &str); 6] = [
    (WATCHERS, "Watchers that the agents running here send news to"),
    (STREAMS, "Open streams, of tasks that ran here or elsewhere when they opened"),
    (AGENTS, "Agents that run"),
    (MAX_AGENTS, "Agents that may run"),
    (WAITING_COMMITS, "Commits that wait for the store"),
    (BUS_CONNECTED, "1 while the bus is connected and can be read, else 0"),
];

const HISTOGRAMS: [(&str, Unit, &str); 5] = [
    (COMMIT_EVENTS, Unit::Count, "Events of one applied commit"),
    (COMMIT_SECONDS, Unit::Seconds, "One call of the store that commits, answered"),
    (SEND_SECONDS, Unit::Seconds, "From a commit being known to the bus having taken its news"),
    (
        FIRST_EVENT_SECONDS,
        Unit::Seconds,
        "From a stream being asked for to its first event, or to its late end without one",
    ),
    (DELIVERY_SECONDS, Unit::Seconds, "From the news of a commit to the streams here seeing it"),
];

/// Describes all metrics to the recorder. Repeating it changes nothing.
pub(super) fn describe() {
    for (name, help) in COUNTERS {
        describe_counter!(name, help);
    }
    for (name, help) in GAUGES {
        describe_gauge!(name, help);
    }
    for (name, unit, help) in HISTOGRAMS {
        describe_histogram!(name, unit, help);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_stands_in_the_documented_table() {
        let table = include_str!("mod.rs");
        let rows = |kind: &str, names: Vec<&str>| {
            for name in names {
                assert!(table.contains(&format!("//! | `{name}` | {kind} |")), "{name}");
            }
        };
        rows("counter", COUNTERS.iter().map(|(name, _)| *name).collect());
        rows("gauge", GAUGES.iter().map(|(name, _)| *name).collect());
        rows("histogram", HISTOGRAMS.iter().map(|(name, _, _)| *name).collect());
        let documented = table.lines().filter(|line| line.starts_with("//! | `a2a_")).count();
        assert_eq!(documented, COUNTERS.len() + GAUGES.len() + HISTOGRAMS.len());
    }
}
