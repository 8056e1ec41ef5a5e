//! A fleet, and a client of each of its instances.

use std::sync::Arc;
use std::time::Duration;

use a2a::{StreamResponse, Task};
use a2a_cluster::Config;
use futures::StreamExt;

use crate::client::{Events, Heard, TestClient, next, texts};
use a2a_testkit::Weather;
use a2a_testworld::backends::{Backends, Weathered};
use a2a_testworld::{Binding, Fleet, Plan};

use super::eventually;

/// Where a scenario is played. Each instance is talked to by another binding.
pub(super) struct Stage {
    pub(super) fleet: Fleet,
    clients: Vec<TestClient>,
}

impl Stage {
    /// Starts three instances.
    pub(super) async fn of(backends: Arc<dyn Backends>) -> Self {
        Self::with(backends, |plan| plan).await
    }

    /// Starts three instances with something changed.
    pub(super) async fn with(backends: Arc<dyn Backends>, change: impl FnOnce(Plan) -> Plan) -> Self {
        Self::by(Binding::ALL, change(Plan::of(3).on(backends))).await
    }

    /// Starts three instances with something changed, on backends whose weather may change later.
    pub(super) async fn weathered(
        backends: &Arc<dyn Backends>,
        change: impl FnOnce(Plan) -> Plan,
    ) -> (Self, Weather) {
        let weather = Weather::calm();
        let weathered = Weathered::new(Arc::clone(backends), weather.clone());
        (Self::with(Arc::new(weathered), change).await, weather)
    }

    /// Starts instances that are talked to by these bindings.
    pub(super) async fn by(bindings: impl IntoIterator<Item = Binding>, plan: Plan) -> Self {
        let fleet = Box::pin(plan.start()).await;
        let mut clients = Vec::new();
        for (index, binding) in bindings.into_iter().enumerate() {
            clients.push(TestClient { sdk: fleet.client_of(index, binding).await });
        }
        Stage { fleet, clients }
    }

    /// The client of the instance with this number, counted on from the first behind the last.
    pub(super) fn at(&self, instance: usize) -> &TestClient {
        &self.clients[instance % self.clients.len()]
    }

    /// Starts one more instance and returns its number.
    pub(super) async fn add(&mut self) -> usize {
        let index = self.fleet.add().await;
        self.clients.push(TestClient { sdk: self.fleet.client_of(index, Binding::JsonRpc).await });
        index
    }

    /// Streams a new task and returns it as it was when it was first told, with the stream from there on.
    pub(super) async fn open(&self, instance: usize, text: &str) -> (Task, Events) {
        let mut events = self.at(instance).stream(text).await;
        let StreamResponse::Task(task) = next(&mut events).await else { panic!("no task comes first") };
        let whole = StreamResponse::Task(task.clone());
        (task, futures::stream::iter([Ok(whole)]).chain(events).boxed())
    }

    /// Waits until a task has so many chunks.
    pub(super) async fn chunks(&self, instance: usize, id: &str, count: usize) -> Task {
        let mut task = None;
        eventually("the chunks", async || {
            let read = self.at(instance).get(id).await.unwrap();
            let enough = texts(&read).len() >= count;
            task = Some(read);
            enough
        })
        .await;
        task.unwrap()
    }

    /// How many agents all instances run now.
    pub(super) fn running(&self) -> usize {
        (0..self.clients.len()).map(|instance| self.fleet.running(instance)).sum()
    }

    /// Reads all streams to their ends, at once.
    pub(super) async fn heard(&self, streams: Vec<Events>) -> Vec<Heard> {
        futures::future::join_all(streams.into_iter().map(Heard::by)).await
    }

    /// Reads all streams to their ends and checks that they told what the task is, on whichever instance it is
    /// read. Returns the task.
    pub(super) async fn agree(&self, id: &str, streams: Vec<Events>) -> Task {
        let heard = self.heard(streams).await;
        self.agreed(id, &heard).await
    }

    /// Checks that what was told is what the task is, on whichever instance it is read. Returns the task.
    pub(super) async fn agreed(&self, id: &str, heard: &[Heard]) -> Task {
        let mut truth = None;
        for client in self.clients.iter().rev() {
            let read = client.get(id).await.unwrap();
            let first = truth.get_or_insert_with(|| read.clone());
            assert_eq!(*first, read);
        }
        let truth = truth.unwrap();
        self.audit(&truth, heard).await;
        truth
    }

    /// Checks that the log makes this task, and that streams told what is in it.
    pub(super) async fn audit(&self, task: &Task, heard: &[Heard]) {
        let log = self.fleet.log(&task.id).await;
        assert_eq!(log.task().status, task.status);
        assert!(log.task().artifacts == task.artifacts, "the log has other artifacts");
        heard.iter().for_each(|heard| heard.assert_tells(&log));
    }

    /// Stops all instances at once.
    pub(super) async fn leave(self) {
        self.leave_within(Duration::ZERO).await;
    }

    /// Stops all instances, with a grace for what they do.
    pub(super) async fn leave_within(self, grace: Duration) {
        self.fleet.shutdown_within(grace).await;
    }
}

/// Who is gone is noticed soon enough for a test, and late enough for a machine with other work to do.
pub(super) fn watchful(config: Config) -> Config {
    config.beat_interval(Duration::from_secs(1)).lease(Duration::from_secs(4))
}

/// Silence is looked into soon, so that nobody waits long for what no bus tells.
pub(super) fn inquisitive(config: Config) -> Config {
    config.silence_min(Duration::from_millis(100)).silence_max(Duration::from_millis(500))
}

/// The chunks that `count FROM TO` says.
pub(super) fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}
