//! The probe: a message through the topic to oneself. Only its arrival tells that the topic reaches the queue.
//!
//! An answer to `Subscribe` does not: SNS applies a filter policy within 15 minutes, an operator may delete the
//! subscription, a policy or a key may keep messages out of the queue, and nobody is told.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use a2a_core::{InstanceId, SystemEnv};
use aws_sdk_sns::types::MessageAttributeValue;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::debug;

use crate::clients::call;
use crate::error::Failure;
use crate::meter::{self, Call};
use crate::policy;
use crate::resources::Resources;

/// What the body of every probe begins with, and no other message's.
const BEGIN: &str = r#"{"probe":""#;
const END: &str = r#""}"#;

/// How long a probe may take: SNS needs some 15 to 60 ms, and a second now and then.
const WITHIN: Duration = Duration::from_secs(5);

/// A probe on its way.
#[derive(Debug)]
struct Sent {
    body: String,
    arrived: oneshot::Sender<()>,
}

/// Sends probes of one instance, one at a time, and hears of those that arrive.
#[derive(Debug, Default)]
pub(crate) struct Prober {
    sent: Mutex<Option<Sent>>,
}

impl Prober {
    /// Tells whether a message that is published now arrives in the queue.
    pub(crate) async fn reaches(&self, me: InstanceId, resources: &Resources) -> bool {
        // Nobody else can tell what it says, so nobody else can answer for the topic.
        let body = format!("{BEGIN}{}{END}", InstanceId::generate(&SystemEnv));
        let (arrived, arrival) = oneshot::channel();
        *self.sent() = Some(Sent { body: body.clone(), arrived });
        let published = publish(me, resources, &body).await;
        let reaches = match published {
            Ok(()) => matches!(timeout(WITHIN, arrival).await, Ok(Ok(()))),
            Err(failure) => {
                meter::failed(Call::Publish);
                debug!(instance = %me, error = %failure, "a probe cannot be published");
                false
            }
        };
        *self.sent() = None;
        reaches
    }

    /// Tells whether a received body is a probe, and takes note of one that was waited for.
    pub(crate) fn hears(&self, body: &str) -> bool {
        if !body.starts_with(BEGIN) {
            return false;
        }
        let mut sent = self.sent();
        if let Some(awaited) = sent.take_if(|sent| sent.body == body) {
            // Whoever waited may have given up.
            let _ = awaited.arrived.send(());
        }
        true
    }

    fn sent(&self) -> MutexGuard<'_, Option<Sent>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn publish(me: InstanceId, resources: &Resources, body: &str) -> Result<(), Failure> {
    const CALL: &str = Call::Publish.name();
    let to = MessageAttributeValue::builder().data_type("String.Array");
    let to = to.string_value(policy::recipients(&[me])).build();
    let to = to.map_err(|error| Failure::refused(CALL, error.to_string()))?;
    let publish = resources.clients.sns.publish().topic_arn(resources.topic.to_string());
    let publish = publish.message(body).message_attributes(policy::TO, to);
    call(CALL, resources.config.call_within, publish.send()).await?;
    Ok(())
}
