//! An actor on its own: what happens to it, and what it wants then.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use a2a::{Message, Part, Role, StreamResponse, Task, TaskState, TaskStatus};
use a2a_core::{
    CancelRequest, Claim, Commit, CommitId, CommitRecord, Env, Generation, InstanceId, StoredTask, TaskHead,
    Version, reduce,
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::actor::core::*;

#[derive(Debug)]
struct Ids(AtomicU64);

impl Env for Ids {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    fn uuid(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)))
    }

    fn chance(&self) -> f64 {
        0.5
    }

    fn secret(&self) -> [u8; 32] {
        [7; 32]
    }
}

pub(super) const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn instance(number: u128) -> InstanceId {
    InstanceId::from_uuid(Uuid::from_u128(number))
}

pub(super) fn settings() -> Settings {
    Settings {
        creation_delay: s(1),
        commit_spacing: Duration::ZERO,
        resync_after: s(1),
        silence_min: s(2),
        silence_max: s(8),
        cancel_repeat: s(1),
        cancel_patience: s(4),
        cancel_grace: s(5),
        request_patience: s(6),
        retry_max: s(3),
        lease: s(10),
        agent_silence: s(60),
        turn_limit: s(300),
        ring_commits: 8,
        ring_bytes: 1 << 20,
        depth: 16,
        attempts: 0,
        webhooks: false,
    }
}

/// One actor of instance 1, and its clock.
pub(super) struct Bench {
    pub(super) actor: Actor,
    pub(super) now: Time,
    env: Ids,
}

impl Bench {
    pub(super) fn new() -> Self {
        Bench::with(settings())
    }

    pub(super) fn with(settings: Settings) -> Self {
        let actor = Actor::new(instance(1), Arc::new(settings));
        Bench { actor, now: s(1_000), env: Ids(AtomicU64::new(1)) }
    }

    pub(super) fn tell(&mut self, input: Input) -> Vec<Effect> {
        let mut fx = Vec::new();
        self.actor.step(input, Moment { at: self.now, env: &self.env }, &mut fx);
        fx
    }

    /// Lets time pass, up to a deadline if one comes first.
    pub(super) fn wait(&mut self, time: Duration) -> Vec<Effect> {
        let until = self.now + time;
        let mut all = vec![];
        while let Some(due) = self.actor.deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            all.extend(self.tell(Input::Tick));
            assert!(self.actor.deadline().is_none_or(|next| next > self.now), "the deadline stays");
        }
        self.now = until;
        all
    }

    pub(super) fn begin(&mut self, ticket: u64) -> Vec<Effect> {
        let first = FirstTurn {
            ticket: Ticket(ticket),
            answer_at: AnswerAt::TurnEnd,
            task: task(TaskState::Submitted),
            names_context: false,
            principal: None,
            caller: None,
            always_task: false,
            webhooks: false,
            reads: false,
        };
        self.tell(Input::Begin(Box::new(first)))
    }

    pub(super) fn say(&mut self, agent: AgentId, outputs: Vec<AgentOutput>) -> Vec<Effect> {
        self.tell(Input::Said(agent, outputs))
    }

    /// Begins a task whose agent says this, and commits that.
    pub(super) fn run(&mut self, state: TaskState) -> (CommitCall, Vec<Effect>) {
        self.begin(1);
        let fx = self.say(1, vec![status(state)]);
        let call = commit_of(&fx).expect("a commit");
        let fx = self.applied(&call);
        (call, fx)
    }

    pub(super) fn applied(&mut self, call: &CommitCall) -> Vec<Effect> {
        self.written(call, Written::Applied)
    }

    pub(super) fn written(&mut self, call: &CommitCall, outcome: Written) -> Vec<Effect> {
        self.tell(Input::Written { record: Some(record(call)), outcome })
    }

    pub(super) fn cancel(&mut self, ticket: u64) -> Vec<Effect> {
        self.tell(Input::Cancel { ticket: Ticket(ticket), request: CancelRequest::default() })
    }

    /// A message to the task that this commit left.
    pub(super) fn follow_up(&mut self, ticket: u64, call: &CommitCall) -> Vec<Effect> {
        self.follow_up_for(ticket, AnswerAt::TurnEnd, call)
    }

    /// The same, for whoever is answered then; at its opening a stream attaches.
    pub(super) fn follow_up_for(
        &mut self,
        ticket: u64,
        answer_at: AnswerAt,
        call: &CommitCall,
    ) -> Vec<Effect> {
        let follow_up = FollowUp {
            ticket: Ticket(ticket),
            answer_at,
            task: Arc::clone(&call.task),
            after: record(call).tip(),
            before: None,
            principal: None,
            message: message("go on"),
            reads: answer_at == AnswerAt::Opening,
            caller: None,
        };
        self.tell(Input::Continue(Box::new(follow_up)))
    }
}

pub(super) fn message(text: &str) -> Message {
    let mut message = Message::new(Role::User, vec![Part::text(text)]);
    message.message_id = text.to_owned();
    message
}

pub(super) fn task(state: TaskState) -> Task {
    Task {
        id: "task".to_owned(),
        context_id: "context".to_owned(),
        status: TaskStatus { state, message: None, timestamp: None },
        artifacts: None,
        history: None,
        metadata: None,
    }
}

pub(super) fn status(state: TaskState) -> AgentOutput {
    let event = reduce::status(&task(TaskState::Submitted), state, None, &Ids(AtomicU64::new(900)));
    AgentOutput::Event(event)
}

pub(super) fn record(call: &CommitCall) -> Arc<CommitRecord> {
    Arc::clone(Commit::new(call.after, call.id, call.events.clone(), &call.task).record())
}

/// A task as the store has it.
pub(super) fn stored(state: TaskState, version: u64, claim: Option<Claim>) -> Box<StoredTask> {
    let generation = Generation::new(version);
    let head = TaskHead { state: state.clone(), principal: None, caller: None, claim, generation };
    Box::new(StoredTask { task: task(state), version: Version::new(version), generation, head })
}

pub(super) fn claim_of(instance: InstanceId, by: u128) -> Claim {
    Claim { instance, attempt: 1, by: CommitId::from_uuid(Uuid::from_u128(by)) }
}

pub(super) fn commit_of(fx: &[Effect]) -> Option<CommitCall> {
    fx.iter().find_map(|effect| match effect {
        Effect::Commit(call) => Some(CommitCall::clone(call)),
        _ => None,
    })
}

pub(super) fn states_of(call: &CommitCall) -> Vec<TaskState> {
    call.events
        .iter()
        .filter(|event| matches!(event, StreamResponse::StatusUpdate(_)))
        .filter_map(|event| reduce::state_of(event).cloned())
        .collect()
}

/// What the effects are, in a word each, without those that only wake somebody or report.
pub(super) fn words(fx: &[Effect]) -> Vec<String> {
    let word = |effect: &Effect| {
        let text = format!("{effect:?}");
        text.split(['(', ' ']).next().unwrap_or_default().to_owned()
    };
    let kept = |word: &String| !matches!(word.as_str(), "WakeAgent" | "WakeReaders" | "Report");
    fx.iter().map(word).filter(kept).collect()
}

/// The reply under a ticket, in a word.
pub(super) fn replies(fx: &[Effect], ticket: u64) -> Vec<String> {
    let reply = |effect: &Effect| match effect {
        Effect::Reply(Ticket(to), reply) if *to == ticket => {
            Some(format!("{reply:?}").split(['(', ' ']).next().unwrap_or_default().to_owned())
        }
        _ => None,
    };
    fx.iter().filter_map(reply).collect()
}
