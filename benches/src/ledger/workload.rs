//! What is played, with how many instances watching, and what that was billed.

use std::time::Duration;

use a2a::{GetTaskRequest, ListTasksRequest, SendMessageResponse, StreamResponse};
use a2a_node::meter::Bill;
use a2a_server::{RequestHandler, ServiceParams};
use a2a_testkit::agent::{Latches, Played, Said, Script, Speaker, Step, Text, play};
use futures::future::try_join_all;
use futures::{FutureExt, StreamExt};

use super::fleet::Fleet;
use crate::Error;
use crate::hearing::{begin, join, read, request};

/// What a chunk says.
const CHUNK: Text = Text::Prose(120);

/// A token of words.
const TOKEN: Text = Text::Prose(8);

/// Tasks of one kind, one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Workload {
    pub(super) name: &'static str,
    kind: Kind,
    pub(super) tasks: usize,
    /// What the agent thinks about before it says that it works.
    silence: Duration,
    chunks: usize,
    gap: Duration,
    text: Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Streaming,
    Blocking,
    /// Nobody streams it; it is listed and read once it has ended.
    Read,
}

/// What a workload was billed.
#[derive(Debug)]
pub(super) struct Counted {
    /// How many events its agents said.
    pub(super) events: usize,
    pub(super) bill: Bill,
}

impl Workload {
    /// Those of the comparison, as far as they make sense for a bill; and one whose agent is as slow as a model.
    pub(super) fn all(quick: bool) -> Vec<Self> {
        let some = |count: usize| if quick { count.div_ceil(4) } else { count };
        let streaming = |name, tasks, chunks, gap| Workload {
            name,
            kind: Kind::Streaming,
            tasks: some(tasks),
            silence: Duration::ZERO,
            chunks,
            gap: Duration::from_millis(gap),
            text: CHUNK,
        };
        let mut all = vec![
            Workload::usual(some(4)),
            Workload::talking(some(4)),
            streaming("short task, 3 events", 20, 1, 0),
            streaming("500 chunks", 4, 500, 0),
            streaming("5,000 chunks", 1, 5_000, 0),
            streaming("200 chunks, one each 20 ms", 1, 200, 20),
            Workload { kind: Kind::Blocking, ..streaming("blocking echo, 2 events", 20, 1, 0) },
        ];
        all.retain(|workload| !quick || workload.chunks < 5_000);
        all
    }

    /// An agent as most are: silent for a second, at work, its answer at once, done; then it is listed, and read.
    pub(super) fn usual(tasks: usize) -> Self {
        Workload {
            name: "usual agent",
            kind: Kind::Read,
            tasks,
            silence: Duration::from_secs(1),
            chunks: 20,
            gap: Duration::ZERO,
            text: CHUNK,
        }
    }

    /// An agent that says its answer token by token, as a model gives it.
    pub(super) fn talking(tasks: usize) -> Self {
        Workload {
            name: "talking agent",
            silence: Duration::from_millis(800),
            chunks: 60,
            gap: Duration::from_millis(30),
            text: TOKEN,
            ..Workload::usual(tasks)
        }
    }

    /// Short tasks with a stream, few enough for a test.
    #[cfg(test)]
    pub(super) fn short(tasks: usize) -> Self {
        Workload { name: "short", tasks, chunks: 1, ..Workload::stream(1, Duration::ZERO) }
    }

    /// One stream of so many chunks.
    #[cfg(test)]
    pub(super) fn stream(chunks: usize, gap: Duration) -> Self {
        let (name, kind, silence, text) = ("stream", Kind::Streaming, Duration::ZERO, CHUNK);
        Workload { name, kind, tasks: 1, silence, chunks, gap, text }
    }

    /// Whether it has no stream that could be watched.
    pub(super) fn is_alone(&self) -> bool {
        self.kind != Kind::Streaming
    }

    /// What the agent does on each task, once the latch is open, if it waits at one.
    fn script(&self, latch: Option<&str>) -> Script {
        let script = Script::new();
        let script = if self.silence.is_zero() { script } else { script.then(Step::Sleep(self.silence)) };
        let script = if self.kind == Kind::Blocking { script } else { script.work() };
        let script = latch.map_or(script.clone(), |latch| script.latch(latch));
        let script = if self.gap.is_zero() {
            script.burst(self.chunks, self.text)
        } else {
            script.talk(self.chunks, self.gap, self.text)
        };
        script.done()
    }

    /// All that the agent says on a task.
    pub(super) fn events(&self, task: &str, context: &str) -> Vec<StreamResponse> {
        let speaker = Speaker::new(task, context);
        let at_once =
            Workload { gap: Duration::ZERO, silence: Duration::ZERO, ..*self }.script(None).into_steps();
        let said = play(at_once, Latches::default(), Played::default());
        let said: Vec<Said> = said.collect().now_or_never().unwrap_or_default();
        said.into_iter().filter_map(|said| speaker.event(said).ok()).collect()
    }

    /// Plays it on the first instance, with streams on so many of the others.
    pub(super) async fn count(&self, fleet: &Fleet, watchers: usize) -> Result<Counted, Error> {
        let before = fleet.bill();
        for _ in 0..self.tasks {
            match self.kind {
                Kind::Streaming => self.stream_one(fleet, watchers).await?,
                Kind::Blocking => {
                    self.send(fleet).await?;
                }
                Kind::Read => {
                    let task = self.send(fleet).await?;
                    read_back(fleet, task).await?;
                }
            }
        }
        fleet.quiet().await;
        let events = self.events("", "").len() * self.tasks;
        Ok(Counted { events, bill: fleet.bill().since(&before) })
    }

    /// Sends a message and waits for the end. Returns the task's id.
    async fn send(&self, fleet: &Fleet) -> Result<String, Error> {
        let request = request(&self.script(None).to_string());
        match fleet.handler(0)?.send_message(&ServiceParams::new(), request).await? {
            SendMessageResponse::Task(task) => Ok(task.id),
            SendMessageResponse::Message(_) => Err("a message is answered without a task".into()),
        }
    }

    async fn stream_one(&self, fleet: &Fleet, watchers: usize) -> Result<(), Error> {
        let latch = fleet.latch();
        if watchers == 0 {
            fleet.open(&latch);
        }
        let (task, own) = begin(fleet.handler(0)?.as_ref(), &self.script(Some(&latch)).to_string()).await?;
        let watch = async |number: usize| join(fleet.handler(number)?.as_ref(), &task).await;
        let streams = try_join_all((1..=watchers.min(fleet.size() - 1)).map(watch)).await?;
        fleet.open(&latch);
        try_join_all(streams.into_iter().chain([own]).map(read)).await?;
        Ok(())
    }
}

/// Lists what there is on another instance, and reads one task.
async fn read_back(fleet: &Fleet, id: String) -> Result<(), Error> {
    let (handler, params) = (fleet.handler(fleet.size() - 1)?, ServiceParams::new());
    let list: ListTasksRequest = serde_json::from_value(serde_json::json!({ "pageSize": 5 }))?;
    let page = handler.list_tasks(&params, list).await?;
    let read = handler.get_task(&params, GetTaskRequest { id, history_length: None, tenant: None }).await?;
    if page.tasks.is_empty() || !read.status.state.is_terminal() {
        return Err("a task that has ended is not there".into());
    }
    Ok(())
}
