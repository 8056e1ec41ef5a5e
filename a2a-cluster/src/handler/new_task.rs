//! A message that begins a task: it meets the task that it made before, or an agent starts.

use std::collections::HashMap;
use std::sync::Arc;

use a2a::{
    A2AError, Message, SendMessageConfiguration, SendMessageRequest, Task, TaskPushNotificationConfig,
    TaskState, TaskStatus,
};
use a2a_core::{CallerContext, StoredTask, TaskKey, Version, context_of, reduce};
use a2a_server::ServiceParams;
use serde_json::Value;

use super::idempotency::{Identity, Made};
use super::push;
use super::send::{Admitted, context};
use super::turn::{Answer, Turn, meet};
use crate::actor::core::{Actor, AnswerAt, FirstTurn, Input};
use crate::actor::{Deposit, Start};
use crate::caller::TenantCaller;
use crate::instance::Instance;

/// Begins a task, or joins the one that the same request made before.
pub(super) async fn begin(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    caller: TenantCaller,
    admitted: Admitted,
    req: SendMessageRequest,
    answer_at: AnswerAt,
) -> Result<Turn, A2AError> {
    let identity = Identity::of(instance, &caller, params, &req.message)?;
    start(instance, params, caller, admitted, req, identity, answer_at).await
}

/// What is left of a request that was begun, to begin it once more.
pub(super) struct Anew {
    identity: Identity,
    /// The context that the message names.
    given_context: Option<String>,
    /// It was begun once more already, under the same id.
    again: bool,
    known: CallerContext,
    configuration: Option<SendMessageConfiguration>,
    metadata: Option<HashMap<String, Value>>,
    tenant: Option<String>,
}

impl Anew {
    /// Checks that the task which was met is the one that this message makes.
    pub(super) fn check_same(&self, stored: &StoredTask, uncreated: &Task) -> Result<(), A2AError> {
        let Some(message) = uncreated.history.iter().flatten().next() else { return Ok(()) };
        let message = Message { context_id: self.given_context.clone(), ..message.clone() };
        self.identity.check_same(stored, &message)
    }

    /// Saves the webhook that came with the message, where whoever created the task for it may not have done so.
    pub(super) async fn save_webhook(&self, instance: &Arc<Instance>, key: &TaskKey) -> Result<(), A2AError> {
        if !self.identity.has_key() {
            return Ok(());
        }
        let configuration = self.configuration.as_ref();
        push::save_with_repeat(instance, key, &self.identity, configuration, Version::ABSENT).await
    }

    /// Begins once more. Where this instance only knew of a task that is gone, under the id that follows from the message.
    /// Else under a random one: the task of that id is gone, and its mark is still there.
    pub(super) async fn begin(
        self,
        instance: &Arc<Instance>,
        params: &ServiceParams,
        caller: TenantCaller,
        uncreated: Task,
        was_started: bool,
        answer_at: AnswerAt,
    ) -> Result<Turn, A2AError> {
        let Anew { identity, given_context, again, known, configuration, metadata, tenant } = self;
        let message = uncreated.history.into_iter().flatten().next();
        let message = message.ok_or_else(|| A2AError::internal("internal error"))?;
        let is_same = !was_started && !again;
        let identity = if is_same { identity } else { Identity::random() };
        let context_id = if is_same { given_context } else { Some(uncreated.context_id) };
        let message = Message { task_id: None, context_id, ..message };
        let req = SendMessageRequest { message, configuration, metadata, tenant };
        // A request that only waited for another's agent had no need of a place.
        let permit = Arc::new(instance.actors.admit(&caller)?);
        let admitted = Admitted { permit, held: None, context: known };
        let mut turn = Box::pin(start(instance, params, caller, admitted, req, identity, answer_at)).await?;
        turn.anew.iter_mut().for_each(|anew| anew.again = true);
        Ok(turn)
    }
}

async fn start(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    caller: TenantCaller,
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
    let webhook = webhook(instance, &key, &identity, req.configuration.as_ref()).await?;
    let SendMessageRequest { message, configuration, metadata, tenant } = req;
    let given_context = message.context_id.clone().filter(|context| !context.is_empty());
    let names_context = given_context.is_some();
    let (task, message) = task(instance, &key, message);
    let Admitted { permit, held, context: known } = admitted;
    let anew = identity.is_known().then(|| {
        let (metadata, tenant, known) = (metadata.clone(), tenant.clone(), known.clone());
        let again = false;
        Box::new(Anew { identity, given_context, again, known, configuration, metadata, tenant })
    });
    let deposit = Deposit {
        context: context(params, &key, &task, message, metadata, tenant),
        config: webhook.at_start,
        detached: answer_at == AnswerAt::Creation,
        permit,
        held,
    };
    let reads = answer_at == AnswerAt::Opening;
    let principal = caller.principal.clone();
    // Of equal requests that meet here one starts the agent, and the others wait for it with it.
    let answer = instance.actors.ask(&key, Some(deposit), |ticket| {
        Input::Begin(Box::new(FirstTurn {
            ticket,
            answer_at,
            task,
            names_context,
            principal,
            caller: (!known.is_empty()).then_some(known),
            always_task: identity.has_key(),
            webhooks: webhook.is_saved,
            reads,
        }))
    });
    let reader = reads.then(|| answer.reader());
    let (start, answer) = (Start::Beginning, Answer::Run(answer));
    Ok(Turn { key, reader, start, answer, caller, repeats: anew.is_some(), anew })
}

/// What becomes of the webhook that comes with a message.
struct Webhook {
    is_saved: bool,
    /// It is saved by whoever starts the agent, before that.
    at_start: Option<TaskPushNotificationConfig>,
}

/// Saves the webhook that comes with a message. Under a key, another message may own the task: then it waits until the task
/// is created for this one, so that a message that is refused leaves nothing behind.
async fn webhook(
    instance: &Arc<Instance>,
    key: &TaskKey,
    identity: &Identity,
    configuration: Option<&SendMessageConfiguration>,
) -> Result<Webhook, A2AError> {
    if identity.has_key() {
        let at_start = push::config_with_room(instance, key, identity, configuration).await?;
        return Ok(Webhook { is_saved: false, at_start });
    }
    let is_saved = push::save_with_send(instance, key, identity, configuration, Version::ABSENT).await?;
    Ok(Webhook { is_saved, at_start: None })
}

/// The task that a message begins, and the message as it stands in its history.
fn task(instance: &Instance, key: &TaskKey, message: Message) -> (Task, Message) {
    let given = message.context_id.clone().filter(|context| !context.is_empty());
    let mut task = Task {
        id: key.task_id.clone(),
        context_id: given
            .or_else(|| context_of(&key.task_id))
            .unwrap_or_else(|| instance.ground.env.uuid().to_string()),
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
    caller: &TenantCaller,
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
    // It wants all that the task brings, as if it had been saved at once.
    push::save_with_repeat(instance, key, identity, configuration, Version::ABSENT).await?;
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
