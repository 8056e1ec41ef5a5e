//! The kinds of weather, each as what AWS does, and what a cluster owes its clients in it.

use std::time::Duration;

use a2a_testworld::weather::ServiceError::{
    AccessDenied, ExpiredToken, KmsAccessDenied, Throttling, UnrecognizedClient,
};
use a2a_testworld::weather::{Limits, Refusal, ServiceError, Spread, Weather};

/// The operations that write.
const WRITES: [&str; 4] = ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"];

/// One kind of bad weather.
#[derive(Debug, Clone)]
pub struct Kind {
    /// What it is called.
    pub name: &'static str,
    /// What it is like.
    pub weather: Weather,
    /// What clients offer, as a share of the table's capacity.
    pub load: f64,
    /// An instance may say that it is not ready: it is cut off, and whoever stops asking it loses nothing.
    pub may_be_unready: bool,
    /// The table is asked for more than it takes, so that throughput and latency of what is admitted are judged.
    pub is_overload: bool,
}

impl Kind {
    fn new(name: &'static str, weather: Weather) -> Self {
        Kind { name, weather, load: 0.5, may_be_unready: false, is_overload: false }
    }

    fn cut_off(self) -> Self {
        Kind { may_be_unready: true, ..self }
    }

    /// Clients offer twice what the table takes.
    pub fn overload(capacity: f64) -> Self {
        let weather = fair(capacity);
        Kind { load: 2.0, is_overload: true, ..Kind::new("overload", weather) }
    }

    /// All but overload, for a table of this capacity.
    pub fn all(capacity: f64) -> Vec<Self> {
        let fair = || fair(capacity);
        let ms = Duration::from_millis;
        let limited = |change: fn(&mut Limits, f64)| {
            let mut limits = limits(capacity);
            change(&mut limits, capacity);
            fair().limits(limits)
        };
        let denied = |error: ServiceError| fair().refuse(Refusal::of(error));
        let denied_on = |operations: &'static [&'static str]| {
            fair().refuse(Refusal::of(AccessDenied).on(operations.iter().copied()))
        };
        let tails = Spread::between(ms(10), ms(60)).with_tail(0.05, ms(1_000)).with_rare(0.01, ms(2_500));
        vec![
            Kind::new("partitions throttled", limited(|limits, _| limits.partition_writes = 6.0)),
            Kind {
                load: 0.8,
                ..Kind::new("index back-pressure", limited(|limits, _| limits.partition_writes = 3.0))
            },
            Kind {
                load: 0.9,
                ..Kind::new("table throttled", limited(|limits, _| limits.table_writes *= 0.5))
            },
            Kind::new(
                "70 % of writes refused",
                fair().refuse(Refusal::of(Throttling).on(WRITES).with_chance(0.7)),
            ),
            Kind::new("indexes lag", fair().index_lag(Spread::between(ms(1_000), ms(5_000)))),
            Kind::new("access denied", denied(AccessDenied)).cut_off(),
            Kind::new("PutItem denied", denied_on(&["PutItem"])).cut_off(),
            Kind::new("UpdateItem denied", denied_on(&["UpdateItem"])).cut_off(),
            Kind::new("TransactWriteItems denied", denied_on(&["TransactWriteItems"])).cut_off(),
            Kind::new("GetItem denied", denied_on(&["GetItem", "BatchGetItem"])).cut_off(),
            Kind::new("Query denied", denied_on(&["Query"])).cut_off(),
            Kind::new("credentials expired", denied(ExpiredToken)).cut_off(),
            Kind::new("access key unknown", denied(UnrecognizedClient)).cut_off(),
            Kind::new("key of KMS denied", denied(KmsAccessDenied)).cut_off(),
            Kind::new("slow with tails", fair().latency(tails)),
            Kind::new("connections reset", fair().resets(0.2)),
            Kind::new("answers lost", fair().lost_answers(0.2)),
            Kind::new("attempts unanswered", fair().unanswered(0.05)),
            Kind::new("silence", fair().unanswered(1.0)).cut_off(),
        ]
    }
}

/// The weather before and after: a table that takes this many write units a second, and nothing else.
pub(super) fn fair(capacity: f64) -> Weather {
    Weather::clear().limits(limits(capacity))
}

fn limits(capacity: f64) -> Limits {
    // It does not grow while it is looked at.
    let growth = Duration::from_secs(24 * 60 * 60);
    Limits { table_writes: capacity, growth, ..Limits::default() }
}
