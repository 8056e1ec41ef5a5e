//! Requests and units do not depend on how fast a machine is: they must not grow unnoticed.
//!
//! The agent pauses for longer than commits are apart, or says all its events at once, so that the events of a commit
//! are the same at each run; or it speaks so often that one commit more or less is no tenth.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use a2a_node::meter::{Service, Unit};
use a2a_testaws as endpoint;

use super::fleet::{self, Fleet};
use super::workload::Workload;

/// What a workload was last found to take.
struct Recorded {
    workload: Workload,
    watchers: usize,
    write_units: f64,
    micro_dollars: f64,
    /// Those of a workload that nobody watches: who watches asks the more often, the slower the machine is.
    requests: f64,
    read_units: f64,
}

fn recorded() -> [Recorded; 9] {
    let (short, at_once) = (Workload::short(5), Workload::stream(500, Duration::ZERO));
    let record = |workload, watchers, write_units, micro_dollars| Recorded {
        workload,
        watchers,
        write_units,
        micro_dollars,
        requests: f64::INFINITY,
        read_units: f64::INFINITY,
    };
    // A task is read before it begins: its message may have begun it already.
    [
        Recorded { requests: 200.0, read_units: 200.0, ..record(Workload::usual(2), 0, 24.0, 100.0) },
        Recorded { requests: 200.0, read_units: 200.0, ..record(Workload::talking(1), 0, 43.0, 100.0) },
        Recorded { requests: 15.0, read_units: 10.0, ..record(short, 0, 15.0, 11.0) },
        record(short, 1, 90.0, 70.0),
        record(short, 2, 95.0, 83.0),
        Recorded { requests: 10.0, read_units: 2.0, ..record(at_once, 0, 63.0, 40.0) },
        record(at_once, 1, 61.0, 41.0),
        record(Workload::stream(20, Duration::from_millis(100)), 1, 39.0, 45.0),
        record(Workload::stream(80, Duration::from_millis(25)), 0, 55.0, 35.0),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_workload_takes_a_tenth_more_than_recorded() {
    let Some(aws) = tokio::task::spawn_blocking(endpoint::aws).await.unwrap() else { return };
    let fleet = Fleet::start(&aws.account(), 3, fleet::silent()).await.unwrap();
    let mut grown = Vec::new();
    for recorded in recorded() {
        let Recorded { workload, watchers, .. } = recorded;
        let bill = workload.count(&fleet, watchers).await.unwrap().bill;
        let requests = bill.requests.values().sum::<u64>() as f64;
        let found = [
            ("write units", bill.of(Unit::DynamoDbWrite), recorded.write_units),
            ("millionths of a dollar", (bill.dollars() * 1e6).round(), recorded.micro_dollars),
            ("requests", requests, recorded.requests),
            ("read units", bill.of(Unit::DynamoDbRead), recorded.read_units),
        ];
        let what = format!("{}, {watchers} watching: {found:?} {:?}", workload.name, bill.requests);
        println!("{what}");
        // Instances look into their queues all the time, three times a minute: how often in this one is chance.
        let looks =
            bill.requests.get(&(Service::Sqs, "ReceiveMessage".to_owned())).copied().unwrap_or_default();
        let messages = bill.requests_to(Service::Sqs) + bill.requests_to(Service::Sns) - looks;
        assert!(watchers > 0 || messages == 0, "{what}");
        if found.iter().any(|(_, found, recorded)| *found > recorded * 1.1) {
            grown.push(what);
        }
    }
    fleet.stop().await;
    assert!(grown.is_empty(), "{grown:#?}");
}
