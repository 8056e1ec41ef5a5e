//! The life of a run.

mod answer;

use std::sync::Arc;
use std::time::Duration;

use a2a::{StreamResponse, Task};
use a2a_core::{
    BackendError, Claim, ClaimChange, Commit, CommitId, CommitRecord, InstanceId, News, Outcome, Principal,
    TaskKey, Tip, Version, reduce,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::digest::{Digest, Turn, canceled, digest, failed};
use super::ear::Ear;
use super::pace::Pace;
use super::{AnswerAt, Assignment, Control, Reply, RunHandle, Voice};
use crate::config::ExecutorLost;
use crate::error::Chain;
use crate::follow;
use crate::instance::Instance;
use crate::telemetry::Counted;

/// One agent at work on one task.
pub(super) struct Run {
    instance: Arc<Instance>,
    key: TaskKey,
    handle: Arc<RunHandle>,
    commands: mpsc::Receiver<Control>,
    ear: Ear,
    pace: Pace,
    /// The task with everything applied that was digested.
    task: Task,
    tip: Tip,
    /// The claim under which the agent runs, once a commit has made it.
    claim: Option<Claim>,
    principal: Option<Principal>,
    turn: Turn,
    answer_at: AnswerAt,
    reply: Option<oneshot::Sender<Reply>>,
    /// When a silent agent's task is created.
    creation: Option<Instant>,
    /// When an agent that winds down has had its time.
    wind_down: Option<Instant>,
    cancel_refused: bool,
    /// When the store is asked whether the task is still this run's, and how long after that again.
    check: Instant,
    check_after: Duration,
    _counted: Counted,
}

/// Why a run ended.
enum End {
    /// The turn is over, and everything is committed.
    Over,
    /// Another writer has the task.
    Lost,
    /// The store cannot take more, for a reason that stays.
    Broken(BackendError),
}

impl Run {
    pub(super) fn new(
        instance: Arc<Instance>,
        assignment: Assignment,
        handle: Arc<RunHandle>,
        commands: mpsc::Receiver<Control>,
        voice: Voice,
        reply: oneshot::Sender<Reply>,
    ) -> Self {
        let now = Instant::now();
        let is_new = assignment.tip.version == Version::ABSENT;
        let turn = Turn {
            uncreated: is_new.then(|| Box::new(assignment.task.clone())),
            last_was_message: false,
            cancelling: assignment.cancelling,
            depth: instance.config.limits.depth,
        };
        let creation = is_new.then(|| now + instance.config.creation_delay);
        let wind_down = assignment.cancelling.then(|| now + instance.config.cancel_grace);
        let check_after = instance.config.silence_max;
        let pace = Pace::new(instance.commit_spacing());
        Run {
            _counted: Counted::by(&instance.meters.agents),
            instance,
            key: assignment.key,
            handle,
            commands,
            ear: Ear::new(voice),
            pace,
            task: assignment.task,
            tip: assignment.tip,
            claim: assignment.claim,
            principal: assignment.principal,
            turn,
            answer_at: assignment.answer_at,
            reply: Some(reply),
            creation,
            wind_down,
            cancel_refused: false,
            check: now + check_after,
            check_after,
        }
    }

    pub(super) async fn drive(mut self) {
        match self.work().await {
            End::Over => {}
            End::Lost => {
                tracing::info!(task = %self.key, "another writer has the task; its agent stops here");
                let uncreated = self.turn.uncreated.clone();
                self.answer(Reply::Lost(uncreated));
            }
            End::Broken(error) => {
                tracing::error!(task = %self.key, error = %Chain(&error), "a task cannot be committed");
                if self.claim.is_some() {
                    self.instance.leave_unattended(&self.key);
                }
                let refusal = self.instance.error(error);
                self.answer(Reply::Refused(refusal));
            }
        }
        let Run { instance, key, handle, ear, task, turn, .. } = self;
        // The agent's work ends before anyone can start it anew.
        drop(ear);
        instance.runs.remove(&key, &handle);
        handle.done.cancel();
        if turn.uncreated.is_none() && !task.status.state.is_terminal() {
            follow::ensure(&instance, &key, follow::Begin::Unregistered);
        }
    }

    async fn work(&mut self) -> End {
        // Where the task exists, whoever waits for it need not wait for its agent.
        self.answer_progress(false);
        loop {
            if let Some(end) = self.listen().await {
                return end;
            }
            self.ear.gather_ready();
            let step = digest(&mut self.ear.heard, &mut self.task, &mut self.turn, &*self.instance.env);
            self.ear.digested();
            match step {
                Digest::Answer(message) => {
                    self.answer(Reply::Message(message));
                    return End::Over;
                }
                Digest::Refuse(error) => {
                    self.answer(Reply::Refused(error));
                    return End::Over;
                }
                Digest::Commit { events, ended, refused } => {
                    if refused {
                        self.refuse_cancel();
                    }
                    if let Some(end) = self.conclude(events, ended).await {
                        return end;
                    }
                }
            }
        }
    }

    /// Waits until there is something to digest, and it is time to. `Some`: the run is over instead.
    async fn listen(&mut self) -> Option<End> {
        loop {
            let held = self.held();
            if held.is_none() && !self.ear.heard.is_empty() {
                return None;
            }
            let due = [self.creation, self.wind_down, Some(self.check)].into_iter().flatten().min();
            tokio::select! {
                biased;
                () = self.handle.superseded.cancelled() => return Some(End::Over),
                () = self.instance.stopping.cancelled() => {
                    // What was heard is committed before that; of an evicted instance, nothing is.
                    if self.ear.heard.is_empty() || self.instance.is_evicted() {
                        return Some(self.hand_over().await);
                    }
                }
                Some(command) = self.commands.recv() => match command {
                    Control::Cancel(asked_by) => self.heed_cancel(asked_by),
                    Control::Check => if let Some(end) = self.check().await { return Some(end) },
                },
                () = self.ear.listen() => {}
                () = at(held), if held.is_some() => {}
                () = at(due) => if let Some(end) = self.run_out_of_patience().await { return Some(end) },
            }
        }
    }

    /// Until when what was heard waits for more. Who is asked to stop, or to cancel, does not wait.
    fn held(&self) -> Option<Instant> {
        let hurries = self.turn.cancelling || self.instance.stopping.is_cancelled();
        if hurries { None } else { self.pace.holds(&self.ear) }
    }

    /// An agent has been silent for too long: before it said anything, after it was asked to cancel, or at
    /// all.
    async fn run_out_of_patience(&mut self) -> Option<End> {
        if self.wind_down.is_some_and(|at| at <= Instant::now()) {
            let event = canceled(&self.task, "the task was canceled", &*self.instance.env);
            return Some(self.finish_with(event).await);
        }
        if self.creation.is_some_and(|at| at <= Instant::now()) {
            return self.conclude(Vec::new(), false).await;
        }
        self.check_after = (self.check_after * 2).min(self.instance.config.lease * 2);
        self.check().await
    }

    /// Asks the store whether the task is still this run's. An agent that says nothing would never learn
    /// otherwise that its task was cancelled or taken over.
    async fn check(&mut self) -> Option<End> {
        self.check = Instant::now() + self.check_after;
        if self.turn.uncreated.is_some() {
            return None;
        }
        match self.instance.tasks.head(&self.key).await {
            Ok(Some(head)) => {
                let is_mine = head.claim == self.claim;
                (head.state.is_terminal() || !is_mine).then_some(End::Lost)
            }
            Ok(None) => Some(End::Lost),
            // Not knowing is no reason to stop.
            Err(_) => None,
        }
    }

    /// Commits events and draws the consequences. `None`: the turn goes on.
    async fn conclude(&mut self, events: Vec<StreamResponse>, ended: bool) -> Option<End> {
        let over = ended || self.task.status.state.is_terminal();
        let uncreated = self.turn.uncreated.is_some();
        if events.is_empty() && !uncreated {
            // Only the end is left to be told, and only to the store.
            if ended {
                self.release().await;
            }
            return over.then_some(End::Over);
        }
        let change = match (over, uncreated) {
            (true, _) => self.claim_at_the_end(),
            (false, true) => self.first_claim(),
            (false, false) => ClaimChange::Keep,
        };
        match self.commit(events, change).await {
            Ok(()) => over.then_some(End::Over),
            Err(End::Broken(error @ BackendError::TooLarge { .. })) => Some(self.fail_too_large(error).await),
            Err(end) => Some(end),
        }
    }

    /// Commits, while what the agent says meanwhile gathers for the next commit.
    async fn commit(&mut self, mut events: Vec<StreamResponse>, change: ClaimChange) -> Result<(), End> {
        let is_first = self.turn.uncreated.is_some();
        if let Some(task) = self.turn.uncreated.take() {
            events.insert(0, StreamResponse::Task(*task));
        }
        self.pace.commits();
        let instance = &self.instance;
        let id = CommitId::generate(&*instance.env);
        let commit =
            Commit::new(self.tip, id, events, &self.task).claim(change).created_by(self.principal.as_ref());
        let outcome = {
            // The last word of an agent that is stopped is tried for a little longer.
            let is_stopping = instance.stopping.is_cancelled();
            let retry =
                if is_stopping { instance.retry_for_request() } else { instance.retry_until_stopped() };
            let attempt = retry.run(|| instance.commit(&self.key, commit.clone()));
            tokio::pin!(attempt);
            loop {
                tokio::select! {
                    biased;
                    outcome = &mut attempt => break outcome,
                    () = self.ear.listen() => {}
                }
            }
        };
        if is_first && !matches!(outcome, Ok(Outcome::Applied(_))) {
            // It is still to be created.
            self.turn.uncreated = created_by(commit.record());
        }
        match outcome {
            Ok(Outcome::Applied(version)) => {
                self.handle.applied(version);
                if let Some(feed) = instance.feeds.get(&self.key) {
                    feed.publish(commit.record());
                }
                self.tip = commit.tip();
                self.claim = commit.claim_after(self.claim);
                self.check_after = instance.config.silence_max;
                self.check = Instant::now() + self.check_after;
                self.creation = None;
                self.answer_progress(true);
                Ok(())
            }
            Ok(Outcome::Conflict { .. }) => Err(End::Lost),
            Err(error) => Err(End::Broken(error)),
        }
    }

    async fn finish_with(&mut self, event: StreamResponse) -> End {
        reduce::apply(&mut self.task, &event);
        match self.commit(vec![event], self.claim_at_the_end()).await {
            Ok(()) => End::Over,
            Err(end) => end,
        }
    }

    /// What the agent said does not fit in the store: the task fails, as it was before.
    async fn fail_too_large(&mut self, error: BackendError) -> End {
        tracing::warn!(task = %self.key, error = %Chain(&error), "an agent's output is too large");
        let instance = Arc::clone(&self.instance);
        self.task = match &self.turn.uncreated {
            Some(task) => Task::clone(task),
            None => match instance.retry_until_stopped().run(|| instance.tasks.load(&self.key)).await {
                Ok(Some(stored)) if stored.version == self.tip.version => stored.task,
                Ok(_) => return End::Lost,
                Err(error) => return End::Broken(error),
            },
        };
        let event = failed(&self.task, "the agent's output is larger than can be kept", &*instance.env);
        self.finish_with(event).await
    }

    /// Ends a turn that this instance has no more time for.
    async fn hand_over(&mut self) -> End {
        if self.turn.uncreated.is_some() {
            self.answer(Reply::Refused(self.instance.stop_reason()));
            return End::Over;
        }
        if reduce::is_interrupted(&self.task.status.state) {
            self.release().await;
            return End::Over;
        }
        if self.instance.is_evicted() {
            return End::Over;
        }
        if let ExecutorLost::Resume { .. } = self.instance.config.executor_lost {
            self.instance.leave_unattended(&self.key);
            return End::Over;
        }
        let why = "the server stopped before the agent finished";
        let event = failed(&self.task, why, &*self.instance.env);
        self.finish_with(event).await
    }

    /// Once nobody works on the task, its claim ends: by its courier, where it has one.
    fn claim_at_the_end(&self) -> ClaimChange {
        if !self.instance.couriers.entrust(&self.key) {
            ClaimChange::End
        } else if self.turn.uncreated.is_some() {
            self.first_claim()
        } else {
            ClaimChange::Keep
        }
    }

    fn first_claim(&self) -> ClaimChange {
        ClaimChange::Make { instance: self.instance.id, attempt: 1 }
    }

    async fn release(&mut self) {
        let instance = &self.instance;
        if instance.couriers.entrust(&self.key) {
            return;
        }
        let Some(claim) = self.claim else { return };
        let released = instance.retry_for_request().run(|| instance.tasks.release(&self.key, &claim));
        if let Err(error) = released.await {
            tracing::warn!(task = %self.key, error = %Chain(&error), "a parked task keeps its executor");
        }
    }

    fn heed_cancel(&mut self, asked_by: InstanceId) {
        let answer = if self.cancel_refused { News::CancelRefused } else { News::Cancelling };
        self.instance.tell(asked_by, &self.key, answer);
        if !self.turn.cancelling && !self.cancel_refused {
            self.turn.cancelling = true;
            self.wind_down = Some(Instant::now() + self.instance.config.cancel_grace);
            let context = super::cancel_context(&self.key, &self.task);
            self.ear.voice.cancel(&*self.instance.agent, context);
        }
    }

    fn refuse_cancel(&mut self) {
        self.cancel_refused = true;
        self.wind_down = None;
        self.instance.answers.refuse(&self.key);
    }
}

/// Returns the task that a commit creates.
fn created_by(commit: &CommitRecord) -> Option<Box<Task>> {
    match commit.events.first() {
        Some(StreamResponse::Task(task)) => Some(Box::new(task.clone())),
        _ => None,
    }
}

/// Completes at an instant, or never.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
