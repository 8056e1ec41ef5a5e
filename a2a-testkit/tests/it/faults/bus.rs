//! What a faulty bus does to messages.

use std::sync::Arc;
use std::time::Duration;

use a2a_core::wire::Seal;
use a2a_core::{
    BackendError, BusMessage, Delivery, Endpoint, EventBus, InstanceId, News, Recipient, TaskKey, Tenant,
    Version,
};
use a2a_testkit::sample::instance;
use a2a_testkit::{Delay, FaultyBus, FaultyEndpoint, Forecast, Weather};
use tokio::time::{Instant, timeout};

use crate::reference::ReferenceBus;

const SENT: u64 = 400;

/// Some endpoints in the same weather.
fn endpoints<const N: usize>(weather: &Weather, seed: u64) -> [FaultyEndpoint; N] {
    let bus = ReferenceBus::default();
    std::array::from_fn(|n| {
        FaultyEndpoint::new(Arc::new(bus.endpoint(instance())), weather.clone(), seed + n as u64)
    })
}

fn numbered(from: InstanceId, number: u64) -> BusMessage {
    let task = TaskKey::new(Tenant::default(), "t");
    BusMessage { from, task, news: News::Changed(Version::new(number)), trace: None }
}

async fn send(from: &FaultyEndpoint, to: &FaultyEndpoint, numbers: impl Iterator<Item = u64>) {
    for number in numbers {
        let delivery = from.send(&[Recipient::direct(to.me())], &numbered(from.me(), number)).await.unwrap();
        assert_eq!(delivery, Delivery::default());
    }
}

/// Everything that arrives within an hour.
async fn arrivals(endpoint: &FaultyEndpoint) -> Vec<u64> {
    let mut numbers = Vec::new();
    while let Ok(messages) = timeout(Duration::from_secs(3600), endpoint.receive()).await {
        for message in messages.unwrap() {
            let News::Changed(version) = message.news else { panic!("only such were sent") };
            numbers.push(version.get());
        }
    }
    numbers
}

async fn after(forecast: Forecast, seed: u64) -> Vec<u64> {
    let [a, b] = endpoints(&Weather::new(forecast), seed);
    send(&a, &b, 0..SENT).await;
    arrivals(&b).await
}

