//! What goes wrong, and when.

use std::rc::Rc;
use std::time::Duration;

use a2a_testkit::{Delay, Forecast};

use crate::fleet::{Fleet, Node};

/// Lets bad things happen for a while.
pub(crate) async fn reign(fleet: &Rc<Fleet>, rng: &mut fastrand::Rng, disasters: bool) {
    if fleet.plan.calm {
        return;
    }
    for _ in 0..rng.usize(3..=8) {
        let forecast = forecast(rng);
        fleet.trace.note(format_args!("weather: plugged {} loss {:.2}", forecast.plugged, forecast.loss));
        fleet.becomes(forecast);
        if disasters {
            strike(fleet, rng).await;
        }
        tokio::time::sleep(Duration::from_millis(rng.u64(100..20_000))).await;
        fleet.mend().await;
    }
    // Whatever is still cut off or frozen comes back in weather that may still be bad.
    fleet.heal();
    fleet.becomes(forecast(rng));
    tokio::time::sleep(Duration::from_secs(rng.u64(0..40))).await;
    fleet.becomes(Forecast::calm());
    for _ in 0..3 {
        fleet.mend().await;
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
}

fn forecast(rng: &mut fastrand::Rng) -> Forecast {
    let lags = rng.bool();
    let forecast = match rng.u8(0..7) {
        0 => Forecast::calm(),
        1 => Forecast::unplugged(),
        2 => Forecast { loss: 0.5, duplication: 0.3, ..Forecast::stormy() },
        3 => {
            Forecast { bus_delay: Delay::between(Duration::ZERO, Duration::from_secs(3)), ..Forecast::calm() }
        }
        4 => Forecast { write_refused: 0.4, read_failed: 0.4, ..Forecast::stormy() },
        5 => Forecast::slow(),
        _ => Forecast::stormy(),
    };
    let index_lag = if lags { Delay::between(Duration::ZERO, Duration::from_secs(2)) } else { Delay::NONE };
    Forecast { index_lag, ..forecast }
}

async fn strike(fleet: &Rc<Fleet>, rng: &mut fastrand::Rng) {
    let slot = rng.usize(0..fleet.size());
    let Some(node) = fleet.node(slot) else { return };
    match rng.u8(0..8) {
        0 => fleet.crash(slot),
        1 => {
            let pause = Duration::from_millis(rng.u64(100..60_000));
            fleet.loses(&node, "freezes");
            fleet.stop(&node);
            tokio::time::sleep(pause).await;
            fleet.go_on(&node);
            fleet.trace.note(format_args!("n{} goes on", node.name));
        }
        2 => {
            fleet.loses(&node, "loses the store");
            fleet.weather.part_from_store(node.id());
        }
        3 => lose_the_others(fleet, &node),
        4 => fleet.replace(slot, Duration::from_millis(rng.u64(0..5_000))).await,
        5 => until_it_is_evicted(fleet, &node).await,
        _ => fleet.mend_connections(),
    }
}

fn lose_the_others(fleet: &Fleet, node: &Node) {
    let others: Vec<_> = (0..fleet.size()).filter_map(|n| fleet.node(n)).map(|node| node.id()).collect();
    fleet.trace.note(format_args!("n{} loses the others", node.name));
    fleet.weather.part(&[node.id()], &others);
}

/// An instance loses the store, and does not find it again before others have declared it dead.
async fn until_it_is_evicted(fleet: &Fleet, node: &Node) {
    fleet.loses(node, "loses the store for long");
    let id = node.id();
    fleet.weather.part_from_store(id);
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_secs(10)).await;
        if fleet.archive.evicted().contains(&id) {
            return;
        }
    }
}

/// What does not get well again: an instance stays cut off from the store, or from the others.
pub(crate) fn linger(fleet: &Fleet, rng: &mut fastrand::Rng) {
    let Some(node) = fleet.node(rng.usize(0..fleet.size())) else { return };
    match rng.u8(0..6) {
        0 => {
            fleet.loses(&node, "loses the store for good");
            fleet.weather.part_from_store(node.id());
        }
        1 => lose_the_others(fleet, &node),
        _ => {}
    }
}
