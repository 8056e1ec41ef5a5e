//! What is asked of every contender.

use std::time::Duration;

use serde::Serialize;

/// A pattern of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Workload {
    /// Streams of a task with three events.
    Short,
    /// Blocking sends, answered with the finished task.
    Echo,
    /// Streams of 500 chunks that the agent has ready.
    Burst,
    /// Streams of 500 chunks, the agent yielding before each.
    Yield,
    /// One stream at a time, of 500 to 10,000 chunks that the agent has ready.
    Long,
    /// One task, 200 streams.
    Fanout,
    /// 10,000 open streams on which nothing happens.
    Idle,
}

impl Workload {
    pub(crate) const ALL: [Workload; 7] = [
        Workload::Short,
        Workload::Echo,
        Workload::Burst,
        Workload::Yield,
        Workload::Long,
        Workload::Fanout,
        Workload::Idle,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Workload::Short => "short tasks, 3 events each, streamed",
            Workload::Echo => "blocking sends",
            Workload::Burst => "streams of 500 chunks, burst",
            Workload::Yield => "streams of 500 chunks, a yield before each",
            Workload::Long => "long streams, one at a time",
            Workload::Fanout => "one task, 200 streams",
            Workload::Idle => "idle streams",
        }
    }
}

/// How long and how often.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    /// Of one contender's turn in a round.
    pub(crate) turn: Duration,
    /// Clients of a closed loop.
    pub(crate) clients: usize,
    /// Streams of a fan-out.
    pub(crate) fan: usize,
    /// Idle streams.
    pub(crate) idle: usize,
}

impl Effort {
    pub(crate) fn full() -> Self {
        Effort { rounds: 7, turn: Duration::from_millis(1500), clients: 16, fan: 200, idle: 10_000 }
    }

    pub(crate) fn quick() -> Self {
        Effort { rounds: 3, turn: Duration::from_millis(400), clients: 16, fan: 200, idle: 2_000 }
    }
}
