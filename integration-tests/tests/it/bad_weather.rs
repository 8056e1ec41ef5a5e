//! Short forms of the trial `weather`: instances on a table that throttles, loses answers and is asked for too much.

use std::time::Duration;

use a2a_cluster::Config;
use integration_tests::bad_weather::{Cost, Figures, Kind, Place, Trial};

/// Write units a second: so few that a debug build can offer twice as many.
const CAPACITY: f64 = 60.0;
/// What a task takes, about; the trial measures it.
const COST: Cost = Cost { usual: 16.0, least: 8.0 };
const LEASE: Duration = Duration::from_secs(3);

/// Plays kinds for so long each, and returns their figures.
async fn played(kinds: impl IntoIterator<Item = Kind>, lasts: Duration) -> Vec<Figures> {
    let config = Config::default().beat_interval(LEASE / 3).lease(LEASE);
    let trial = Trial::begin(Place::start(3, 19, config).await, CAPACITY).await;
    let mut all = Vec::new();
    for kind in kinds {
        let figures = trial.play(&kind, COST, lasts).await;
        assert_eq!(figures.wrong(), Vec::<String>::new(), "{figures}");
        assert!(figures.stood_still < LEASE, "{:?}", figures.stood_still);
        all.push(figures);
    }
    trial.end().await;
    all
}

fn kind(name: &str) -> Kind {
    Kind::all(CAPACITY).into_iter().find(|kind| kind.name == name).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_most_writes_refused_beats_are_answered_and_all_that_began_ends() {
    let figures = played([kind("70 % of writes refused")], Duration::from_secs(6)).await;
    assert!(figures.iter().all(|figures| figures.done > 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_twice_the_capacity_what_is_too_much_is_refused_soon_and_the_rest_goes_on() {
    let figures = played([Kind::overload(CAPACITY)], Duration::from_secs(8)).await;
    assert!(figures.iter().all(|figures| figures.refused > 0 && figures.done > 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_answers_lost_connections_reset_or_access_denied_all_that_began_ends() {
    let kinds = ["answers lost", "connections reset", "access denied"].map(kind);
    played(kinds, Duration::from_millis(1_500)).await;
}
