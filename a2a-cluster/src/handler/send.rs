//! Sending a message: a new task, or a follow-up to a parked one (specification, sections 3.1.1 and 3.1.2).

use std::collections::HashMap;
use std::sync::Arc;

use a2a::{A2AError, Message, SendMessageRequest, SendMessageResponse, StreamResponse, Task};
use a2a_core::{CallerContext, StoredTask, TaskKey, reduce};
use a2a_server::{ExecutorContext, ServiceParams};
use futures::future::Either;
use futures::{Stream, StreamExt, stream};
use serde_json::Value;
use tokio::time::Instant;

use super::idempotency::Identity;
use super::turn::{Answer, Seen, Turn, given, meet, unseen};
use super::{check, new_task, push, read};
use crate::actor::core::{AnswerAt, FollowUp, Input, Reply};
use crate::actor::{Deposit, Start, Until, join, load_known, read as read_stream};
use crate::admission::{Held, Permit};
use crate::caller::{TenantCaller, protocol_params};
use crate::ground::telemetry::FirstEvent;
use crate::instance::Instance;
use crate::limits::{check_message, check_metadata};
use crate::position::PositionedEvent;
use crate::resume::Marks;

/// What a request that was admitted brings for its agent.
pub(super) struct Admitted {
    pub(super) permit: Arc<Permit>,
    pub(super) held: Option<Held>,
    /// What the agent may know of the caller.
    pub(super) context: CallerContext,
}

/// Sends a message and waits for the end of the turn, or for the task where the client asked to return
/// immediately.
pub(super) async fn blocking(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    caller: TenantCaller,
    req: SendMessageRequest,
    held: Option<Held>,
) -> Result<SendMessageResponse, A2AError> {
    let configuration = req.configuration.as_ref();
    let history_length = configuration.and_then(|configuration| configuration.history_length);
    let at_once = configuration.and_then(|configuration| configuration.return_immediately) == Some(true);
    let answer_at = if at_once { AnswerAt::Creation } else { AnswerAt::TurnEnd };
    let turn = begin(instance, params, caller, req, held, answer_at).await?;
    let Seen { key, repeats, reply, .. } = turn.answered(instance, params, answer_at).await?;
    let seen = match reply {
        Reply::Task(task) => Ok(Arc::unwrap_or_clone(task)),
        Reply::Message(message) => return Ok(SendMessageResponse::Message(*message)),
        Reply::Refused(error) => return Err(error),
        // Asked to return at once: as the task is now.
        _ if at_once => load(instance, &key).await,
        _ => follow_turn(instance, &key).await,
    };
    let mut task = seen.map_err(|error| unseen(instance, &key, repeats, error))?;
    read::trim(&mut task, history_length)?;
    Ok(SendMessageResponse::Task(task))
}

/// Sends a message and streams the turn.
pub(super) async fn streaming(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    caller: TenantCaller,
    req: SendMessageRequest,
    held: Option<Held>,
) -> Result<impl Stream<Item = Result<PositionedEvent, A2AError>> + Send + use<>, A2AError> {
    let mut first = FirstEvent::awaited(&instance.ground.meters);
    check::streaming(&instance.service.card)?;
    let configuration = req.configuration.as_ref();
    let history_length = configuration.and_then(|configuration| configuration.history_length);
    let turn = begin(instance, params, caller, req, held, AnswerAt::Opening).await?;
    let Seen { key, reader, start, reply, .. } = turn.answered(instance, params, AnswerAt::Opening).await?;
    let mut marks = Marks::wanted(params, &key);
    match reply {
        Reply::Message(message) => {
            first.is_here();
            let answer = PositionedEvent { event: StreamResponse::Message(*message), position: None };
            Ok(Either::Left(stream::iter([Ok(answer)])))
        }
        Reply::Refused(error) => Err(error),
        _ => {
            let reader = reader.unwrap_or_else(|| instance.actors.attach(&key, true));
            let awaits = instance.ground.config.streams_await_authorization;
            let until = if awaits { Until::AuthorizedTurnEnds } else { Until::TurnEnds };
            let events = read_stream(&instance.actors, reader, start, until);
            Ok(Either::Right(events.map(move |shown| {
                let mut shown = shown?;
                first.is_here();
                if let StreamResponse::Task(task) = &mut shown.event {
                    read::trim(task, history_length)?;
                }
                if let Some(marks) = &mut marks {
                    marks.mark(&mut shown);
                }
                Ok(shown)
            })))
        }
    }
}

