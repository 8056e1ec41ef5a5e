//! The handles of an instance's metrics, taken once: finding one by name for each use would cost more than the
//! use.

use a2a_core::News;
use metrics::{Counter, Gauge, Histogram, Label, counter, gauge, histogram};

use super::catalog as names;
use super::turn_outcome::TurnOutcome;
use super::webhooks;

const KINDS: [&str; 9] = [
    "commits",
    "changed",
    "watch",
    "unwatch",
    "cancel",
    "cancelling",
    "cancelRefused",
    "configs",
    "handOver",
];

/// What became of a task whose executor was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TakeOver {
    /// Its agent runs again, here.
    Resumed,
    /// It was failed.
    Failed,
    /// It was parked, and needs no executor.
    Released,
    /// Another survivor was faster.
    Lost,
}

/// Why a request is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// As many agents run as may.
    Agents,
    /// As many commits wait as may.
    Commits,
}

/// The metrics of one instance.
#[derive(Debug)]
pub(crate) struct Meters {
    pub(crate) commits: Counter,
    pub(crate) conflicts: Counter,
    pub(crate) commit_events: Histogram,
    pub(crate) commit_seconds: Histogram,
    pub(crate) send_seconds: Histogram,
    pub(crate) delivery_seconds: Histogram,
    pub(crate) first_event_seconds: Histogram,
    pub(crate) gap_repairs: Counter,
    pub(crate) watchers: Gauge,
    pub(crate) agents: Gauge,
    pub(crate) max_agents: Gauge,
    pub(crate) waiting_commits: Gauge,
    pub(crate) beats: Counter,
    pub(crate) streams_opened: Counter,
    streams_cut: [Counter; 2],
    pub(crate) bus_connected: Gauge,
    pub(crate) bus_failures: Counter,
    pub(crate) hints_dropped: Counter,
    pub(crate) evictions: Counter,
    pub(crate) evicted: Counter,
    pub(crate) store_retries: Counter,
    pub(crate) panics: Counter,
    pub(crate) long_polls: Counter,
    pub(crate) overdue: Counter,
    silence_checks: [Counter; 2],
    streams: [Gauge; 2],
    sent: [Counter; KINDS.len()],
    received: [Counter; KINDS.len()],
    takeovers: [Counter; 4],
    turns: [Counter; TurnOutcome::ALL.len()],
    not_admitted: [Counter; 2],
}

impl Meters {
    /// Takes the handles from the recorder that is installed now.
    pub(crate) fn new(label: Option<&str>) -> Self {
        names::describe();
        webhooks::begin();
        let member = || -> Vec<Label> {
            label.map(|label| Label::new("member", label.to_owned())).into_iter().collect()
        };
        let with = |name: &'static str, value: &'static str| {
            let mut labels = member();
            labels.push(Label::from_static_parts(name, value));
            labels
        };
        Meters {
            commits: counter!(names::COMMITS, member()),
            conflicts: counter!(names::CONFLICTS, member()),
            commit_events: histogram!(names::COMMIT_EVENTS, member()),
            commit_seconds: histogram!(names::COMMIT_SECONDS, member()),
            send_seconds: histogram!(names::SEND_SECONDS, member()),
            delivery_seconds: histogram!(names::DELIVERY_SECONDS, member()),
            first_event_seconds: histogram!(names::FIRST_EVENT_SECONDS, member()),
            gap_repairs: counter!(names::GAP_REPAIRS, member()),
            watchers: gauge!(names::WATCHERS, member()),
            agents: gauge!(names::AGENTS, member()),
            max_agents: gauge!(names::MAX_AGENTS, member()),
            waiting_commits: gauge!(names::WAITING_COMMITS, member()),
            beats: counter!(names::BEATS, member()),
            streams_opened: counter!(names::STREAMS_OPENED, member()),
            streams_cut: ["failure", "shutdown"].map(|why| counter!(names::STREAMS_CUT, with("why", why))),
            bus_connected: gauge!(names::BUS_CONNECTED, member()),
            bus_failures: counter!(names::BUS_FAILURES, member()),
            hints_dropped: counter!(names::HINTS_DROPPED, member()),
            evictions: counter!(names::EVICTIONS, with("who", "other")),
            evicted: counter!(names::EVICTIONS, with("who", "self")),
            store_retries: counter!(names::STORE_RETRIES, member()),
            panics: counter!(names::PANICS, member()),
            long_polls: counter!(names::LONG_POLLS, member()),
            overdue: counter!(names::OVERDUE, member()),
            silence_checks: ["nothing", "news"]
                .map(|found| counter!(names::SILENCE_CHECKS, with("found", found))),
            streams: ["elsewhere", "here"].map(|task| gauge!(names::STREAMS, with("task", task))),
            sent: KINDS.map(|kind| counter!(names::SENT, with("kind", kind))),
            received: KINDS.map(|kind| counter!(names::RECEIVED, with("kind", kind))),
            takeovers: ["resumed", "failed", "released", "lost"]
                .map(|outcome| counter!(names::TAKEOVERS, with("outcome", outcome))),
            turns: TurnOutcome::ALL.map(|outcome| counter!(names::TURNS, with("outcome", outcome.word()))),
            not_admitted: ["agents", "commits"].map(|full| counter!(names::NOT_ADMITTED, with("full", full))),
        }
    }