#[tokio::test(start_paused = true)]
async fn a_calm_bus_loses_repeats_and_reorders_nothing() {
    assert_eq!(after(Forecast::calm(), 1).await, (0..SENT).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn loss_and_duplication_happen_as_often_as_forecast() {
    let lost = SENT as usize - after(Forecast { loss: 0.25, ..Forecast::calm() }, 1).await.len();
    assert!(lost.abs_diff(100) < 30, "{lost} of {SENT} were lost");
    let repeated = after(Forecast { duplication: 0.25, ..Forecast::calm() }, 1).await.len() - SENT as usize;
    assert!(repeated.abs_diff(100) < 30, "{repeated} of {SENT} came twice");
}

#[tokio::test(start_paused = true)]
async fn a_spread_of_delays_reorders() {
    let bus_delay = Delay::between(Duration::ZERO, Duration::from_secs(1));
    let begun = Instant::now();
    let mut seen = after(Forecast { bus_delay, ..Forecast::calm() }, 1).await;
    assert!(begun.elapsed() <= Duration::from_secs(3602));
    assert!(!seen.is_sorted());
    seen.sort_unstable();
    assert_eq!(seen, (0..SENT).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn the_seed_decides() {
    let storm = || Forecast { send_failed: 0.0, ..Forecast::stormy() };
    assert_eq!(after(storm(), 9).await, after(storm(), 9).await);
    assert_ne!(after(storm(), 9).await, after(storm(), 10).await);
}

#[tokio::test(start_paused = true)]
async fn nothing_arrives_on_an_unplugged_bus_and_nobody_is_told() {
    let weather = Weather::unplugged();
    let [a, b] = endpoints(&weather, 1);
    send(&a, &b, 0..10).await;
    send(&a, &a, 0..10).await;
    assert_eq!(arrivals(&b).await, [0; 0]);
    assert_eq!(arrivals(&a).await, [0; 0]);

    weather.change(|forecast| forecast.plugged = true);
    send(&a, &b, 10..12).await;
    assert_eq!(arrivals(&b).await, [10, 11]);
}

#[tokio::test(start_paused = true)]
async fn pulling_the_plug_loses_what_is_under_way() {
    let bus_delay = Delay::between(Duration::from_secs(1), Duration::from_secs(1));
    let weather = Weather::new(Forecast { bus_delay, ..Forecast::calm() });
    let [a, b] = endpoints(&weather, 1);
    send(&a, &b, 0..10).await;
    assert!(timeout(Duration::from_millis(500), b.receive()).await.is_err());
    weather.set(Forecast::unplugged());
    assert_eq!(arrivals(&b).await, [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_partition_cuts_both_ways_and_only_there() {
    let weather = Weather::calm();
    let [a, b, c] = endpoints(&weather, 1);
    weather.part(&[a.me()], &[b.me()]);
    let everybody = [a.me(), b.me(), c.me()].map(Recipient::direct);
    for (number, endpoint) in [&a, &b, &c].into_iter().enumerate() {
        let sent = endpoint.send(&everybody, &numbered(endpoint.me(), number as u64)).await;
        assert_eq!(sent.unwrap(), Delivery::default(), "the other side is not gone");
    }
    assert_eq!(arrivals(&a).await, [0, 2]);
    assert_eq!(arrivals(&b).await, [1, 2]);
    assert_eq!(arrivals(&c).await, [0, 1, 2]);
    weather.heal();
    send(&a, &b, 7..8).await;
    assert_eq!(arrivals(&b).await, [7]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_send_reaches_nobody() {
    let weather = Weather::new(Forecast { send_failed: 1.0, ..Forecast::calm() });
    let [a, b] = endpoints(&weather, 1);
    let sent = a.send(&[Recipient::direct(b.me())], &numbered(a.me(), 1)).await;
    assert!(matches!(sent, Err(BackendError::Unavailable(_))), "{sent:?}");
    assert_eq!(arrivals(&b).await, [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_send_takes_its_sender_as_long_as_forecast() {
    let send_delay = Delay::between(Duration::from_millis(100), Duration::from_millis(100));
    let [a, b] = endpoints(&Weather::new(Forecast { send_delay, ..Forecast::calm() }), 1);
    let begun = Instant::now();
    send(&a, &b, 0..50).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
    assert_eq!(arrivals(&b).await, (0..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn delayed_messages_survive_receives_that_are_dropped() {
    let bus_delay = Delay::between(Duration::ZERO, Duration::from_millis(100));
    let weather = Weather::new(Forecast { bus_delay, ..Forecast::calm() });
    let [a, b] = endpoints(&weather, 1);
    send(&a, &b, 0..50).await;
    let mut count = 0;
    for _ in 0..300 {
        if let Ok(messages) = timeout(Duration::from_millis(1), b.receive()).await {
            count += messages.unwrap().len();
        }
    }
    assert_eq!(count, 50);
}

#[tokio::test(start_paused = true)]
async fn connecting_takes_its_time_and_fails_as_often_as_forecast() {
    let connect_delay = Delay::between(Duration::from_secs(5), Duration::from_secs(9));
    let weather = Weather::new(Forecast { connect_delay, connect_failed: 0.5, ..Forecast::calm() });
    let bus = FaultyBus::new(Arc::new(ReferenceBus::default()), weather, 1);
    let seal = Arc::new(Seal::open());
    let (mut failed, begun) = (0, Instant::now());
    for _ in 0..200 {
        match bus.connect(&instance(), &seal).await {
            Ok(endpoint) => assert!(endpoint.close().await.is_ok()),
            Err(error) => {
                assert!(matches!(error, BackendError::Unavailable(_)), "{error:?}");
                failed += 1;
            }
        }
    }
    assert!((60..140).contains(&failed), "{failed} of 200 failed to connect");
    assert!(begun.elapsed() >= Duration::from_secs(1000), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn endpoints_of_a_faulty_bus_are_faulty() {
    let weather = Weather::calm();
    let bus = FaultyBus::new(Arc::new(ReferenceBus::default()), weather.clone(), 1);
    let seal = Arc::new(Seal::open());
    let a = bus.connect(&instance(), &seal).await.unwrap();
    let b = bus.connect(&instance(), &seal).await.unwrap();
    let to = [Recipient::direct(b.me())];
    assert_eq!(a.send(&to, &numbered(a.me(), 1)).await.unwrap(), Delivery::default());
    assert_eq!(b.receive().await.unwrap(), [numbered(a.me(), 1)]);
    weather.part(&[a.me()], &[b.me()]);
    assert_eq!(a.send(&to, &numbered(a.me(), 2)).await.unwrap(), Delivery::default());
    assert!(timeout(Duration::from_secs(60), b.receive()).await.is_err(), "across a partition");
}
