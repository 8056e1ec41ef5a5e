//! What instances cost that do nothing, observed for a while on the real clock.

use std::time::Duration;

use a2a_cluster::Config;
use a2a_node::meter::{Service, Unit};
use a2a_testaws::Account;
use serde::Serialize;
use tokio::time::sleep;

use super::fleet::Fleet;
use super::month::SECONDS_A_MONTH;
use crate::Error;

/// By then each has beaten, and has had its first look at the others.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// A month of one of several idle instances.
#[derive(Debug, Serialize)]
pub(super) struct Idle {
    pub(super) instances: usize,
    pub(super) seconds: u64,
    /// Requests of one instance in a minute.
    pub(super) requests_a_minute: f64,
    /// Those of them that go to SQS.
    pub(super) polls_a_minute: f64,
    pub(super) write_units_a_minute: f64,
    pub(super) read_units_a_minute: f64,
    pub(super) dollars_a_month: f64,
}

/// Starts instances with the settings that they have by default, and looks on.
///
/// `time` is a multiple of 20 seconds, so that it holds whole polls, and whole beats.
pub(super) async fn count(account: &Account, instances: usize, time: Duration) -> Result<Idle, Error> {
    let fleet = Fleet::start(account, instances, Config::default()).await?;
    sleep(FIRST_LOOK).await;
    let before = fleet.bill();
    sleep(time).await;
    let bill = fleet.bill().since(&before);
    fleet.stop().await;
    let each_minute = |count: f64| count * 60.0 / time.as_secs_f64() / instances as f64;
    let requests: u64 = bill.requests.values().sum();
    Ok(Idle {
        instances,
        seconds: time.as_secs(),
        requests_a_minute: each_minute(requests as f64),
        polls_a_minute: each_minute(bill.requests_to(Service::Sqs) as f64),
        write_units_a_minute: each_minute(bill.of(Unit::DynamoDbWrite)),
        read_units_a_minute: each_minute(bill.of(Unit::DynamoDbRead)),
        dollars_a_month: bill.dollars() * SECONDS_A_MONTH / time.as_secs_f64() / instances as f64,
    })
}
