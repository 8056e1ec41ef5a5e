//! The configurations that are checked: each has a few clients, and a few things that may go wrong.

use crate::config::Move::{Answer, Ask, AskAndEnd, Complete, Comply, Decline, End, Fail, Flood, Progress};
use crate::config::Wants::{Cancel, Follow, FollowAndWait, Send, SendAndWait, Subscribe, SubscribeSlowly};
use crate::config::{Budget, Config, Move, Wants};

const ALL: Budget = Config::BASE.budget;

const fn on(
    name: &'static str,
    nodes: usize,
    clients: &'static [(Wants, usize)],
    moves: &'static [Move],
    budget: Budget,
) -> Config {
    Config { name, nodes, clients, moves, budget, ..Config::BASE }
}

/// All configurations, as continuous integration checks them.
pub(crate) fn all() -> Vec<Config> {
    vec![
        on(
            "a sender and a subscriber who may leave, one instance",
            1,
            &[(Send, 0), (Subscribe, 0)],
            &[Progress, Ask, Complete, End],
            Budget { departures: 1, says: 2, ..ALL },
        ),
        on(
            "the first words of an agent",
            1,
            &[(Send, 0), (SendAndWait, 0)],
            &[Answer, Fail, End, AskAndEnd, Progress],
            Budget { says: 2, delays: 2, departures: 1, ..ALL },
        ),
        on(
            "one first message on two instances",
            2,
            &[(Send, 0), (SendAndWait, 1)],
            &[Progress, Complete, Ask],
            Budget { delays: 2, says: 3, ..ALL },
        ),
        Config {
            always_task: true,
            ..on(
                "one first message on two instances, created at once",
                2,
                &[(Send, 0), (Send, 1)],
                &[Complete, AskAndEnd],
                Budget { delays: 2, says: 2, departures: 1, ..ALL },
            )
        },
        on(
            "a follow-up elsewhere while the agent stays open",
            2,
            &[(Send, 0), (Subscribe, 0), (Follow, 1)],
            &[Progress, Ask, End],
            Budget { says: 3, delays: 1, timers: 2, ..ALL },
        ),
        on(
            "two follow-ups at once",
            2,
            &[(Send, 0), (Follow, 0), (FollowAndWait, 1)],
            &[Ask, Complete],
            Budget { says: 3, delays: 2, timers: 1, ..ALL },
        ),
        on(
            "a cancel from elsewhere",
            2,
            &[(Send, 0), (Cancel, 1)],
            &[Progress, Complete, Comply, Decline],
            Budget { says: 2, delays: 2, timers: 5, ..ALL },
        ),
        on(
            "a cancel where the agent runs, and one elsewhere",
            2,
            &[(Send, 0), (Cancel, 0), (Cancel, 1)],
            &[Ask, Complete, Comply, Decline],
            Budget { says: 2, delays: 1, timers: 3, departures: 1, ..ALL },
        ),
        Config {
            bus: false,
            ..on(
                "a cancel of an executor that cannot be asked",
                2,
                &[(Send, 0), (Cancel, 1)],
                &[Progress, Ask, Complete],
                Budget { says: 3, delays: 1, timers: 7, ..ALL },
            )
        },
        on(
            "a crash under a subscriber elsewhere",
            2,
            &[(Send, 0), (Subscribe, 1)],
            &[Progress, Ask, Complete],
            Budget { says: 2, delays: 1, timers: 2, crashes: 1, ..ALL },
        ),
        Config {
            resume: true,
            ..on(
                "a crash, and the agent begins again",
                3,
                &[(Send, 0), (Subscribe, 1)],
                &[Progress, Complete],
                Budget { says: 3, delays: 1, timers: 1, crashes: 1, ..ALL },
            )
        },
        Config {
            resume: true,
            ..on(
                "an instance that was evicted and lives",
                2,
                &[(Send, 0), (Follow, 1)],
                &[Progress, Ask, Complete],
                Budget { says: 3, delays: 1, timers: 1, zombies: 1, ..ALL },
            )
        },
        Config {
            resume: true,
            ..on(
                "a shutdown",
                2,
                &[(Send, 0), (Follow, 0), (Cancel, 1)],
                &[Progress, Ask, Complete],
                Budget { says: 3, delays: 1, timers: 1, leaves: 1, ..ALL },
            )
        },
        on(
            "a commit of which nobody can say what became of it",
            2,
            &[(Send, 0), (Follow, 1), (Subscribe, 1)],
            &[Progress, AskAndEnd, Complete],
            Budget { says: 2, delays: 0, timers: 2, unknowns: 1, reconciliations: 1, ..ALL },
        ),
        on(
            "a release of which nobody can say what became of it",
            2,
            &[(Send, 0), (Follow, 0)],
            &[Ask, End, Complete],
            Budget { says: 4, delays: 0, timers: 1, unknowns: 1, reconciliations: 1, ..ALL },
        ),
        on(
            "reconciliation while a follow-up claims",
            2,
            &[(SendAndWait, 0), (Follow, 0)],
            &[Ask, AskAndEnd, Complete],
            Budget { says: 2, delays: 2, timers: 1, reconciliations: 2, ..ALL },
        ),
        on(
            "a store that refuses",
            2,
            &[(Send, 0), (Follow, 1)],
            &[Progress, Ask, Complete],
            Budget { says: 3, delays: 1, timers: 1, refusals: 1, too_large: 1, reconciliations: 1, ..ALL },
        ),
        on(
            "reads that fail",
            2,
            &[(Send, 0), (Subscribe, 1), (Cancel, 1)],
            &[Progress, Complete],
            Budget { says: 2, delays: 1, timers: 3, failed_reads: 2, ..ALL },
        ),
        on(
            "an outage of the store",
            2,
            &[(Send, 0), (Subscribe, 1), (Cancel, 1)],
            &[Progress, Complete],
            Budget { says: 2, delays: 1, timers: 2, cuts: 1, ..ALL },
        ),
        Config {
            ring: 2,
            ..on(
                "a slow reader and forgotten commits",
                2,
                &[(Send, 0), (SubscribeSlowly, 0), (Subscribe, 1)],
                &[Progress, Complete],
                Budget { says: 3, delays: 1, timers: 1, trims: 1, repeats: 1, ..ALL },
            )
        },
        on(
            "a task that is deleted",
            2,
            &[(Send, 0), (Subscribe, 1), (Follow, 1)],
            &[Progress, AskAndEnd],
            Budget { says: 2, delays: 1, timers: 2, deletions: 1, ..ALL },
        ),
        Config {
            webhooks: true,
            ..on(
                "webhooks",
                2,
                &[(Send, 0), (Follow, 1)],
                &[Progress, AskAndEnd, Complete],
                Budget { says: 3, delays: 1, timers: 0, crashes: 1, ..ALL },
            )
        },
        on(
            "an agent that says more than there is room for",
            1,
            &[(Send, 0)],
            &[Flood, Progress, Complete],
            Budget { says: 3, delays: 1, timers: 1, ..ALL },
        ),
        on(
            "readers who join one after the other",
            2,
            &[(Send, 0), (Subscribe, 1), (Subscribe, 1)],
            &[Progress, Ask, Complete],
            Budget { says: 3, delays: 1, timers: 1, departures: 1, ..ALL },
        ),
        on(
            "readers on two instances, and one that follows up",
            3,
            &[(Send, 0), (Subscribe, 1), (Subscribe, 2), (Follow, 2)],
            &[Progress, AskAndEnd, Ask],
            Budget { says: 3, delays: 1, timers: 1, ..ALL },
        ),
        on(
            "two cancels from one instance",
            2,
            &[(Send, 0), (Cancel, 1), (Cancel, 1)],
            &[Progress, Ask, Comply, Decline],
            Budget { says: 2, delays: 1, timers: 3, departures: 1, ..ALL },
        ),
        on(
            "a stream that moves between three instances",
            3,
            &[(Send, 0), (Subscribe, 2), (Follow, 1)],
            &[AskAndEnd, Progress, Complete],
            Budget { says: 3, delays: 1, timers: 2, ..ALL },
        ),
    ]
}