    /// The gauge of streams whose task runs here, or elsewhere.
    pub(crate) fn streams(&self, here: bool) -> &Gauge {
        let [elsewhere, local] = &self.streams;
        if here { local } else { elsewhere }
    }

    /// Counts a stream that ended although its task is there: because this instance stops, or by a failure.
    pub(crate) fn stream_cut(&self, stops: bool) {
        let [failure, shutdown] = &self.streams_cut;
        if stops { shutdown } else { failure }.increment(1);
    }

    /// Counts a look into the store after silence.
    pub(crate) fn silence_checked(&self, found: bool) {
        let [nothing, news] = &self.silence_checks;
        if found { news } else { nothing }.increment(1);
    }

    /// Counts a message that the bus took.
    pub(crate) fn sent(&self, news: &News) {
        of_kind(&self.sent, news);
    }

    /// Counts a message that the bus brought.
    pub(crate) fn received(&self, news: &News) {
        of_kind(&self.received, news);
    }

    /// Counts a turn that ended.
    pub(crate) fn turn_ended(&self, outcome: TurnOutcome) {
        if let Some((_, counter)) =
            TurnOutcome::ALL.iter().zip(&self.turns).find(|(known, _)| **known == outcome)
        {
            counter.increment(1);
        }
    }

    /// Counts a request that was refused because this instance has enough to do.
    pub(crate) fn not_admitted(&self, full: Full) {
        let [agents, commits] = &self.not_admitted;
        match full {
            Full::Agents => agents,
            Full::Commits => commits,
        }
        .increment(1);
    }

    /// Counts a task of a lost instance.
    pub(crate) fn taken_over(&self, outcome: TakeOver) {
        let [resumed, failed, released, lost] = &self.takeovers;
        let counter = match outcome {
            TakeOver::Resumed => resumed,
            TakeOver::Failed => failed,
            TakeOver::Released => released,
            TakeOver::Lost => lost,
        };
        counter.increment(1);
    }
}

fn of_kind(counters: &[Counter; KINDS.len()], news: &News) {
    let kind = news.kind();
    if let Some((_, counter)) = KINDS.iter().zip(counters).find(|(known, _)| **known == kind) {
        counter.increment(1);
    }
}

#[cfg(test)]
mod tests {
    use a2a_core::{CancelKey, CommitId, Env, Reach, SystemEnv, Version};

    use super::*;

    #[test]
    fn every_kind_of_news_has_a_counter() {
        let key = CancelKey { claim: CommitId::generate(&SystemEnv), request: SystemEnv.uuid() };
        let all = [
            News::Commits(vec![]),
            News::Changed(Version::ABSENT),
            News::Watch { after: Version::ABSENT, reach: Reach::Direct },
            News::Unwatch,
            News::Cancel(key, None),
            News::Cancelling(key),
            News::CancelRefused(key),
            News::Configs,
            News::HandOver,
        ];
        assert_eq!(all.map(|news| news.kind()), KINDS);
    }
}
