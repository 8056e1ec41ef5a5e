//! How long AWS takes at most over what an emulator does at once.

use std::time::Duration;

/// How long to wait for what AWS promises; what takes longer is wrong.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// A new filter policy takes effect: within 15 minutes.
    pub(super) filters: Duration,
    /// A policy of a topic or queue takes effect: a minute for attributes of queues. A place that heeds no policies is found out
    /// by waiting that long.
    pub(super) policies: Duration,
    /// A list shows no more what is gone: a minute for queues.
    pub(super) lists: Duration,
    /// Everything that was made is gone.
    pub(super) removal: Duration,
    /// Nothing more arrives in a queue.
    pub(super) silence: Duration,
}

impl Pace {
    /// AWS's own, or that of an emulator.
    pub(super) fn of(is_aws: bool) -> Self {
        let seconds = Duration::from_secs;
        if is_aws {
            return Pace {
                filters: seconds(20 * 60),
                policies: seconds(3 * 60),
                lists: seconds(90),
                removal: seconds(10 * 60),
                silence: seconds(2),
            };
        }
        Pace {
            filters: seconds(30),
            policies: seconds(5),
            lists: seconds(10),
            removal: seconds(30),
            silence: Duration::from_millis(400),
        }
    }
}
