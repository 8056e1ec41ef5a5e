//! Clients that do what clients do, on whichever instance they happen to reach, and remember what they saw.

use std::cell::{RefCell, RefMut};
use std::rc::Rc;
use std::time::Duration;

use a2a::{SendMessageRequest, SendMessageResponse, StreamResponse, Task, TaskState};
use a2a_cluster::{PositionedStreams, resume};
use a2a_server::{RequestHandler, ServiceParams};
use a2a_testworld::principal::PRINCIPAL;
use a2a_testworld::world::{cancel, get, list, subscribe};
use futures::future::{join, join_all};
use tokio::time::{sleep, timeout};

use crate::fleet::{Fleet, Node, Tries};
use crate::seen::{End, Seen, Until};
use crate::words::{counts, follow_up, opening};

/// One client of one caller.
pub(crate) struct Client {
    pub(crate) n: usize,
    pub(crate) fleet: Rc<Fleet>,
    /// Which caller it belongs to.
    caller: usize,
    pub(crate) params: ServiceParams,
    pub(crate) seen: RefCell<Vec<Seen>>,
}

/// A task from its first message to the last, and several things at once.
pub(crate) async fn session(n: usize, fleet: Rc<Fleet>, mut rng: fastrand::Rng) -> Vec<Seen> {
    let caller = n % fleet.terms.callers;
    let name = fleet.terms.principal(caller).map(|name| vec![name.as_str().to_owned()]);
    let params = name.into_iter().map(|name| (PRINCIPAL.to_owned(), name)).collect();
    let client = Client { n, fleet, caller, params, seen: RefCell::default() };
    client.live(&mut rng).await;
    client.seen.into_inner()
}

impl Client {
    async fn live(&self, rng: &mut fastrand::Rng) {
        sleep(Duration::from_millis(rng.u64(0..10_000))).await;
        let mut request = self.first_request(rng);
        let mut task: Option<Task> = None;
        for _ in 0..rng.usize(1..=3) {
            // Who hedges sends the same message twice at once; meanwhile others do what they like to the task.
            let copies = if rng.u8(0..4) == 0 { 2 } else { 1 };
            let tellers: Vec<_> = (0..copies).map(|_| self.tell(rng.fork(), &request)).collect();
            let asides = task.iter().flat_map(|task| {
                (0..rng.usize(0..=3)).map(|_| self.aside(rng.fork(), task)).collect::<Vec<_>>()
            });
            let asides: Vec<_> = asides.collect();
            let (told, _) = join(join_all(tellers), join_all(asides)).await;
            task = told.into_iter().flatten().next().or(task);
            let Some(known) = &task else { return };
            for _ in 0..rng.usize(0..=2) {
                self.watch(rng, known).await;
            }
            match rng.u8(0..12) {
                0 | 1 => self.cancel(rng, known).await,
                2 => self.look(rng, known).await,
                3 => self.trespass(rng).await,
                _ => {}
            }
            request = follow_up(rng, &self.fleet, known);
        }
    }

    /// A message of its own; now and then one that somebody has sent before, of the same caller or another.
    fn first_request(&self, rng: &mut fastrand::Rng) -> SendMessageRequest {
        let mut openings = self.fleet.openings.borrow_mut();
        if !openings.is_empty() && rng.u8(0..8) == 0 {
            return openings[rng.usize(0..openings.len())].clone();
        }
        let request = opening(rng, &self.fleet);
        openings.push(request.clone());
        request
    }

    /// Sends a message in one of the two ways.
    async fn tell(&self, mut rng: fastrand::Rng, request: &SendMessageRequest) -> Option<Task> {
        if rng.bool() { self.stream(&mut rng, request).await } else { self.send(&mut rng, request).await }
    }

    /// What else is done to a task while its client sends something.
    async fn aside(&self, mut rng: fastrand::Rng, task: &Task) {
        sleep(Duration::from_millis(rng.u64(0..2_000))).await;
        match rng.u8(0..10) {
            0 => self.cancel(&mut rng, task).await,
            1 | 2 => {
                let request = follow_up(&mut rng, &self.fleet, task);
                let own = rng.fork();
                self.tell(own, &request).await;
            }
            3 => self.look(&mut rng, task).await,
            4 => self.trespass(&mut rng).await,
            _ => self.watch(&mut rng, task).await,
        }
    }

