//! One more try of what was given up: for an operator, who need not be an instance.

use a2a_core::{
    BackendError, DeliveryId, Env, GivenUpDelivery, PushConfigs, PushDelivery, PushNext, PushProgress,
    SystemEnv, TaskStore,
};

use super::form::Form;
use super::request::{Destination, body};
use super::transport::WebhookTransport;
use crate::ground::Webhooks;

/// What became of one more try.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redelivery {
    /// The webhook took the task as it is; it is no longer on the list.
    Delivered,
    /// Its config or its task is gone, and nobody wants it any more; it is no longer on the list.
    Gone,
    /// An instance delivers to it at this moment; it stays on the list until the webhook takes something.
    UnderWay,
    /// The webhook did not take it, for this reason; it stays on the list.
    Refused(String),
}

/// Tells a webhook that was given up its task as it is now, or, where that is refused, its status, or its state alone. Tries each once.
///
/// # Errors
///
/// Those of the store.
pub async fn redeliver<S: TaskStore + PushConfigs + ?Sized>(
    store: &S,
    transport: &dyn WebhookTransport,
    policy: &Webhooks,
    given_up: &GivenUpDelivery,
) -> Result<Redelivery, BackendError> {
    let (key, id) = (&given_up.task, &*given_up.config_id);
    let gone = async || {
        store.forget_given_up(key, id).await?;
        Ok(Redelivery::Gone)
    };
    let Some(subscription) = store.get_config(key, id).await? else { return gone().await };
    let Some(destination) = Destination::of(&subscription.config) else {
        return Ok(Redelivery::Refused("its config cannot be sent".to_owned()));
    };
    let delivery = PushDelivery {
        id: DeliveryId::generate(&SystemEnv),
        config_id: id.to_owned(),
        revision: subscription.revision,
    };
    let Some(progress) = store.begin_delivery(key, &delivery).await? else { return gone().await };
    let Some(stored) = store.load(key).await? else { return gone().await };
    if progress.acknowledged < stored.version {
        // What is told is on record before: an instance that delivers to it begins again by that.
        let next = PushProgress { next: PushNext::Task(stored.version), ..progress }.max(progress);
        if !store.acknowledge(key, &delivery, next).await? {
            return Ok(Redelivery::UnderWay);
        }
    }
    let mut refused = String::new();
    for form in [Form::Task, Form::Status, Form::State] {
        let told = form.of(&stored);
        let Some(body) = body(&told.event) else { continue };
        let call = destination.call(&told.id(key), body, SystemEnv.now(), &policy.sign_with);
        match call.post(transport, policy.timeout).await {
            Ok(()) => {
                store.acknowledge(key, &delivery, PushProgress::to(stored.version)).await?;
                store.forget_given_up(key, id).await?;
                return Ok(Redelivery::Delivered);
            }
            Err(failure) => refused = failure.reason(),
        }
    }
    Ok(Redelivery::Refused(refused))
}
