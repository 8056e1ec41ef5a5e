//! A turn that a message began, or met: what a handler needs to see it through.

use std::sync::Arc;

use a2a::{A2AError, Task};
use a2a_core::{StoredTask, TaskKey, reduce};
use a2a_server::ServiceParams;

use super::new_task::Anew;
use crate::actor::core::{AnswerAt, Reply};
use crate::actor::{self, Reader, Start, join};
use crate::caller::TenantCaller;
use crate::ground::refusals::retry_after;
use crate::instance::Instance;

/// A turn that has begun, and what is needed to see it.
pub(super) struct Turn {
    pub(super) key: TaskKey,
    /// The stream's hold, where the request streams.
    pub(super) reader: Option<Reader>,
    pub(super) start: Start,
    pub(super) answer: Answer,
    pub(super) caller: TenantCaller,
    /// Whoever sends the same again meets this turn.
    pub(super) repeats: bool,
    /// What is needed to begin once more, where the message may meet the mark of a task that is gone.
    pub(super) anew: Option<Box<Anew>>,
}

/// Where the answer to a send comes from.
pub(super) enum Answer {
    /// From the run that it started.
    Run(actor::Answer),
    /// It is there already.
    Given(Reply),
    /// From the task that it met, as that is now.
    Met(Box<Task>),
}

impl Answer {
    async fn reply(
        self,
        instance: &Instance,
        key: &TaskKey,
        repeats: bool,
        answer_at: AnswerAt,
    ) -> Result<Reply, A2AError> {
        match self {
            Answer::Run(answer) => given(instance, key, repeats, answer.reply().await),
            Answer::Given(reply) => Ok(reply),
            Answer::Met(task) => Ok(match answer_at {
                AnswerAt::TurnEnd if !reduce::ends_turn(&task.status.state) => Reply::Open(None),
                AnswerAt::TurnEnd | AnswerAt::Creation => Reply::Task(task.into()),
                AnswerAt::Opening => Reply::Open(None),
            }),
        }
    }
}

/// What an actor replied, where that is no reason to give up.
pub(super) fn given(
    instance: &Instance,
    key: &TaskKey,
    repeats: bool,
    reply: Reply,
) -> Result<Reply, A2AError> {
    match reply {
        Reply::Stopped => Err(instance.ground.stop.reason()),
        Reply::Busy => Err(instance.ground.too_busy()),
        Reply::Unknown if repeats && instance.ground.stop.stopping.is_cancelled() => {
            Err(instance.ground.stop.reason())
        }
        Reply::Unknown => Err(instance.ground.unknown_end(key)),
        reply => Ok(reply),
    }
}

/// What a caller is told whose message was taken, and whose turn cannot be seen any more. Only whoever meets the turn
/// by sending the same again may be told to try again.
pub(super) fn unseen(instance: &Instance, key: &TaskKey, repeats: bool, error: A2AError) -> A2AError {
    if repeats || retry_after(&error).is_none() { error } else { instance.ground.unknown_end(key) }
}

/// A turn, as far as it can be seen.
pub(super) struct Seen {
    pub(super) key: TaskKey,
    /// Whoever sends the same again meets this turn.
    pub(super) repeats: bool,
    /// The stream's hold, where the request streams.
    pub(super) reader: Option<Reader>,
    pub(super) start: Start,
    pub(super) reply: Reply,
}

impl Turn {
    /// Waits for the answer. Where another writer was faster, its turn is met instead; where that is gone without a
    /// trace, the message begins once more.
    pub(super) async fn answered(
        mut self,
        instance: &Arc<Instance>,
        params: &ServiceParams,
        answer_at: AnswerAt,
    ) -> Result<Seen, A2AError> {
        loop {
            let Turn { key, reader, start, answer, caller, repeats, anew } = self;
            let (uncreated, was_started) = match answer.reply(instance, &key, repeats, answer_at).await? {
                Reply::Lost(uncreated) => (uncreated, true),
                Reply::Met(uncreated) => (Some(uncreated), false),
                reply => return Ok(Seen { key, repeats, reader, start, reply }),
            };
            // What this request attached to is filled by nobody.
            drop(reader);
            let met = meet(instance, &caller, &key).await;
            if let Some((turn, stored)) = met.map_err(|error| unseen(instance, &key, repeats, error))? {
                if let (Some(anew), Some(uncreated)) = (&anew, &uncreated) {
                    anew.check_same(&stored, uncreated)?;
                    anew.save_webhook(instance, &key).await?;
                }
                self = Turn { repeats, ..turn };
                continue;
            }
            let (Some(task), Some(anew)) = (uncreated, anew) else {
                return Err(A2AError::task_not_found(&key.task_id));
            };
            self = anew.begin(instance, params, caller, *task, was_started, answer_at).await?;
        }
    }
}

/// Joins the turn of a task of the caller's that exists. `None` where there is none.
pub(super) async fn meet(
    instance: &Arc<Instance>,
    caller: &TenantCaller,
    key: &TaskKey,
) -> Result<Option<(Turn, StoredTask)>, A2AError> {
    let joined = join(&instance.actors, key).await?;
    let Some((reader, stored)) = joined.filter(|(_, stored)| stored.head.principal == caller.principal)
    else {
        return Ok(None);
    };
    let turn = Turn {
        key: key.clone(),
        reader: Some(reader),
        start: Start::Snapshot(Box::new(stored.task.clone()), stored.tip()),
        answer: Answer::Met(Box::new(stored.task.clone())),
        caller: caller.clone(),
        repeats: true,
        anew: None,
    };
    Ok(Some((turn, stored)))
}
