//! A workload: some tasks at once, each with clients that listen to it, and afterwards what each of them lacked.

use std::sync::Arc;
use std::time::Duration;

use a2a::TaskState;
use a2a_testkit::Findings;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::audit::ChunkLog;
use super::caller::Caller;
use super::cluster::Cluster;
use super::listener::{self, Recording};
use a2a_testworld::Binding;
use a2a_testworld::world::message;

/// What is to be played.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// How many tasks, all begun at once.
    pub tasks: usize,
    /// How many chunks each of them streams.
    pub chunks: u32,
    /// How long the agent rests between two chunks.
    pub gap: Duration,
    /// How many clients subscribe to each task, besides the one that began it.
    pub watchers: usize,
    /// On which instances.
    pub placement: Placement,
    /// How long a client may take to hear a whole task.
    pub patience: Duration,
}

/// Where the clients of a task are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Wherever the load balancer sends them, at each request.
    Anywhere,
    /// The one that begins the task on one instance, which so runs it, and each watcher on another.
    Elsewhere,
}

/// A workload that is being played.
#[derive(Debug)]
pub struct Running {
    workload: Workload,
    tasks: watch::Receiver<Vec<String>>,
    listeners: JoinSet<Recording>,
}

/// What a workload was like.
#[derive(Debug, Default)]
pub struct Review {
    /// How many streams there were.
    pub streams: usize,
    /// How often clients came again after theirs broke.
    pub reconnects: usize,
    /// What they got and lacked.
    pub count: Findings,
    /// When the last client had heard all, or given up.
    pub heard_by: Option<Instant>,
    /// Events in the logs of all tasks.
    pub events: usize,
    /// All that must not be, in words.
    pub wrong: Vec<String>,
    /// All that clients saw, by task.
    pub recordings: Vec<Recording>,
    /// What the tasks' logs say.
    pub logs: Vec<(String, ChunkLog)>,
}

impl Workload {
    /// Begins all tasks. Every other client resumes by cursor; the bindings alternate.
    pub async fn begin(self, cluster: &Cluster) -> Running {
        let until = Instant::now() + self.patience;
        let (known, tasks) = watch::channel(Vec::new());
        let known = Arc::new(known);
        let mut listeners = JoinSet::new();
        for number in 0..self.tasks {
            let teller = self.caller(cluster, number, 0).await;
            let message = message(&format!("stream {} {}", self.chunks, self.gap.as_millis()));
            let (begun, id) = watch::channel(String::new());
            let known = Arc::clone(&known);
            listeners.spawn(listener::send_and_hear(teller, message, until, move |task| {
                begun.send_replace(task.to_owned());
                known.send_modify(|tasks| tasks.push(task.to_owned()));
            }));
            for watcher in 1..=self.watchers {
                let caller = self.caller(cluster, number, watcher).await;
                let mut id = id.clone();
                listeners.spawn(async move {
                    match id.wait_for(|id| !id.is_empty()).await.map(|id| id.clone()) {
                        Ok(id) => listener::watch(caller, id, until).await,
                        Err(_) => Recording::nothing("the task never began"),
                    }
                });
            }
        }
        Running { workload: self, tasks, listeners }
    }

    /// Makes a client of a task: the one that begins it, or one of the others.
    async fn caller(self, cluster: &Cluster, task: usize, client: usize) -> Caller {
        let binding = Binding::ALL[(task + client) % Binding::ALL.len()];
        match self.placement {
            Placement::Anywhere => cluster.caller(binding, (task + client) % 2 == 1).await,
            Placement::Elsewhere => {
                let node = &cluster.nodes()[(task + client) % cluster.nodes().len()];
                cluster.caller_at(node.name(), binding).await
            }
        }
    }
}

impl Running {
    /// Waits until so many tasks have begun, and returns their ids.
    ///
    /// # Panics
    ///
    /// When they have not by the time that all listeners have given up.
    pub async fn begun(&mut self, tasks: usize) -> Vec<String> {
        self.tasks.wait_for(|begun| begun.len() >= tasks).await.expect("the tasks did not begin").clone()
    }

    /// The ids of the tasks that have begun by now.
    pub fn begun_by_now(&self) -> Vec<String> {
        self.tasks.borrow().clone()
    }

    /// Waits until every listener has heard all, or given up, and compares with the logs.
    ///
    /// # Panics
    ///
    /// When a listener panicked, or a log cannot be read.
    pub async fn end(mut self, cluster: &Cluster) -> Review {
        let mut review = Review::default();
        while let Some(recording) = self.listeners.join_next().await {
            review.recordings.push(recording.unwrap());
        }
        review.heard_by = Some(Instant::now());
        for task in self.tasks.borrow().clone() {
            match ChunkLog::of(&cluster.resources().log(&task).await) {
                Some(log) => review.logs.push((task, log)),
                None => review.wrong.push(format!("{task} has no log")),
            }
        }
        review.judge(self.workload, cluster.plan().resume);
        review
    }
}

impl Review {
    /// Tells whether nothing was wrong.
    pub fn is_right(&self) -> bool {
        self.wrong.is_empty() && self.count.is_right()
    }

    fn judge(&mut self, workload: Workload, resume: bool) {
        if self.logs.len() != workload.tasks {
            self.wrong.push(format!("{} tasks of {}", self.logs.len(), workload.tasks));
        }
        let whole: Vec<u32> = (1..=workload.chunks).collect();
        for (task, log) in &self.logs {
            self.events += log.events();
            let state = log.state();
            if !state.is_terminal() {
                self.wrong.push(format!("{task} is left {state:?}"));
            }
            let is_prefix = whole.starts_with(log.chunks());
            if !is_prefix || (*state == TaskState::Completed && log.chunks() != whole) {
                self.wrong.push(format!("{task} is {state:?} with the chunks {:?}", log.chunks()));
            }
            if resume && *state != TaskState::Completed {
                self.wrong.push(format!("{task} is {state:?}, although it can be resumed"));
            }
        }
        for recording in &self.recordings {
            self.streams += 1;
            self.reconnects += recording.hops.len().saturating_sub(1);
            if let Some(why) = &recording.gave_up {
                self.wrong.push(format!("{}: {why}, after {:?}", recording.task, recording.troubles));
            }
            if let Some((_, log)) = self.logs.iter().find(|(task, _)| *task == recording.task) {
                let count = log.audit(recording);
                if !count.is_right() {
                    self.wrong.push(format!("{}: {count:?}, {}", recording.task, recording.outline()));
                }
                self.count += count;
            }
        }
    }
}
