//! The contracts of store and bus, sentence by sentence, each on a table or a topic of its own.

use std::sync::Arc;
use std::time::Duration;

use a2a_bus_snssqs::{SnsSqsBus, TopicArn, create_topic};
use a2a_core::{EventBus, Reach, Store};
use a2a_store_dynamodb::{DynamoDbConfig, table};
use a2a_testkit::{BusFixture, Fixture, Sentence, StoreFixture, async_trait, sentences};
use futures::{StreamExt, stream};

use super::budget::Units;
use super::pace::Pace;
use super::phase::Verdict;
use super::stage::Stage;
use super::tear_down;
use crate::backends::Environment;

/// So many tables at once: DynamoDB makes few with indexes at a time, and each takes half a minute.
const TABLES_AT_ONCE: usize = 4;
/// So many topics at once: all, for each may take 15 minutes to reach its queues.
const TOPICS_AT_ONCE: usize = 20;
/// What a sentence does beside waiting.
const TAKES: Duration = Duration::from_secs(300);
/// What a slow reader is sent. Each costs money.
const FLOOD: usize = 500;
/// What is not asked of a store here, because it takes a table that is made by hand.
const LEFT_OUT: &str = "of a table that nobody has set up";

/// What all sentences cost at most.
pub(super) const COST: Units =
    Units { writes: 170_000.0, reads: 60_000.0, publishes: 3_000.0, messages: 10_000.0 };

/// A table, or a topic.
#[derive(Debug)]
struct Place {
    environment: Environment,
    pace: Pace,
    name: String,
}

/// A topic that has been made.
#[derive(Debug)]
struct WithTopic {
    place: Place,
    topic: TopicArn,
}

#[async_trait]
impl Fixture for Place {
    /// The trial makes them.
    async fn open() -> Option<Self> {
        None
    }

    async fn close(&self) {
        // What is left now the trial removes in the end.
        let _ = tear_down::once(&self.environment, &self.name).await;
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(60)
    }
}

#[async_trait]
impl StoreFixture for Place {
    async fn handle(&self) -> Arc<dyn Store> {
        Arc::new(self.environment.store(&self.name))
    }

    async fn failing_handle(&self) -> Option<Arc<dyn Store>> {
        let store = self.environment.store(&format!("{}-none", self.name));
        Some(Arc::new(store.with_config(DynamoDbConfig::default().attempts(2))))
    }
}

#[async_trait]
impl Fixture for WithTopic {
    async fn open() -> Option<Self> {
        None
    }

    async fn close(&self) {
        self.place.close().await;
    }

    /// As long as SNS may take to reach a new queue.
    fn patience(&self) -> Duration {
        self.place.pace.filters.max(Duration::from_secs(45))
    }
}

#[async_trait]
impl BusFixture for WithTopic {
    async fn bus(&self) -> Arc<dyn EventBus> {
        let clients = self.place.environment.messaging(&self.topic);
        Arc::new(SnsSqsBus::with_clients(clients, self.topic.clone()).unwrap())
    }

    fn reach(&self) -> Reach {
        Reach::Topic
    }

    fn silence(&self) -> Duration {
        self.place.pace.silence
    }

    fn flood(&self) -> usize {
        FLOOD
    }
}

/// Holds store and bus to all sentences that are wanted.
pub(super) async fn run(stage: &Stage) -> Verdict {
    let place = |kind: char, number: usize| Place {
        environment: stage.environment.clone(),
        pace: stage.pace,
        name: format!("{}-{kind}{number:02}", stage.name),
    };
    let wanted = &stage.options.sentences;
    let stores = sentences::of_stores().into_iter().filter(|sentence| sentence.name().contains(wanted));
    let stores: Vec<_> =
        stores.enumerate().map(|(number, sentence)| (place('s', number), sentence)).collect();
    let buses = sentences::of_buses().into_iter().filter(|sentence| sentence.name().contains(wanted));
    let buses: Vec<_> = buses.enumerate().map(|(number, sentence)| (place('b', number), sentence)).collect();
    let (of_stores, of_buses) = (stores.len(), buses.len());
    let stores = stores.into_iter().map(|(place, sentence)| async move {
        let held = Box::pin(of_a_store(&place, &sentence)).await;
        told(stage, &format!("{sentence:?}"), held)
    });
    let buses = buses.into_iter().map(|(place, sentence)| async move {
        let held = Box::pin(of_a_bus(place, &sentence)).await;
        told(stage, &format!("{sentence:?}"), held)
    });
    let mut wrong: Vec<String> =
        stream::iter(stores).buffer_unordered(TABLES_AT_ONCE).filter_map(std::future::ready).collect().await;
    wrong.extend(
        stream::iter(buses)
            .buffer_unordered(TOPICS_AT_ONCE)
            .filter_map(std::future::ready)
            .collect::<Vec<_>>()
            .await,
    );
    if wrong.is_empty() {
        return Ok(format!("{of_stores} sentences of stores, {of_buses} of buses; left out: {LEFT_OUT}"));
    }
    Err(wrong)
}

/// Says how it went; returns what is wrong.
fn told(stage: &Stage, sentence: &str, held: Result<(), String>) -> Option<String> {
    let wrong = held.err().map(|why| format!("{sentence}: {why}"));
    stage.say(&format!("    {sentence}{}", if wrong.is_some() { " does not hold" } else { "" }));
    wrong
}

async fn of_a_store(place: &Place, sentence: &Sentence<dyn StoreFixture>) -> Result<(), String> {
    let dynamodb = place.environment.dynamodb();
    table::create_table(&dynamodb, &place.name, table::Protection::default(), table::Replicas::Refused)
        .await
        .map_err(|error| format!("no table: {error:?}"))?;
    let held = sentence.holds(place, TAKES).await;
    place.close().await;
    held
}

async fn of_a_bus(place: Place, sentence: &Sentence<dyn BusFixture>) -> Result<(), String> {
    let topic = create_topic(&place.environment.sns(), &place.name).await;
    let topic = topic.map_err(|error| format!("no topic: {error:?}"))?;
    let limit = place.pace.filters + TAKES;
    let fixture = WithTopic { place, topic };
    let held = sentence.holds(&fixture, limit).await;
    fixture.close().await;
    held
}
