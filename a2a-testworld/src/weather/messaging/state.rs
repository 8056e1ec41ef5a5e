//! What is remembered of topics, subscriptions and queues.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio::time::Instant;

use super::handles::Twice;
use super::later::Later;
use super::mailbox::Mailbox;
use super::names::Names;
use crate::weather::settings::Weather;

/// What all requests to SNS and SQS share.
#[derive(Debug, Default)]
pub(in crate::weather) struct Messaging {
    state: Mutex<State>,
    /// Held while what is due is done, so that it is done once and others wait for it.
    pub(super) settling: AsyncMutex<()>,
    /// Held while filter policies are counted and one more comes.
    pub(super) counting: AsyncMutex<()>,
    /// There is something new to be done later, or sooner.
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) later: Later,
    pub(super) names: Names,
    pub(super) mailbox: Mailbox,
    pub(super) twice: Twice,
    /// Which subscriptions have a filter policy, by ARN.
    pub(super) filtered: HashMap<String, bool>,
}

impl Messaging {
    /// Takes note of another weather: what it does not have any more ends at once.
    pub(in crate::weather) fn set(&self, weather: &Weather) {
        let now = Instant::now();
        let mut state = self.state();
        if weather.sns.filter_delay.is_none() {
            state.later.hurry_filters(now);
        }
        if weather.sqs.deletion.is_none() {
            state.later.hurry_deletions(now);
        }
        if weather.sqs.delivery.is_none() {
            state.mailbox.hurry(now);
        }
        if weather.sqs.usable_after.is_none() {
            state.names.all_are_usable();
        }
        if weather.sqs.name_blocked.is_none() {
            state.names.none_is_blocked();
        }
        drop(state);
        self.changed.notify_one();
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
