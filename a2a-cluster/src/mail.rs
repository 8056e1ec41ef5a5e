//! The instance's post: what the bus brings is handed to those it concerns; hints go out off everybody's path.

use std::sync::Arc;

use a2a_core::{BackendError, BusMessage, News};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::cancel::{self, Answer};
use crate::error::Chain;
use crate::instance::{Instance, Letter};
use crate::run::Control;
use crate::telemetry::{self, trace};
use crate::webhook;

/// Receives until the instance closes.
pub(crate) async fn receive(instance: Arc<Instance>) {
    let mut pause = instance.config.retry_min;
    loop {
        let received = tokio::select! {
            biased;
            () = instance.closing.cancelled() => return,
            received = instance.bus.receive() => received,
        };
        match received {
            Ok(messages) => {
                pause = instance.config.retry_min;
                instance.health.bus.succeeded();
                let received = Instant::now();
                for message in messages {
                    deliver(&instance, message, received);
                }
            }
            Err(BackendError::Closed) => return,
            Err(error) => {
                instance.health.bus.failed(instance.config.unready_after);
                tracing::warn!(error = %Chain(&error), "the bus cannot be read; streams ask the store meanwhile");
                tokio::select! {
                    biased;
                    () = instance.closing.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
                pause = (pause * 2).min(instance.config.retry_max);
            }
        }
    }
}

/// Sends what waits in the outbox until the instance closes.
pub(crate) async fn send(instance: Arc<Instance>, mut outbox: mpsc::Receiver<Letter>) {
    loop {
        let letter = tokio::select! {
            biased;
            () = instance.closing.cancelled() => return,
            letter = outbox.recv() => letter,
        };
        let Some(Letter { to, message }) = letter else { return };
        match instance.bus.send(&[to], &message).await {
            Ok(_) => instance.meters.sent(&message.news),
            Err(error) => {
                tracing::debug!(kind = message.news.kind(), error = %Chain(&error), "a hint could not be sent");
            }
        }
    }
}

/// Hands a message over as a part of the trace that its sender names.
fn deliver(instance: &Arc<Instance>, message: BusMessage, received: Instant) {
    instance.meters.received(&message.news);
    let trace = message.trace.as_deref().and_then(trace::Trace::parse);
    let span = telemetry::delivery(instance, &message, trace);
    trace::within_now(trace, || span.in_scope(|| hand_over(instance, message, received)));
}

fn hand_over(instance: &Arc<Instance>, message: BusMessage, received: Instant) {
    let BusMessage { from, task: key, news, .. } = message;
    if let Some(version) = news.version()
        && let Some(run) = instance.runs.get(&key).filter(|run| run.version() < version)
    {
        run.tell(Control::Check);
    }
    match news {
        News::Commits(commits) => match instance.feeds.get(&key) {
            Some(feed) => commits.iter().for_each(|commit| feed.offer(commit, received)),
            None => instance.tell(from, &key, News::Unwatch),
        },
        News::Changed(version) => match instance.feeds.get(&key) {
            Some(feed) => feed.hear_of(version),
            None => instance.tell(from, &key, News::Unwatch),
        },
        News::Watch(after) => {
            if let Some(run) = instance.runs.get(&key) {
                run.watch(instance, &key, from, after);
            } else if let Some(version) = instance.runs.ended_at(&key).filter(|version| *version > after) {
                instance.tell(from, &key, News::Changed(version));
            }
        }
        News::Unwatch => {
            if let Some(run) = instance.runs.get(&key) {
                run.unwatch(from);
            }
        }
        News::Cancel => {
            if let Some(run) = instance.runs.get(&key) {
                run.tell(Control::Cancel(from));
            } else if instance.couriers.attends_to(&key) {
                // Recorded for the sake of webhooks only; its agent is to hear of the cancel.
                instance.tracker.spawn(trace::carried(cancel::for_another(Arc::clone(instance), key)));
            }
        }
        News::Cancelling => instance.answers.record(&key, Answer::Heard),
        News::CancelRefused => instance.answers.record(&key, Answer::Refused),
        News::Configs => webhook::heard_of_change(instance, &key),
    }
}
