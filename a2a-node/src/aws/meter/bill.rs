//! What was counted, and the difference of two counts.

use std::collections::BTreeMap;

/// A service whose calls are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// DynamoDB.
    DynamoDb,
    /// SNS.
    Sns,
    /// SQS.
    Sqs,
}

impl Service {
    /// Returns its name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Service::DynamoDb => "dynamodb",
            Service::Sns => "sns",
            Service::Sqs => "sqs",
        }
    }

    /// The service that the SDK calls so.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Service::DynamoDb, Service::Sns, Service::Sqs]
            .into_iter()
            .find(|one| one.name().eq_ignore_ascii_case(name))
    }

    /// What a request is billed as, where it is the request that is billed.
    pub(super) fn request_unit(self) -> Option<Unit> {
        match self {
            Service::DynamoDb => None,
            Service::Sns => Some(Unit::SnsRequest),
            Service::Sqs => Some(Unit::SqsRequest),
        }
    }
}

/// What AWS bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// A write unit of DynamoDB: a write of 1 KB; two in a transaction.
    DynamoDbWrite,
    /// A read unit of DynamoDB: an up-to-date read of 4 KB. Others cost half of one.
    DynamoDbRead,
    /// A request to SNS, each 64 KB of messages counting as one.
    SnsRequest,
    /// A request to SQS, each 64 KB of messages counting as one.
    SqsRequest,
}

impl Unit {
    /// All of them.
    pub const ALL: [Unit; 4] = [Unit::DynamoDbWrite, Unit::DynamoDbRead, Unit::SnsRequest, Unit::SqsRequest];

    /// Returns the service that bills it.
    #[must_use]
    pub fn service(self) -> Service {
        match self {
            Unit::DynamoDbWrite | Unit::DynamoDbRead => Service::DynamoDb,
            Unit::SnsRequest => Service::Sns,
            Unit::SqsRequest => Service::Sqs,
        }
    }

    /// Returns its name in metrics, beside its service's.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Unit::DynamoDbWrite => "write",
            Unit::DynamoDbRead => "read",
            Unit::SnsRequest | Unit::SqsRequest => "request",
        }
    }

    /// Returns the list price of a million in us-east-1, November 2026, in US dollars. Other regions differ.
    #[must_use]
    pub fn dollars_a_million(self) -> f64 {
        match self {
            Unit::DynamoDbWrite => 0.625,
            Unit::DynamoDbRead => 0.125,
            Unit::SnsRequest => 0.50,
            Unit::SqsRequest => 0.40,
        }
    }
}

/// Bytes of bodies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// To the service.
    pub sent: u64,
    /// From the service, where it told.
    pub received: u64,
}

/// What was counted since a [`Meter`](super::Meter) was made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bill {
    /// Attempts by service and operation.
    pub requests: BTreeMap<(Service, String), u64>,
    /// Billed units.
    pub units: BTreeMap<Unit, f64>,
    /// Bytes.
    pub traffic: BTreeMap<Service, Traffic>,
}

impl Bill {
    /// Returns what this has more than an `earlier` bill of the same meter.
    #[must_use]
    pub fn since(&self, earlier: &Bill) -> Bill {
        let mut more = self.clone();
        for (operation, before) in &earlier.requests {
            more.requests.entry(operation.clone()).and_modify(|count| *count = count.saturating_sub(*before));
        }
        for (unit, before) in &earlier.units {
            more.units.entry(*unit).and_modify(|amount| *amount -= before);
        }
        for (service, before) in &earlier.traffic {
            more.traffic.entry(*service).and_modify(|bytes| {
                bytes.sent = bytes.sent.saturating_sub(before.sent);
                bytes.received = bytes.received.saturating_sub(before.received);
            });
        }
        more.requests.retain(|_, count| *count > 0);
        more
    }

    /// Returns how much of a unit is on the bill.
    #[must_use]
    pub fn of(&self, unit: Unit) -> f64 {
        self.units.get(&unit).copied().unwrap_or_default()
    }

    /// Returns what it comes to in US dollars, by [`Unit::dollars_a_million`].
    #[must_use]
    pub fn dollars(&self) -> f64 {
        Unit::ALL.into_iter().map(|unit| self.of(unit) * unit.dollars_a_million() / 1e6).sum()
    }

    /// Returns how often a service was called.
    #[must_use]
    pub fn requests_to(&self, service: Service) -> u64 {
        self.requests.iter().filter(|((of, _), _)| *of == service).map(|(_, count)| count).sum()
    }
}
