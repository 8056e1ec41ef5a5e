//! The same seed draws the same.

use a2a_testworld::weather::{Refusal, ServiceError, Spread, Weather};

use crate::place::{Place, item};

/// What becomes of a hundred writes, one after the other.
async fn outcomes(seed: u64) -> Vec<Option<String>> {
    let place = Place::seeded(seed).await;
    let weather = Weather::clear()
        .index_lag(Spread::lag())
        .refuse(Refusal::of(ServiceError::Throttling).with_chance(0.3))
        .refuse(Refusal::of(ServiceError::InternalServerError).with_chance(0.3))
        .resets(0.1)
        .lost_answers(0.1);
    place.proxy.set(weather);
    let mut found = Vec::new();
    for n in 0..100 {
        let told = match place.put(item("p", &n.to_string(), &[("owner", "ann"), ("at", "1")])).await {
            Ok(()) => "done".to_owned(),
            Err(failed) => failed.code.unwrap_or_else(|| "no answer".to_owned()),
        };
        let applied = place.has("p", &n.to_string()).await.is_some();
        found.push(Some(format!("{told} {applied}")));
    }
    found
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_draws_the_same_for_the_same_requests() {
    let first = outcomes(7).await;
    assert_eq!(first, outcomes(7).await);
    assert_ne!(first, outcomes(8).await);
    for told in ["done true", "no answer true", "no answer false", "ThrottlingException false"] {
        assert!(first.contains(&Some(told.to_owned())), "{told} was not drawn: {first:?}");
    }
}
