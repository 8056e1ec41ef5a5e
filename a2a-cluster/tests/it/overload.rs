//! A store that throttles, and is offered more than it takes: what is too much is refused at once, and the rest is soon done.

use std::sync::Arc;
use std::time::Duration;

use a2a::TaskState;
use a2a_cluster::{Config, retry_after};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::world::hooked::{Call, Fate, hooked};
use crate::world::{expect_task, on_every_bus, request, state};

/// How many commits a second the store takes, and for how many seconds it is offered twice as many.
const TAKES: f64 = 100.0;
const SECONDS: u32 = 12;
/// What an agent does, in this many commits.
const SCRIPT: &str = "do work; sleep 300; say x; sleep 300; done";
const COMMITS: f64 = 3.0;
/// How long it takes where nothing waits.
const WORK: Duration = Duration::from_millis(600);

/// A store's units: as many as it takes in a second, and none is kept for later than a tenth of that.
struct Units {
    left: f64,
    at: Instant,
}

impl Units {
    fn take(&mut self) -> bool {
        let now = Instant::now();
        let filled = self.left + TAKES * (now - self.at).as_secs_f64();
        (self.left, self.at) = (filled.min(TAKES / 10.0), now);
        let is_taken = self.left >= 1.0;
        self.left -= f64::from(is_taken);
        is_taken
    }
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn at_twice_what_a_store_takes_what_is_too_much_is_refused_at_once_and_the_rest_is_soon_done(bus) {
        let (store, world) = hooked(1, bus, Config::default()).await;
        let mut units = Units { left: 0.0, at: Instant::now() };
        store.set(move |call, _, _| {
            if call != Call::Commit || units.take() { Fate::Answered } else { Fate::Throttled }
        });
        let node = Arc::new(world.nodes.into_iter().next().unwrap());
        let mut asked = JoinSet::new();
        let (began, pause) = (Instant::now(), Duration::from_secs(1).mul_f64(COMMITS / TAKES / 2.0));
        while began.elapsed() < Duration::from_secs(SECONDS.into()) {
            let asks = Arc::clone(&node);
            asked.spawn(async move {
                let began = Instant::now();
                let answer = asks.ask(request(SCRIPT)).await;
                (answer.map(expect_task), began.elapsed())
            });
            assert!(node.cluster.is_ready(), "{}", node.cluster.readiness());
            sleep(pause).await;
        }
        let (mut done, mut refused) = (Vec::new(), Vec::new());
        while let Some(met) = asked.join_next().await {
            match met.unwrap() {
                (Ok(task), took) => {
                    assert_eq!(state(&task), TaskState::Completed);
                    done.push(took.saturating_sub(WORK));
                }
                (Err(error), took) => {
                    assert!(retry_after(&error).is_some(), "{error:?}");
                    refused.push(took);
                }
            }
        }
        done.sort_unstable();
        refused.sort_unstable();
        let throughput = done.len() as f64 * COMMITS / TAKES / f64::from(SECONDS);
        let most = |times: &[Duration]| times[times.len() * 99 / 100];
        assert!(throughput >= 0.9, "{throughput}");
        assert!(most(&done) < Duration::from_secs(5), "{:?}", most(&done));
        assert!(most(&refused) < Duration::from_secs(1), "{:?}", most(&refused));
        assert!(began.elapsed() < Duration::from_secs(u64::from(SECONDS) + 5), "{:?}", began.elapsed());
        node.cluster.shutdown(Duration::from_secs(1)).await;
    }
}