/// Checks the request, finds or prepares the task, and starts the agent.
async fn begin(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    caller: TenantCaller,
    req: SendMessageRequest,
    held: Option<Held>,
    answer_at: AnswerAt,
) -> Result<Turn, A2AError> {
    check_message(&req.message, &instance.ground.config.limits)?;
    check_metadata(req.metadata.as_ref(), &instance.ground.config.limits)?;
    check::content_types(&instance.service.card, &req.message)?;
    if let Some(configuration) = &req.configuration {
        read::history_length(configuration.history_length)?;
        if let Some(config) = &configuration.task_push_notification_config {
            check::push_notifications(&instance.service.card)?;
            push::check_config(instance, config)?;
        }
    }
    instance.ground.check_serving()?;
    let admitted = Admitted {
        permit: Arc::new(instance.actors.admit(&caller)?),
        held,
        context: caller.context(params, &instance.ground.config.agent_headers)?,
    };
    match req.message.task_id.clone().filter(|id| !id.is_empty()) {
        Some(task_id) => {
            let key = caller.key(&task_id);
            follow_up(instance, params, caller, admitted, req, key, answer_at).await
        }
        None => new_task::begin(instance, params, caller, admitted, req, answer_at).await,
    }
}

/// Continues a parked task. Its actor claims it, at the version that was read here; where somebody was faster, the task is
/// read again, and judged anew.
async fn follow_up(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    caller: TenantCaller,
    mut admitted: Admitted,
    req: SendMessageRequest,
    key: TaskKey,
    answer_at: AnswerAt,
) -> Result<Turn, A2AError> {
    let identity = Identity::of(instance, &caller, params, &req.message)?;
    let reads = answer_at == AnswerAt::Opening;
    let began = Instant::now();
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
        let config = push::config_with_room(instance, &key, &identity, configuration).await?;
        let message = reduce::user_message(&stored.task, req.message.clone());
        let context = context(params, &key, &stored.task, message, req.metadata.clone(), req.tenant.clone());
        let detached = answer_at == AnswerAt::Creation;
        let permit = Arc::clone(&admitted.permit);
        let deposit = Deposit { context, config, detached, permit, held: admitted.held.take() };
        // Who is known must be replaced also where nothing is known of who calls now.
        let is_kept = !admitted.context.is_empty() || stored.head.caller.is_some();
        let known = is_kept.then(|| admitted.context.clone());
        let (after, before) = (stored.tip(), stored.head.claim);
        let task = Arc::new(stored.task);
        let asked = instance.actors.ask(&key, Some(deposit), |ticket| {
            Input::Continue(Box::new(FollowUp {
                ticket,
                answer_at,
                task,
                after,
                before,
                principal: stored.head.principal,
                message: req.message.clone(),
                caller: known,
                reads,
            }))
        });
        let (reply, reader) = if reads { asked.opened().await } else { (asked.reply().await, None) };
        let reply = match reply {
            // Somebody else's commit came first: look at the task again.
            Reply::Stale if began.elapsed() < instance.ground.config.request_patience => continue,
            // Others are faster all the time.
            Reply::Stale => return Err(instance.ground.too_busy()),
            reply => given(instance, &key, identity.is_known(), reply)?,
        };
        let start = match &reply {
            Reply::Open(Some((task, tip))) => Start::Snapshot(Box::new(Task::clone(task)), *tip),
            _ => Start::Beginning,
        };
        let (answer, repeats) = (Answer::Given(reply), identity.is_known());
        return Ok(Turn { key, reader, start, answer, caller, repeats, anew: None });
    }
}

/// Reads the task that a message names.
async fn load_own(
    instance: &Arc<Instance>,
    caller: &TenantCaller,
    key: &TaskKey,
    message: &Message,
) -> Result<StoredTask, A2AError> {
    let loaded = load_known(&instance.actors, key).await;
    let stored = loaded.map_err(|error| instance.ground.error(error))?;
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

/// What the agent gets to see. The stored task is filled in for follow-ups, without the new message.
pub(super) fn context(
    params: &ServiceParams,
    key: &TaskKey,
    task: &Task,
    message: Message,
    metadata: Option<HashMap<String, Value>>,
    tenant: Option<String>,
) -> ExecutorContext {
    ExecutorContext {
        message: Some(message),
        task_id: key.task_id.clone(),
        stored_task: None,
        context_id: task.context_id.clone(),
        metadata,
        user: None,
        service_params: protocol_params(params),
        tenant,
    }
}

/// Waits for the end of a turn that another instance has taken over.
async fn follow_turn(instance: &Arc<Instance>, key: &TaskKey) -> Result<Task, A2AError> {
    let absent = || A2AError::task_not_found(&key.task_id);
    let (reader, stored) = join(&instance.actors, key).await?.ok_or_else(absent)?;
    if reduce::ends_turn(&stored.task.status.state) {
        return Ok(stored.task);
    }
    let start = Start::of(stored);
    let mut events = read_stream(&instance.actors, reader, start, Until::TurnEnds).boxed();
    while let Some(event) = events.next().await {
        event.map_err(|error| {
            if instance.ground.liveness.is_cut_off() { instance.ground.unknown_end(key) } else { error }
        })?;
    }
    load(instance, key).await
}

async fn load(instance: &Arc<Instance>, key: &TaskKey) -> Result<Task, A2AError> {
    let loaded = instance.ground.retry_for_request().run(|| instance.ground.tasks.load(key)).await;
    let loaded = loaded.map_err(|error| instance.ground.error(error))?;
    Ok(loaded.ok_or_else(|| A2AError::task_not_found(&key.task_id))?.task)
}