    /// Sends until an instance answers; always the same message.
    async fn send(&self, rng: &mut fastrand::Rng, request: &SendMessageRequest) -> Option<Task> {
        let about = request.message.task_id.as_deref();
        let at_once =
            request.configuration.as_ref().and_then(|configuration| configuration.return_immediately);
        for _ in 0..8 {
            self.note(format_args!("sends {:?}", request.message.text()));
            let copy = self.copy(request);
            let call = async |node: &Node| node.handler.send_message(&self.params, copy.clone()).await;
            match self.ask(rng, call).await {
                Some(Ok(SendMessageResponse::Task(task))) => {
                    self.note(format_args!("has {:?}", task.status.state));
                    let until = if at_once == Some(true) { Until::Now } else { Until::TurnEnds };
                    self.saw(&task, until);
                    return Some(task);
                }
                Some(Ok(SendMessageResponse::Message(_))) => return None,
                Some(Err(error)) if self.judges(&error, about) => {
                    self.note(format_args!("is refused: {}", error.code));
                    return None;
                }
                Some(Err(_)) => self.tries(request).refused += 1,
                None => {}
            }
            if self.gives_up(rng) {
                return None;
            }
            sleep(Duration::from_millis(rng.u64(50..3_000))).await;
        }
        None
    }

    /// Sends and reads the stream; sends again where it broke before its first event.
    async fn stream(&self, rng: &mut fastrand::Rng, request: &SendMessageRequest) -> Option<Task> {
        let about = request.message.task_id.as_deref();
        for _ in 0..8 {
            let Some(node) = self.fleet.node(rng.usize(0..self.fleet.size())) else {
                sleep(Duration::from_millis(500)).await;
                continue;
            };
            self.note(format_args!("streams from n{}: {:?}", node.name, request.message.text()));
            let opens = node.handler.send_positioned(&self.params, self.copy(request));
            let opened = tokio::select! {
                biased;
                () = node.gone.cancelled() => continue,
                opened = timeout(patience(rng), opens) => opened,
            };
            match opened {
                Ok(Ok(events)) => {
                    let mut seen = Seen::new(self.n, Until::TurnEnds);
                    self.read(rng, &node, events, about, &mut seen).await;
                    match seen.events.first().cloned() {
                        Some(StreamResponse::Message(_)) => return None,
                        Some(StreamResponse::Task(task)) => {
                            self.seen.borrow_mut().push(seen);
                            return Some(task);
                        }
                        _ => self.seen.borrow_mut().push(seen),
                    }
                }
                Ok(Err(error)) if self.judges(&error, about) => return None,
                Ok(Err(_)) => self.tries(request).refused += 1,
                Err(_) => {}
            }
            if self.gives_up(rng) {
                return None;
            }
            sleep(Duration::from_millis(rng.u64(50..3_000))).await;
        }
        None
    }

    /// Subscribes at some moment of a task's life; where the stream breaks, some go on from where it did, elsewhere.
    async fn watch(&self, rng: &mut fastrand::Rng, task: &Task) {
        sleep(Duration::from_millis(rng.u64(0..4_000))).await;
        let mut params = self.params.clone();
        let resumes = rng.u8(0..3) == 0;
        if resumes {
            params.insert(a2a::SVC_PARAM_EXTENSIONS.to_owned(), vec![resume::URI.to_owned()]);
        }
        let mut seen = Seen::new(self.n, Until::TaskEnds);
        for _ in 0..4 {
            let Some(node) = self.fleet.node(rng.usize(0..self.fleet.size())) else { break };
            let request = subscribe(&task.id);
            let opened = tokio::select! {
                biased;
                () = node.gone.cancelled() => break,
                opened = timeout(Duration::from_secs(30), node.handler.subscribe_positioned(&params, request)) => opened,
            };
            let is_broken = match opened {
                Ok(Ok(events)) => self.read(rng, &node, events, Some(&task.id), &mut seen).await,
                Ok(Err(error)) => !self.judges(&error, Some(&task.id)),
                Err(_) => true,
            };
            let Some(cursor) = seen.cursor.clone().filter(|_| resumes && is_broken) else { break };
            params.insert(resume::CURSOR_PARAM.to_owned(), vec![cursor]);
        }
        self.seen.borrow_mut().push(seen);
    }

