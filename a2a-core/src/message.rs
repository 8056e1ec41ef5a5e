//! What instances tell each other over an event bus, and how they are reached.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{CallerContext, CommitId, CommitRecord, InstanceId, TaskKey, Version};

/// A message from one instance to others about one task.
#[derive(Debug, Clone, PartialEq)]
pub struct BusMessage {
    /// The sender.
    pub from: InstanceId,
    /// The task that it is about.
    pub task: TaskKey,
    /// What it says.
    pub news: News,
    /// The W3C `traceparent` of what caused it, so that one trace spans instances.
    pub trace: Option<String>,
}

/// What a [`BusMessage`] says. It never causes a write of task content.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// To watchers: these commits were applied, consecutive and in order.
    Commits(Vec<Arc<CommitRecord>>),
    /// To watchers: the task has at least this version; read the store.
    Changed(Version),
    /// To the executor: a stream is open here that has everything up to this version; send the rest. Told again
    /// when the way changes in which the sender is reached.
    Watch {
        /// What the sender has.
        after: Version,
        /// How the sender is reached.
        reach: Reach,
    },
    /// To the executor: no stream is open here any more.
    Unwatch,
    /// To the executor: a caller wants the task cancelled. With what the agent may know of the request, unless
    /// that is too large to send.
    Cancel(CancelKey, Option<Box<CancelRequest>>),
    /// From the executor, to the sender of `Cancel`: heard, the agent winds down.
    Cancelling(CancelKey),
    /// From the executor, to the sender of `Cancel`: the agent does not cancel this task.
    CancelRefused(CancelKey),
    /// To the executor: the push notification configs of this task changed; read them again.
    Configs,
    /// To any member: the executor leaves in good order; take the task over from it.
    HandOver,
}

/// Which cancel a message is about: what is repeated late, as a bus may, must not cancel a later turn, nor refuse
/// another caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelKey {
    /// The claim under which the agent works that is to cancel.
    pub claim: CommitId,
    /// The caller's request.
    pub request: Uuid,
}

/// What an agent may know of a request to cancel.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelRequest {
    /// The request's metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<HashMap<String, Value>>,
    /// The caller who sent it.
    #[serde(default, skip_serializing_if = "CallerContext::is_empty")]
    pub caller: CallerContext,
}

impl fmt::Debug for CancelRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CancelRequest(…)")
    }
}

/// How others reach an instance over the bus, as its member record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reach {
    /// Not at all: it has no endpoint yet.
    #[default]
    Nowhere,
    /// One by one.
    Direct,
    /// One by one, or together with others by a topic.
    Topic,
}

/// Whom a message is for, and how that instance is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipient {
    /// The instance.
    pub instance: InstanceId,
    /// How it is reached, as far as the sender knows.
    pub reach: Reach,
}

impl Recipient {
    /// A recipient of whom nothing else is known than that it has an endpoint.
    pub const fn direct(instance: InstanceId) -> Self {
        Recipient { instance, reach: Reach::Direct }
    }
}

impl News {
    /// The version that this says the task has at least, if it says so.
    pub fn version(&self) -> Option<Version> {
        match self {
            News::Commits(commits) => commits.last().map(|commit| commit.version),
            News::Changed(version) => Some(*version),
            _ => None,
        }
    }

    /// The word for this kind, on the wire and in metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            News::Commits(_) => "commits",
            News::Changed(_) => "changed",
            News::Watch { .. } => "watch",
            News::Unwatch => "unwatch",
            News::Cancel(..) => "cancel",
            News::Cancelling(_) => "cancelling",
            News::CancelRefused(_) => "cancelRefused",
            News::Configs => "configs",
            News::HandOver => "handOver",
        }
    }
}
