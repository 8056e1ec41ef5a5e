//! What the trial has cost so far, what it may cost, and the bill.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use a2a_node::meter::{Bill, Meter, Service, Unit};

use crate::processes::bill::Bill as Counters;

const SERVICES: [Service; 3] = [Service::DynamoDb, Service::Sns, Service::Sqs];

/// What is kept back for the removal of everything.
const REMOVAL: Units = Units { writes: 0.0, reads: 0.0, publishes: 400.0, messages: 400.0 };

/// Billed units that are foreseen, or taken for what nobody counts.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Units {
    pub(super) writes: f64,
    pub(super) reads: f64,
    pub(super) publishes: f64,
    pub(super) messages: f64,
}

impl Units {
    fn by_unit(self) -> [(Unit, f64); 4] {
        let Units { writes, reads, publishes, messages } = self;
        [
            (Unit::DynamoDbWrite, writes),
            (Unit::DynamoDbRead, reads),
            (Unit::SnsRequest, publishes),
            (Unit::SqsRequest, messages),
        ]
    }

    /// So many times as much.
    pub(super) fn times(self, factor: f64) -> Self {
        let Units { writes, reads, publishes, messages } = self;
        Units {
            writes: writes * factor,
            reads: reads * factor,
            publishes: publishes * factor,
            messages: messages * factor,
        }
    }

    fn dollars(self) -> f64 {
        self.by_unit().into_iter().map(|(unit, amount)| unit.dollars_a_million() * amount / 1e6).sum()
    }
}

/// Counts what this process calls, is told what others have called, and holds both against what may be spent.
#[derive(Debug)]
pub(super) struct Budget {
    most: f64,
    meter: Meter,
    others: Mutex<Bill>,
}

impl Budget {
    /// So many US dollars at most.
    pub(super) fn of(most: f64, meter: Meter) -> Self {
        Budget { most, meter, others: Mutex::default() }
    }

    /// Takes note of what other processes have counted.
    pub(super) fn add_counters(&self, counters: &Counters) {
        let mut others = self.others();
        for (name, count) in &counters.requests {
            let Some((service, operation)) = name.split_once(' ') else { continue };
            if let Some(service) = SERVICES.into_iter().find(|one| one.name() == service) {
                *others.requests.entry((service, operation.to_owned())).or_default() += *count as u64;
            }
        }
        for (name, amount) in &counters.units {
            let is_named = |unit: &Unit| *name == format!("{} {}", unit.service().name(), unit.kind());
            if let Some(unit) = Unit::ALL.into_iter().find(is_named) {
                *others.units.entry(unit).or_default() += amount;
            }
        }
    }

    /// Takes note of what nobody counts, each unit as a request.
    pub(super) fn add_uncounted(&self, units: Units) {
        let mut others = self.others();
        for (unit, amount) in units.by_unit() {
            *others.units.entry(unit).or_default() += amount;
            *others.requests.entry((unit.service(), "not counted".to_owned())).or_default() +=
                amount.ceil() as u64;
        }
    }

    /// US dollars until now.
    pub(super) fn spent(&self) -> f64 {
        self.meter.bill().dollars() + self.others().dollars()
    }

    /// Tells whether so much more may be spent, with enough left to remove everything.
    pub(super) fn affords(&self, units: Units) -> bool {
        self.spent() + units.dollars() + REMOVAL.dollars() <= self.most
    }

    /// What it came to, by service.
    pub(super) fn bill(&self) -> String {
        let (own, others) = (self.meter.bill(), self.others().clone());
        let mut text = String::new();
        for service in SERVICES {
            let requests = own.requests_to(service) + others.requests_to(service);
            let _ = write!(text, "  {:9}{requests:8} requests", service.name());
            let mut dollars = 0.0;
            for unit in Unit::ALL.into_iter().filter(|unit| unit.service() == service) {
                let amount = own.of(unit) + others.of(unit);
                dollars += amount * unit.dollars_a_million() / 1e6;
                let _ = write!(text, ", {amount:.1} {} units", unit.kind());
            }
            let _ = writeln!(text, ", US$ {dollars:.5}");
        }
        let _ =
            write!(text, "  together US$ {:.5} of {}, by the prices of us-east-1", self.spent(), self.most);
        text
    }

    fn others(&self) -> std::sync::MutexGuard<'_, Bill> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_others_counted_and_what_nobody_counts_is_on_the_bill_at_list_prices() {
        let budget = Budget::of(2.0, Meter::default());
        let named = |name: &str, value: f64| BTreeMap::from([(name.to_owned(), value)]);
        budget.add_counters(&Counters {
            requests: named("sns Publish", 3.0),
            units: named("sns request", 1e6),
        });
        assert!((budget.spent() - 0.5).abs() < 1e-9, "{}", budget.spent());
        budget.add_uncounted(Units { writes: 1e6, ..Units::default() });
        assert!((budget.spent() - 1.125).abs() < 1e-9, "{}", budget.spent());
        let bill = budget.bill();
        assert!(bill.contains("sns             3 requests, 1000000.0 request units, US$ 0.50000"), "{bill}");
        assert!(bill.contains("together US$ 1.12500 of 2"), "{bill}");
    }

    #[test]
    fn what_could_cost_more_than_is_left_is_not_affordable_and_the_removal_is_kept_back() {
        let budget = Budget::of(0.625, Meter::default());
        let writes = |writes| Units { writes, ..Units::default() };
        assert!(budget.affords(writes(0.99e6)));
        assert!(!budget.affords(writes(1e6)), "nothing would be left for the removal");
        budget.add_uncounted(writes(0.5e6));
        assert!(!budget.affords(writes(0.99e6)));
    }
}
