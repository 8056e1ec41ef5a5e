//! Short forms of the trial `weather`: instances on a table that refuses, resets and loses answers. What they do at twice the
//! capacity is a question of time: the trial asks it, and `a2a-cluster/tests/it/overload.rs` in virtual time.

use std::time::Duration;

use a2a_cluster::Config;
use integration_tests::bad_weather::{Cost, Figures, Kind, Place, Trial};

/// Write units a second: so few that a debug build can offer twice as many.
const CAPACITY: f64 = 60.0;
/// What a task takes, about; the trial measures it.
const COST: Cost = Cost { usual: 16.0, least: 8.0 };
/// Long, for these instances share two cores with whatever else is tested.
const LEASE: Duration = Duration::from_secs(30);

/// Plays kinds for so long each, and returns their figures.
async fn played(kinds: impl IntoIterator<Item = Kind>, lasts: Duration) -> Vec<Figures> {
    let config = Config::default().beat_interval(LEASE / 10).lease(LEASE);
    let trial = Trial::begin(Place::start(3, 19, config).await, CAPACITY).await;
    let mut all = Vec::new();
    for kind in kinds {
        let figures = trial.play(&kind, COST, lasts).await;
        assert_eq!(figures.wrong_within(6), Vec::<String>::new(), "{figures}");
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
async fn with_answers_lost_connections_reset_or_access_denied_all_that_began_ends() {
    let kinds = ["answers lost", "connections reset", "access denied"].map(kind);
    played(kinds, Duration::from_millis(1_500)).await;
}
