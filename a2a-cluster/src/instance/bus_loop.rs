//! What the bus brings is dispatched to those it concerns; hints go out off everybody's path.

use std::sync::Arc;

use a2a_core::{BackendError, BusMessage, Endpoint, News, Recipient};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, timeout};

use super::Instance;
use crate::actor::core::Input;
use crate::ground::telemetry::{self, trace};
use crate::ground::{Chain, Ground, Hint, give_way};
use crate::members;

/// How many batches are dispatched in a row before others get their turn.
const BATCHES: u32 = 16;

/// Receives until the endpoint is closed.
pub(super) async fn receive(instance: &Arc<Instance>, endpoint: &dyn Endpoint) {
    let mut pause = instance.ground.config.retry_min;
    let mut batches = 0_u32;
    loop {
        batches = batches.wrapping_add(1);
        if batches.is_multiple_of(BATCHES) {
            give_way().await;
        }
        match endpoint.receive().await {
            Ok(messages) => {
                pause = instance.ground.config.retry_min;
                instance.ground.health.bus.succeeded();
                instance.ground.meters.bus_connected.set(1.0);
                let received = Instant::now();
                for message in messages {
                    deliver(instance, message, received);
                }
            }
            Err(BackendError::Closed) => return,
            Err(error) => {
                instance.ground.health.bus.failed(instance.ground.config.unready_after);
                instance.ground.meters.bus_failures.increment(1);
                instance.ground.meters.bus_connected.set(0.0);
                tracing::warn!(error = %Chain(&error), "the bus cannot be read; streams ask the store meanwhile");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(instance.ground.config.retry_max);
            }
        }
    }
}

/// Sends what waits in the outbox until the instance closes: some at once, so that no slow send holds up all others.
pub(super) async fn send(instance: Arc<Instance>) {
    let sending = async {
        let mut under_way = FuturesUnordered::new();
        loop {
            while let Some(hint) = instance.ground.outbox.next(under_way.len()) {
                under_way.push(send_hint(&instance.ground, hint));
            }
            tokio::select! {
                biased;
                Some(()) = under_way.next() => {}
                () = instance.ground.outbox.more() => {}
            }
        }
    };
    let _: Option<()> = instance.ground.stop.closing.run_until_cancelled(sending).await;
}

async fn send_hint(ground: &Ground, Hint { to, message }: Hint) {
    let to = [Recipient::direct(to)];
    // One that hangs must not keep its place for ever.
    let error = match timeout(ground.config.request_patience, ground.send(&to, &message)).await {
        Ok(Ok(_)) => return,
        Ok(Err(error)) => error,
        Err(elapsed) => BackendError::Unavailable(elapsed.into()),
    };
    tracing::debug!(kind = message.news.kind(), error = %Chain(&error), "a hint could not be sent");
}

/// Dispatches a message as a part of the trace that its sender names.
fn deliver(instance: &Arc<Instance>, message: BusMessage, received: Instant) {
    instance.ground.meters.received(&message.news);
    let trace = message.trace.as_deref().and_then(trace::Trace::parse);
    let span = telemetry::delivery(&instance.ground, &message, trace);
    trace::within_now(trace, || span.in_scope(|| dispatch(instance, message, received)));
}

fn dispatch(instance: &Arc<Instance>, message: BusMessage, received: Instant) {
    let BusMessage { from, task: key, news, .. } = message;
    if instance.actors.get(&key).is_none() {
        // Nobody here knows of the task, nor needs to for these.
        match news {
            News::Commits(_) | News::Changed(_) => instance.ground.tell(from, &key, News::Unwatch),
            News::Watch { after, .. } => {
                if let Some(version) = instance.actors.ended_at(&key).filter(|version| *version > after) {
                    instance.ground.tell(from, &key, News::Changed(version));
                }
            }
            News::HandOver => members::suspect(&instance.members, &key, from),
            News::Unwatch
            | News::Cancel(..)
            | News::Cancelling(_)
            | News::CancelRefused(_)
            | News::Configs => {}
        }
        return;
    }
    if let News::HandOver = news {
        members::suspect(&instance.members, &key, from);
        return;
    }
    let received = instance.actors.time_of(received);
    instance.actors.tell(&key, Input::News { from, news, received });
}
