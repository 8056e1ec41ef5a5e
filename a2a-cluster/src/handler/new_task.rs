//! A message that begins a task: it meets the task that it made before, or an agent starts.

use std::collections::HashMap;
use std::sync::Arc;

use a2a::{
    A2AError, Message, SendMessageConfiguration, SendMessageRequest, StreamResponse, Task, TaskState,
    TaskStatus,
};
use a2a_core::{Claim, ClaimChange, Commit, CommitId, Outcome, TaskKey, Tip, Version, reduce};
use a2a_server::ServiceParams;
use serde_json::Value;
use tokio::time::Instant;

use super::idempotency::{Identity, Made};
use super::push;
use super::send::context;
use super::turn::{Answer, Turn, meet};
use crate::caller::Caller;
use crate::feed::{Attached, Start};
use crate::instance::Instance;
use crate::run::{self, AnswerAt, Assignment, Voice};
use crate::telemetry::trace;

/// Begins a task, or joins the one that the same request made before.
pub(super) async fn begin(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    caller: Caller,
    req: SendMessageRequest,
    answer_at: AnswerAt,
) -> Result<Turn, A2AError> {
    let identity = Identity::of(instance, &caller, params, &req.message)?;
    if !identity.has_key() {
        return start(instance, params, caller, req, identity, answer_at).await;
    }
    let (instance, params) = (Arc::clone(instance), params.clone());
    let tracker = instance.tracker.clone();
    let stopped = instance.stop_reason();
    let begun = async move { start(&instance, &params, caller, req, identity, answer_at).await };
    // The task is claimed before its agent starts: a client that leaves in between must not leave a task behind that
    // nobody works on.
    tracker.spawn(trace::carried(begun)).await.map_err(|_| stopped)?
}

/// What is left of a request whose agent has started, to begin it once more.
pub(super) struct Anew {
    configuration: Option<SendMessageConfiguration>,
    metadata: Option<HashMap<String, Value>>,
    tenant: Option<String>,
}

impl Anew {
    /// Begins under a random id: the one that follows from the message belonged to a task that is gone, and its mark
    /// is still there.
    pub(super) async fn begin(
        self,
        instance: &Arc<Instance>,
        params: &ServiceParams,
        caller: Caller,
        uncreated: Task,
        answer_at: AnswerAt,
    ) -> Result<Turn, A2AError> {
        let Anew { configuration, metadata, tenant } = self;
        let message = uncreated.history.into_iter().flatten().next();
        let message = message.ok_or_else(|| A2AError::internal("internal error"))?;
        let message = Message { task_id: None, context_id: Some(uncreated.context_id), ..message };
        let req = SendMessageRequest { message, configuration, metadata, tenant };
        Box::pin(start(instance, params, caller, req, Identity::random(), answer_at)).await
    }
}

async fn start(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    caller: Caller,
    mut req: SendMessageRequest,
    mut identity: Identity,
    answer_at: AnswerAt,
) -> Result<Turn, A2AError> {
    let creates_first = identity.has_key();
    loop {
        let key = caller.key(&identity.id(Made::Task, &*instance.env));
        if identity.is_known()
            && let Some(turn) = met_before(instance, &caller, &key, &identity, &req).await?
        {
            return Ok(turn);
        }
        let configuration = req.configuration.as_ref();
        let webhooks =
            push::save_with_send(instance, &key, &identity, configuration, Version::ABSENT).await?;
        // From here to the agent's start nothing waits, so that of equal requests one starts it here.
        if identity.is_known() && instance.runs.get(&key).is_some() {
            continue;
        }
        let SendMessageRequest { message, configuration, metadata, tenant } = req;
        let (task, message) = task(instance, &identity, &key, message);
        // Attached before the agent starts, so that the feed holds the task from its first commit on.
        let feed = instance.feeds.attach(&key);
        let (mut tip, mut claim) = (Tip::ABSENT, None);
        if creates_first {
            match create(instance, &caller, &key, &task, &feed).await? {
                Some(created) => (tip, claim) = created,
                None => {
                    drop(feed);
                    if !exists(instance, &key).await? {
                        // What is in the way is the mark of a task that is gone.
                        identity = Identity::random();
                    }
                    req = SendMessageRequest { message, configuration, metadata, tenant };
                    continue;
                }
            }
        }
        let anew = identity
            .is_known()
            .then(|| Box::new(Anew { configuration, metadata: metadata.clone(), tenant: tenant.clone() }));
        let context = context(params, &key, &task, None, message, metadata, tenant);
        let assignment = Assignment {
            key: key.clone(),
            task,
            tip,
            claim,
            principal: caller.principal.clone(),
            watchers: Vec::new(),
            answer_at,
            cancelling: false,
            webhooks,
        };
        let answer = run::start(instance, assignment, |instance| Voice::execute(&*instance.agent, context));
        return Ok(Turn { key, feed, start: Start::Beginning, answer: Answer::Run(answer), caller, anew });
    }
}

