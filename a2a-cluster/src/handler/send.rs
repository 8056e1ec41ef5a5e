//! Sending a message: a new task, or a follow-up to a parked one (specification, sections 3.1.1 and 3.1.2).

use std::collections::HashMap;
use std::sync::Arc;

use a2a::{A2AError, Message, SendMessageRequest, SendMessageResponse, StreamResponse, Task, TaskState};
use a2a_core::{ClaimChange, Commit, CommitId, Outcome, StoredTask, TaskKey, reduce};
use a2a_server::{ExecutorContext, ServiceParams};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use serde_json::Value;

use super::idempotency::Identity;
use super::turn::{Answer, Seen, Turn, meet};
use super::{check, new_task, push, read};
use crate::announce;
use crate::caller::Caller;
use crate::feed::{self, Start, Until};
use crate::instance::Instance;
use crate::limits::{check_message, check_metadata};
use crate::resume::Marks;
use crate::run::{self, AnswerAt, Assignment, Reply, Voice};
use crate::subscribe;
use crate::telemetry::trace;
use crate::webhook;

type Events = BoxStream<'static, Result<StreamResponse, A2AError>>;

/// Sends a message and waits for the end of the turn, or for the task where the client asked to return
/// immediately.
pub(super) async fn blocking(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    req: SendMessageRequest,
) -> Result<SendMessageResponse, A2AError> {
    let configuration = req.configuration.as_ref();
    let history_length = configuration.and_then(|configuration| configuration.history_length);
    let at_once = configuration.and_then(|configuration| configuration.return_immediately) == Some(true);
    let answer_at = if at_once { AnswerAt::Creation } else { AnswerAt::TurnEnd };
    let turn = begin(instance, params, req, answer_at).await?;
    let Seen { key, reply, .. } = turn.answered(instance, params, answer_at).await?;
    let mut task = match reply {
        Reply::Task(task) => *task,
        Reply::Message(message) => return Ok(SendMessageResponse::Message(message)),
        Reply::Refused(error) => return Err(error),
        Reply::Open | Reply::Lost(_) => follow_turn(instance, &key).await?,
    };
    read::trim(&mut task, history_length)?;
    Ok(SendMessageResponse::Task(task))
}

/// Sends a message and streams the turn.
pub(super) async fn streaming(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    req: SendMessageRequest,
) -> Result<Events, A2AError> {
    let configuration = req.configuration.as_ref();
    let history_length = configuration.and_then(|configuration| configuration.history_length);
    let turn = begin(instance, params, req, AnswerAt::Opening).await?;
    let Seen { key, feed, start, reply } = turn.answered(instance, params, AnswerAt::Opening).await?;
    let marks = Marks::wanted(params, &key);
    match reply {
        Reply::Message(message) => Ok(stream::iter([Ok(StreamResponse::Message(message))]).boxed()),
        Reply::Refused(error) => Err(error),
        Reply::Open | Reply::Task(_) | Reply::Lost(_) => {
            let events = feed::read(instance, feed, start, Until::TurnEnds, marks);
            Ok(events.map(move |event| trimmed(event, history_length)).boxed())
        }
    }
}

/// Checks the request, finds or prepares the task, and starts the agent.
async fn begin(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    req: SendMessageRequest,
    answer_at: AnswerAt,
) -> Result<Turn, A2AError> {
    let caller = check::caller(instance, params, req.tenant.as_deref())?;
    check_message(&req.message, &instance.config.limits)?;
    check_metadata(req.metadata.as_ref(), &instance.config.limits)?;
    check::content_types(&instance.card, &req.message)?;
    if let Some(configuration) = &req.configuration {
        read::history_length(configuration.history_length)?;
        if let Some(config) = &configuration.task_push_notification_config {
            check::push_notifications(&instance.card)?;
            push::check_config(instance, config)?;
        }
    }
    instance.check_serving()?;
    match req.message.task_id.clone().filter(|id| !id.is_empty()) {
        Some(task_id) => {
            let key = caller.key(&task_id);
            let turn = follow_up(Arc::clone(instance), params.clone(), caller, req, key, answer_at);
            // Between the claim and the agent's start a client that leaves must not leave a task behind that
            // nobody works on.
            instance.tracker.spawn(trace::carried(turn)).await.map_err(|_| instance.stop_reason())?
        }
        None => new_task::begin(instance, params, caller, req, answer_at).await,
    }
}

