//! List prices in us-east-1, November 2026, in US dollars for a million.

use a2a_node::meter::{Bill, Unit};

/// The hours that AWS counts as a month.
pub(super) const SECONDS_A_MONTH: f64 = 730.0 * 3600.0;

fn a_million(unit: Unit) -> f64 {
    match unit {
        Unit::DynamoDbWrite => 0.625,
        Unit::DynamoDbRead => 0.125,
        Unit::SnsRequest => 0.50,
        Unit::SqsRequest => 0.40,
    }
}

/// What a bill comes to in US dollars.
pub(super) fn dollars(bill: &Bill) -> f64 {
    Unit::ALL.into_iter().map(|unit| bill.of(unit) * a_million(unit) / 1e6).sum()
}
