//! The ledger itself: what is printed, and written as JSON.

use std::collections::BTreeMap;

use a2a_node::meter::{Bill, Service, Unit};
use serde::Serialize;

use super::idle::Idle;
use super::obvious;
use super::workload::{Counted, Workload};

/// All that was counted and computed.
#[derive(Debug, Default, Serialize)]
pub(super) struct Statement {
    pub(super) rows: Vec<Row>,
    pub(super) idle: Vec<Idle>,
}

/// One workload on so many instances, of which so many watch.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) workload: &'static str,
    pub(super) instances: usize,
    pub(super) watchers: usize,
    pub(super) events: usize,
    pub(super) dollars_a_million_events: f64,
    requests: BTreeMap<String, u64>,
    units: BTreeMap<String, f64>,
    bytes: BTreeMap<&'static str, [u64; 2]>,
    /// Of the obvious design, computed.
    pub(super) obvious_dollars_a_million_events: f64,
    obvious_units: BTreeMap<String, f64>,
}

impl Row {
    pub(super) fn of(
        workload: &Workload,
        instances: usize,
        watchers: usize,
        counted: &Counted,
        computed: &Bill,
    ) -> Self {
        let a_million = 1e6 / counted.events as f64;
        let bill = &counted.bill;
        let name = |(service, operation): &(Service, String)| format!("{} {operation}", service.name());
        let bytes = |service: Service| {
            let traffic = bill.traffic.get(&service).copied().unwrap_or_default();
            (service.name(), [traffic.sent, traffic.received])
        };
        Row {
            workload: workload.name,
            instances,
            watchers,
            events: counted.events,
            dollars_a_million_events: bill.dollars() * a_million,
            requests: bill.requests.iter().map(|(operation, count)| (name(operation), *count)).collect(),
            units: units(bill),
            bytes: [Service::DynamoDb, Service::Sns, Service::Sqs].map(bytes).into(),
            obvious_dollars_a_million_events: computed.dollars() * a_million,
            obvious_units: units(computed),
        }
    }

    fn unit(&self, unit: Unit) -> f64 {
        self.units.get(&name_of(unit)).copied().unwrap_or_default()
    }
}

fn name_of(unit: Unit) -> String {
    format!("{} {}", unit.service().name(), unit.kind())
}

fn units(bill: &Bill) -> BTreeMap<String, f64> {
    Unit::ALL.map(|unit| (name_of(unit), bill.of(unit))).into()
}

impl Statement {
    pub(super) fn print_last(&self) {
        let Some(row) = self.rows.last() else { return };
        if self.rows.len() == 1 {
            println!(
                "US dollars for a million events; the obvious design is computed, all else is counted\n"
            );
            println!(
                "{:<27} {:>3} {:>8} {:>7} {:>9} {:>9} {:>6} {:>7} {:>9} {:>12}",
                "workload", "N", "watchers", "events", "writes", "reads", "SNS", "SQS", "US$", "obvious US$"
            );
        }
        println!(
            "{:<27} {:>3} {:>8} {:>7} {:>9.1} {:>9.1} {:>6} {:>7} {:>9.3} {:>12.2}",
            row.workload,
            row.instances,
            row.watchers,
            row.events,
            row.unit(Unit::DynamoDbWrite),
            row.unit(Unit::DynamoDbRead),
            row.unit(Unit::SnsRequest),
            row.unit(Unit::SqsRequest),
            row.dollars_a_million_events,
            row.obvious_dollars_a_million_events,
        );
    }

    pub(super) fn print(&self) {
        println!("\nUS dollars for a month of an idle instance; each does so much a minute\n");
        println!(
            "{:>3} {:>9} {:>6} {:>12} {:>11} {:>9} {:>12}",
            "N", "requests", "polls", "write units", "read units", "US$", "obvious US$"
        );
        for idle in &self.idle {
            println!(
                "{:>3} {:>9.1} {:>6.1} {:>12.1} {:>11.1} {:>9.3} {:>12.2}",
                idle.instances,
                idle.requests_a_minute,
                idle.polls_a_minute,
                idle.write_units_a_minute,
                idle.read_units_a_minute,
                idle.dollars_a_month,
                obvious::dollars_an_idle_month(),
            );
        }
    }
}