async fn follow_up(
    instance: Arc<Instance>,
    params: ServiceParams,
    caller: Caller,
    req: SendMessageRequest,
    key: TaskKey,
    answer_at: AnswerAt,
) -> Result<Turn, A2AError> {
    let instance = &instance;
    let identity = Identity::of(instance, &caller, &params, &req.message)?;
    // Attached first, so that the feed misses nothing that comes after the task was read.
    let feed = instance.feeds.attach(&key);
    loop {
        check::own_task(instance, &caller, &key.task_id).await?;
        let stored = load_own(instance, &caller, &key, &req.message).await?;
        let configuration = req.configuration.as_ref();
        if identity.has_been_taken(&stored, &req.message) {
            push::save_with_repeat(instance, &key, &identity, configuration, stored.version).await?;
            let met = meet(instance, &caller, &key).await?;
            return Ok(met.ok_or_else(|| A2AError::task_not_found(&key.task_id))?.0);
        }
        check_parked(&stored)?;
        push::save_with_send(instance, &key, &identity, configuration, stored.version).await?;
        if let Some(run) = instance.runs.get(&key) {
            // Its agent waits for what this message brings, or has ended already.
            run.supersede().await;
        }
        let message = reduce::user_message(&stored.task, req.message.clone());
        let mut task = stored.task.clone();
        let events = vec![
            reduce::status(&task, TaskState::Working, None, &*instance.env),
            StreamResponse::Message(message.clone()),
        ];
        events.iter().for_each(|event| reduce::apply(&mut task, event));
        let _held = instance.couriers.hold(&key).await;
        let claim = Commit::new(stored.tip(), CommitId::generate(&*instance.env), events, &task)
            .claim(ClaimChange::Make { instance: instance.id, attempt: 1 });
        let claimed = instance.retry_for_request().run(|| instance.commit(&key, claim.clone())).await;
        let Outcome::Applied(_) = claimed.map_err(|error| instance.error(error))? else {
            // Somebody else's commit came first: look at the task again.
            continue;
        };
        feed.advance(stored.version, false);
        feed.publish(claim.record());
        let (tip, made) = (claim.tip(), claim.claim_after(None));
        // From here on nothing may fail: the task is ours.
        webhook::succeed(instance, &key, stored.head.claim);
        let watchers = announce::watchers_after_claim(instance, &key, stored.version).await;
        let context = context(&params, &key, &task, Some(stored.task), message, req.metadata, req.tenant);
        let start = Start::Snapshot(Box::new(task.clone()), tip.version);
        let assignment = Assignment {
            key: key.clone(),
            task,
            tip,
            claim: made,
            principal: caller.principal.clone(),
            watchers,
            answer_at,
            cancelling: false,
            webhooks: true,
        };
        let answer = run::start(instance, assignment, |instance| Voice::execute(&*instance.agent, context));
        return Ok(Turn { key, feed, start, answer: Answer::Run(answer), caller, anew: None });
    }
}

/// Reads the task that a message names.
async fn load_own(
    instance: &Arc<Instance>,
    caller: &Caller,
    key: &TaskKey,
    message: &Message,
) -> Result<StoredTask, A2AError> {
    let loaded = instance.retry_for_request().run(|| instance.tasks.load(key)).await;
    let stored = loaded.map_err(|error| instance.error(error))?;
    let stored = stored
        .filter(|stored| stored.head.principal == caller.principal)
        .ok_or_else(|| A2AError::task_not_found(&key.task_id))?;
    let task = &stored.task;
    if message.context_id.as_ref().is_some_and(|id| !id.is_empty() && *id != task.context_id) {
        return Err(A2AError::invalid_params("contextId does not match the task's context"));
    }
    Ok(stored)
}

/// Refuses a message that the task does not wait for.
fn check_parked(stored: &StoredTask) -> Result<(), A2AError> {
    let task = &stored.task;
    check::not_ended(&stored.head, &task.id)?;
    if !reduce::is_interrupted(&task.status.state) {
        return Err(A2AError::unsupported_operation(format!(
            "task {} is being worked on; it takes a message once it asks for one",
            task.id
        )));
    }
    Ok(())
}

/// What the agent gets to see. The stored task is there for follow-ups only, without the new message.
pub(super) fn context(
    params: &ServiceParams,
    key: &TaskKey,
    task: &Task,
    stored_task: Option<Task>,
    message: Message,
    metadata: Option<HashMap<String, Value>>,
    tenant: Option<String>,
) -> ExecutorContext {
    ExecutorContext {
        message: Some(message),
        task_id: key.task_id.clone(),
        stored_task,
        context_id: task.context_id.clone(),
        metadata,
        user: None,
        service_params: params.clone(),
        tenant,
    }
}

/// Waits for the end of a turn that another instance has taken over.
async fn follow_turn(instance: &Arc<Instance>, key: &TaskKey) -> Result<Task, A2AError> {
    let absent = || A2AError::task_not_found(&key.task_id);
    let (feed, stored) = subscribe::join(instance, key).await?.ok_or_else(absent)?;
    if reduce::ends_turn(&stored.task.status.state) {
        return Ok(stored.task);
    }
    let start = Start::Snapshot(Box::new(stored.task), stored.version);
    let mut events = feed::read(instance, feed, start, Until::TurnEnds, None);
    while let Some(event) = events.next().await {
        event.map_err(
            |error| if instance.liveness.is_cut_off() { instance.unknown_end(key) } else { error },
        )?;
    }
    let loaded = instance.retry_for_request().run(|| instance.tasks.load(key)).await;
    Ok(loaded.map_err(|error| instance.error(error))?.ok_or_else(absent)?.task)
}

fn trimmed(
    event: Result<StreamResponse, A2AError>,
    history_length: Option<i32>,
) -> Result<StreamResponse, A2AError> {
    let mut event = event?;
    if let StreamResponse::Task(task) = &mut event {
        read::trim(task, history_length)?;
    }
    Ok(event)
}