    async fn cancel(&self, rng: &mut fastrand::Rng, task: &Task) {
        let call = async |node: &Node| node.handler.cancel_task(&self.params, cancel(&task.id)).await;
        let Some(answer) = self.ask(rng, call).await else { return };
        match &answer {
            Ok(task) => {
                assert_eq!(task.status.state, TaskState::Canceled, "whoever cancels is told the truth");
                self.saw(task, Until::TaskEnds);
            }
            Err(error) => {
                self.judges(error, Some(&task.id));
            }
        }
        let answer = answer.map(|task| task.status.state).map_err(|error| error.code);
        self.note(format_args!("cancels: {answer:?}"));
    }

    /// Reads a task, and lists all of its caller's.
    async fn look(&self, rng: &mut fastrand::Rng, task: &Task) {
        let call = async |node: &Node| node.handler.get_task(&self.params, get(&task.id)).await;
        match self.ask(rng, call).await {
            Some(Ok(task)) => self.saw(&task, Until::Now),
            Some(Err(error)) => {
                self.judges(&error, Some(&task.id));
            }
            None => {}
        }
        let call = async |node: &Node| node.handler.list_tasks(&self.params, list()).await;
        if let Some(Ok(page)) = self.ask(rng, call).await {
            let own = Some(self.fleet.terms.principal(self.caller));
            let owner = |task: &Task| self.fleet.archive.owner(&task.id);
            assert!(page.tasks.iter().all(|task| owner(task) == own), "a list shows a caller's own tasks");
        }
    }

    /// Calls some instance; `None` where the connection broke or the client lost patience.
    pub(crate) async fn ask<T>(&self, rng: &mut fastrand::Rng, call: impl AsyncFn(&Node) -> T) -> Option<T> {
        let node = self.fleet.node(rng.usize(0..self.fleet.size()))?;
        self.note(format_args!("asks n{}", node.name));
        tokio::select! {
            biased;
            () = node.gone.cancelled() => None,
            answer = timeout(patience(rng), call(&node)) => answer.ok(),
        }
    }

    /// Some do not come again.
    fn gives_up(&self, rng: &mut fastrand::Rng) -> bool {
        rng.u8(0..6) == 0
    }

    /// A message as it is sent once more. What nobody knows again is another message each time, with a webhook of its own:
    /// of two at one address nobody could tell which one was called.
    fn copy(&self, request: &SendMessageRequest) -> SendMessageRequest {
        let mut tries = self.tries(request);
        tries.sent += 1;
        let mut copy = request.clone();
        let configuration = copy.configuration.as_mut().filter(|_| !counts(&request.message));
        if let Some(webhook) = configuration.and_then(|it| it.task_push_notification_config.as_mut()) {
            webhook.url = format!("{}/{}", webhook.url, tries.sent);
        }
        copy
    }

    fn tries(&self, request: &SendMessageRequest) -> RefMut<'_, Tries> {
        let id = request.message.message_id.clone();
        RefMut::map(self.fleet.tries.borrow_mut(), |tries| tries.entry(id).or_default())
    }

    /// A task that was an answer.
    fn saw(&self, task: &Task, until: Until) {
        let mut seen = Seen::new(self.n, until);
        seen.show(StreamResponse::Task(task.clone()), None, false);
        if until != Until::Now {
            seen.end = End::Complete;
        }
        self.seen.borrow_mut().push(seen);
    }

    /// Another caller's task, if there is one.
    pub(crate) fn foreign_task(&self, rng: &mut fastrand::Rng) -> Option<String> {
        let own = self.fleet.terms.principal(self.caller);
        let tasks = self.fleet.archive.tasks();
        let foreign: Vec<_> = tasks.iter().filter(|(_, owner)| *owner != own).collect();
        let (key, _) = foreign.get(rng.usize(0..foreign.len().max(1)))?;
        Some(key.task_id.clone())
    }

    pub(crate) fn note(&self, what: impl std::fmt::Display) {
        self.fleet.trace.note(format_args!("c{} {what}", self.n));
    }
}

/// How long a client waits for an answer: some break off at any moment, in the middle of anything.
fn patience(rng: &mut fastrand::Rng) -> Duration {
    match rng.u8(0..6) {
        0 => Duration::from_micros(rng.u64(0..50_000)),
        _ => Duration::from_secs(60),
    }
}
