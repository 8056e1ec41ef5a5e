//! A message that begins a task: it meets the task that it made before, or an agent starts.

use std::collections::HashMap;
use std::sync::Arc;

use a2a::{A2AError, Message, SendMessageConfiguration, SendMessageRequest, Task, TaskState, TaskStatus};
use a2a_core::{TaskKey, Version, reduce};
use a2a_server::ServiceParams;
use serde_json::Value;

use super::idempotency::{Identity, Made};
use super::push;
use super::send::{Admitted, context};
use super::turn::{Answer, Turn, meet};
use crate::actor::core::{Actor, AnswerAt, FirstTurn, Input};
use crate::actor::{Deposit, Start};
use crate::caller::Caller;
use crate::instance::Instance;

/// Begins a task, or joins the one that the same request made before.
pub(super) async fn begin(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    caller: Caller,
    admitted: Admitted,
    req: SendMessageRequest,
    answer_at: AnswerAt,
) -> Result<Turn, A2AError> {
    let identity = Identity::of(instance, &caller, params, &req.message)?;
    start(instance, params, caller, admitted, req, identity, answer_at).await
}

/// What is left of a request whose agent has started, to begin it once more.
pub(super) struct Anew {
    admitted: Admitted,
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
        let Anew { admitted, configuration, metadata, tenant } = self;
        let message = uncreated.history.into_iter().flatten().next();
        let message = message.ok_or_else(|| A2AError::internal("internal error"))?;
        let message = Message { task_id: None, context_id: Some(uncreated.context_id), ..message };
        let req = SendMessageRequest { message, configuration, metadata, tenant };
        let identity = Identity::random();
        Box::pin(start(instance, params, caller, admitted, req, identity, answer_at)).await
    }
}

async fn start(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    caller: Caller,
    admitted: Admitted,
    req: SendMessageRequest,
    identity: Identity,
    answer_at: AnswerAt,
) -> Result<Turn, A2AError> {
    let key = caller.key(&identity.id(Made::Task, &*instance.ground.env));
    if identity.is_known()
        && let Some(turn) = met_before(instance, &caller, &key, &identity, &req).await?
    {
        return Ok(turn);
    }
    let webhooks =
        push::save_with_send(instance, &key, &identity, req.configuration.as_ref(), Version::ABSENT).await?;
    let SendMessageRequest { message, configuration, metadata, tenant } = req;
    let (task, message) = task(instance, &identity, &key, message);
    let Admitted { permit, context: known } = admitted.clone();
    let anew = identity.is_known().then(|| {
        let (metadata, tenant) = (metadata.clone(), tenant.clone());
        Box::new(Anew { admitted, configuration, metadata, tenant })
    });
    let deposit = Deposit {
        context: context(params, &key, &task, message, metadata, tenant),
        config: None,
        detached: answer_at == AnswerAt::Creation,
        permit,
    };
    let reads = answer_at == AnswerAt::Opening;
    let principal = caller.principal.clone();
    // Of equal requests that meet here one starts the agent, and the others wait for it with it.
    let answer = instance.actors.ask(&key, Some(deposit), |ticket| {
        Input::Begin(Box::new(FirstTurn {
            ticket,
            answer_at,
            task,
            principal,
            caller: (!known.is_empty()).then_some(known),
            always_task: identity.has_key(),
            webhooks,
            reads,
        }))
    });
    let reader = reads.then(|| answer.reader());
    Ok(Turn { key, reader, start: Start::Beginning, answer: Answer::Run(answer), caller, anew })
}

/// The task that a message begins, and the message as it stands in its history.
fn task(instance: &Instance, identity: &Identity, key: &TaskKey, message: Message) -> (Task, Message) {
    let given = message.context_id.clone().filter(|context| !context.is_empty());
    let mut task = Task {
        id: key.task_id.clone(),
        context_id: given.unwrap_or_else(|| identity.id(Made::Context, &*instance.ground.env)),
        status: TaskStatus { state: TaskState::Submitted, message: None, timestamp: None },
        artifacts: None,
        history: None,
        metadata: None,
    };
    task.status.timestamp = reduce::next_timestamp(&task, &*instance.ground.env).into();
    let message = reduce::user_message(&task, message);
    task.history = Some(vec![message.clone()]);
    (task, message)
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

/// Tells whether a task exists. One that is about to be created here is met where it is begun.
async fn exists(instance: &Arc<Instance>, key: &TaskKey) -> Result<bool, A2AError> {
    if instance.actors.get(key).and_then(|handle| handle.look(Actor::is_creating)) == Some(true) {
        return Ok(false);
    }
    let head = instance.ground.retry_for_request().run(|| instance.ground.tasks.head(key)).await;
    Ok(head.map_err(|error| instance.ground.error(error))?.is_some())
}
