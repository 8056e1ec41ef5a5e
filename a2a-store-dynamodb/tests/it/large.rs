//! Large tasks before a partition that takes 1,000 units a second.

use a2a::{Part, TaskState};
use a2a_core::TaskStore;
use a2a_testkit::sample::{TaskModel, at, chunk, status};
use a2a_testworld::weather::{Limits, Weather, WeatherProxy};

use crate::place::{Place, Setup};

const MEGABYTE: usize = 1024 * 1024;

/// Text that does not compress, much.
fn noise(bytes: usize) -> String {
    let mut rng = fastrand::Rng::with_seed(bytes as u64);
    std::iter::repeat_with(|| char::from(rng.u8(b' '..b'~'))).take(bytes).collect()
}

/// A part is written once but for a few that were refused, whatever the size: so it all takes what the partition takes.
#[test]
fn large_artifacts_get_through_at_the_pace_of_their_partition_and_hardly_any_part_twice() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let Some(endpoint) = place.endpoint() else { return };
        let proxy = WeatherProxy::before(endpoint, 11).await.unwrap();
        proxy.set(Weather::clear().limits(Limits::default()));
        let store = Setup::at(&proxy.url(), &place.table).open().await;
        let write = async |megabytes: usize| {
            let mut model = TaskModel::new(&format!("{megabytes} MB")).begin(&store).await;
            let text = noise(megabytes * MEGABYTE);
            model.tell(&store, vec![chunk(&model.task, "a", vec![Part::text(text)], false)]).await;
            let end = status(&model.task, TaskState::Completed, at(1));
            model.tell(&store, vec![end]).await;
            let loaded = store.load(&model.key).await.unwrap();
            assert!(loaded == model.stored_as(loaded.as_ref()), "{megabytes} MB read back otherwise");
        };
        futures::join!(write(1), write(2), write(4));
        let puts = &proxy.counts().operations["PutItem"];
        assert!(
            puts.throttled as f64 <= 0.3 * puts.succeeded as f64,
            "{} of {} were refused",
            puts.throttled,
            puts.requests
        );
    });
}
