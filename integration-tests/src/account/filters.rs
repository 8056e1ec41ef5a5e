//! How long it takes until the topic reaches an instance that has just connected; until then others send to it directly.

use std::sync::Arc;

use a2a_bus_snssqs::{SnsSqsBus, SnsSqsConfig};
use a2a_core::wire::Seal;
use a2a_core::{
    BusMessage, Endpoint, EventBus, InstanceId, News, Reach, Recipient, SystemEnv, TaskKey, Tenant, Version,
};
use tokio::time::{Duration, Instant, sleep, timeout};

use super::budget::Units;
use super::phase::Verdict;
use super::stage::Stage;
use super::whose::words;

/// How often somebody sends while the topic does not reach it.
const SENDS_EVERY: Duration = Duration::from_secs(5);
/// How long a message may take that is sent directly: SQS needs some 20 ms, and seconds for a queue that is new.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);

/// What the wait costs at most: a message now and then, probes, and long polls of two instances.
pub(super) const COST: Units = Units { writes: 0.0, reads: 0.0, publishes: 500.0, messages: 2_000.0 };

/// Connects two instances, and has one tell the other something until the topic reaches both.
pub(super) async fn run(stage: &Stage) -> Verdict {
    let topic = stage.topic();
    let bus = SnsSqsBus::with_clients(stage.environment.messaging(&topic), topic);
    let bus = bus.map_err(|error| vec![words(&error)])?.config(SnsSqsConfig::default());
    let ids = [(); 2].map(|()| InstanceId::generate(&SystemEnv));
    let verdict = Box::pin(wait(stage, &bus, ids)).await;
    for id in ids {
        bus.release(&id).await.map_err(|error| vec![words(&error)])?;
    }
    verdict
}

async fn wait(stage: &Stage, bus: &SnsSqsBus, [one, other]: [InstanceId; 2]) -> Verdict {
    // The keys do not matter: these two are the only ones who talk.
    let seal = Arc::new(Seal::open());
    let connected = async { tokio::try_join!(bus.connect(&one, &seal), bus.connect(&other, &seal)) };
    let (one, other) = connected.await.map_err(|error| vec![words(&error)])?;
    let began = Instant::now();
    let (mut sent, mut slowest) = (0_u64, Duration::ZERO);
    loop {
        // At least once: it is never to be waited for.
        let took = tell(&*one, &*other, sent).await.map_err(|why| {
            vec![format!("an instance that the topic does not reach yet was not served directly: {why}")]
        })?;
        (sent, slowest) = (sent + 1, slowest.max(took));
        let next = Instant::now() + SENDS_EVERY;
        while Instant::now() < next {
            if [&one, &other].iter().all(|end| end.reach() == Reach::Topic) {
                let reached = began.elapsed().as_secs_f64();
                return Ok(format!(
                    "the topic reached both after {reached:.1} s; until then {sent} messages went directly, the slowest in {} ms",
                    slowest.as_millis()
                ));
            }
            if began.elapsed() > stage.pace.filters {
                return Err(vec![format!("the topic did not reach both within {:?}", stage.pace.filters)]);
            }
            sleep(Duration::from_millis(50)).await;
        }
        stage.say(&format!("    not yet; {sent} messages went directly"));
    }
}

/// Sends straight, and tells how long it took until that was received.
async fn tell(from: &dyn Endpoint, to: &dyn Endpoint, number: u64) -> Result<Duration, String> {
    let began = Instant::now();
    let task = TaskKey::new(Tenant::default(), "trial");
    let news = News::Changed(Version::new(number + 1));
    let message = BusMessage { from: from.me(), task, news, trace: None };
    let to_it = [Recipient::direct(to.me())];
    let _ = from.send(&to_it, &message).await.map_err(|error| words(&error))?;
    let arrival = async {
        loop {
            match to.receive().await {
                Ok(received) if received.iter().any(|one| one.news == message.news) => {
                    return Ok(began.elapsed());
                }
                Ok(_) => {}
                Err(error) if error.is_transient() => {}
                Err(error) => return Err(words(&error)),
            }
        }
    };
    timeout(ARRIVES_WITHIN, arrival)
        .await
        .unwrap_or_else(|_| Err(format!("nothing within {ARRIVES_WITHIN:?}")))
}