/// The task that a message begins, and the message as it stands in its history.
fn task(instance: &Instance, identity: &Identity, key: &TaskKey, message: Message) -> (Task, Message) {
    let given = message.context_id.clone().filter(|context| !context.is_empty());
    let mut task = Task {
        id: key.task_id.clone(),
        context_id: given.unwrap_or_else(|| identity.id(Made::Context, &*instance.env)),
        status: TaskStatus { state: TaskState::Submitted, message: None, timestamp: None },
        artifacts: None,
        history: None,
        metadata: None,
    };
    task.status.timestamp = reduce::next_timestamp(&task, &*instance.env).into();
    let message = reduce::user_message(&task, message);
    task.history = Some(vec![message.clone()]);
    (task, message)
}

/// Creates a task before its agent starts. `None` where somebody has created it already.
async fn create(
    instance: &Instance,
    caller: &Caller,
    key: &TaskKey,
    task: &Task,
    feed: &Attached,
) -> Result<Option<(Tip, Option<Claim>)>, A2AError> {
    let events = vec![StreamResponse::Task(task.clone())];
    let commit = Commit::new(Tip::ABSENT, CommitId::generate(&*instance.env), events, task)
        .claim(ClaimChange::Make { instance: instance.id, attempt: 1 })
        .created_by(caller.principal.as_ref());
    let created = instance.retry_for_request().run(|| instance.commit(key, commit.clone())).await;
    Ok(match created.map_err(|error| instance.error(error))? {
        Outcome::Applied(_) => {
            feed.publish(commit.record());
            Some((commit.tip(), commit.claim_after(None)))
        }
        Outcome::Conflict { .. } => None,
    })
}

/// Joins the task that the same request made before, if it exists, and saves the config that came with this one.
async fn met_before(
    instance: &Arc<Instance>,
    caller: &Caller,
    key: &TaskKey,
    identity: &Identity,
    req: &SendMessageRequest,
) -> Result<Option<Turn>, A2AError> {
    if !exists(instance, key).await? {
        return Ok(None);
    }
    let Some((turn, stored)) = meet(instance, caller, key).await? else { return Ok(None) };
    identity.check_same(&stored, &req.message)?;
    let configuration = req.configuration.as_ref();
    push::save_with_repeat(instance, key, identity, configuration, stored.version).await?;
    Ok(Some(turn))
}

/// Tells whether a task exists; where an agent has just started on it here, once it is decided whether there will be
/// one.
async fn exists(instance: &Arc<Instance>, key: &TaskKey) -> Result<bool, A2AError> {
    let deadline = Instant::now() + instance.config.request_patience;
    while let Some(run) = instance.runs.get(key).filter(|run| run.version() == Version::ABSENT) {
        if Instant::now() >= deadline {
            return Err(instance.cut_off_reason());
        }
        tokio::select! {
            biased;
            () = run.ended() => {}
            () = tokio::time::sleep(instance.config.creation_delay) => {}
        }
    }
    let head = instance.retry_for_request().run(|| instance.tasks.head(key)).await;
    Ok(head.map_err(|error| instance.error(error))?.is_some())
}
