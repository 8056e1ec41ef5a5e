//! Buses that break their contract.

use std::time::Duration;

use a2a_core::{BackendError, BusMessage, Delivery, EventBus, InstanceId, News, Result};
use a2a_testkit::async_trait;

use super::bus_flaw::BusFlaw;
use super::verdict::rejections;
use crate::reference::{BOUND, ReferenceBus};

rejections! { bus_rejected:
    a_bus_that_delivers_to_all: ToAll =>
        event_bus::a_message_reaches_each_recipient_and_nobody_else,
        event_bus::sending_to_nobody_does_nothing;
    a_bus_that_delivers_to_the_first: ToTheFirst => event_bus::a_message_reaches_each_recipient_and_nobody_else;
    a_bus_with_at_most_ten_recipients: ToTen => event_bus::a_message_reaches_each_recipient_and_nobody_else;
    a_bus_that_drops_the_trace: DropsTrace => event_bus::messages_to_a_live_endpoint_arrive_whole;
    a_bus_that_cuts_commits: CutsCommits => event_bus::messages_to_a_live_endpoint_arrive_whole;
    a_bus_that_names_the_wrong_version: FirstVersion => event_bus::messages_to_a_live_endpoint_arrive_whole;
    a_receive_that_returns_empty: ReturnsEmpty => event_bus::receive_waits_for_a_message;
    a_receive_that_spins: Spins => event_bus::receive_waits_for_a_message;
    a_receive_that_loses_on_cancel: LosesOnCancel => event_bus::receive_is_cancel_safe;
    a_bus_that_waits_for_slow_readers: WaitsForRoom => event_bus::a_slow_reader_blocks_no_sender;
    a_bus_without_a_bound: Unbounded => event_bus::a_slow_reader_blocks_no_sender;
    a_bus_that_refuses_nobody: RefusesNobody => event_bus::sending_to_nobody_does_nothing;
    a_bus_that_insists_on_recipients: InsistsOnRecipients =>
        event_bus::a_closed_recipient_is_reported_gone_or_ignored;
    a_bus_that_gives_up_at_the_first_gone: GivesUp => event_bus::a_closed_recipient_is_reported_gone_or_ignored;
    a_bus_that_reports_the_living_gone: AllGone => event_bus::a_closed_recipient_is_reported_gone_or_ignored;
    a_close_that_leaves_receivers_waiting: LeavesWaiting => event_bus::receive_on_a_closed_endpoint_is_closed;
    a_close_that_fails_when_repeated: ClosesOnce => event_bus::close_is_idempotent;
    a_closed_bus_that_sends: SendsForEver => event_bus::close_is_idempotent;
    a_bus_that_skips_the_sender: SkipsSender => event_bus::instances_may_send_to_themselves;
}

macro_rules! broken_sends {
    ($($flaw:ident($right:ident, $to:ident, $message:ident) $body:block)*) => {
        $(
            struct $flaw;

            #[async_trait]
            impl BusFlaw for $flaw {
                async fn send(
                    &self, $right: &ReferenceBus, $to: &[InstanceId], $message: &BusMessage,
                ) -> Result<Delivery> $body
            }
        )*
    };
}

broken_sends! {
    ToAll(right, to, message) {
        let _ = to;
        right.send(&right.hub().everybody(), message).await
    }
    ToTheFirst(right, to, message) {
        right.send(to.get(..1).unwrap_or_default(), message).await
    }
    ToTen(right, to, message) {
        right.send(to.get(..10).unwrap_or(to), message).await
    }
    DropsTrace(right, to, message) {
        right.send(to, &BusMessage { trace: None, ..message.clone() }).await
    }
    CutsCommits(right, to, message) {
        let mut message = message.clone();
        if let News::Commits(commits) = &mut message.news {
            commits.truncate(1);
        }
        right.send(to, &message).await
    }
    FirstVersion(right, to, message) {
        let mut message = message.clone();
        if let News::Commits(commits) = &message.news && commits.len() == 2 {
            message.news = News::Changed(commits[0].version);
        }
        right.send(to, &message).await
    }
    WaitsForRoom(right, to, message) {
        for queue in to.iter().filter_map(|id| right.hub().queue(*id)) {
            while queue.messages.lock().unwrap().len() >= BOUND {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        right.send(to, message).await
    }
    RefusesNobody(right, to, message) {
        if to.is_empty() { Err(BackendError::rejected("no recipients")) } else { right.send(to, message).await }
    }
    InsistsOnRecipients(right, to, message) {
        let delivery = right.send(to, message).await?;
        if delivery.gone.is_empty() { Ok(delivery) } else { Err(BackendError::rejected("a recipient is gone")) }
    }
    GivesUp(right, to, message) {
        let live = to.iter().take_while(|id| right.hub().queue(**id).is_some());
        right.send(&live.copied().collect::<Vec<_>>(), message).await
    }
    AllGone(right, to, message) {
        let delivery = right.send(to, message).await?;
        let gone = if delivery.gone.is_empty() { delivery.gone } else { to.to_vec() };
        Ok(Delivery { gone })
    }
    SendsForEver(right, to, message) {
        to.iter().filter_map(|id| right.hub().queue(*id)).for_each(|queue| queue.push(message));
        Ok(Delivery::default())
    }
    SkipsSender(right, to, message) {
        let others = to.iter().filter(|id| **id != right.me());
        right.send(&others.copied().collect::<Vec<_>>(), message).await
    }
}

struct ReturnsEmpty;

#[async_trait]
impl BusFlaw for ReturnsEmpty {
    async fn receive(&self, right: &ReferenceBus) -> Result<Vec<BusMessage>> {
        tokio::time::timeout(Duration::from_millis(10), right.receive()).await.unwrap_or(Ok(Vec::new()))
    }
}

struct Spins;

#[async_trait]
impl BusFlaw for Spins {
    async fn receive(&self, right: &ReferenceBus) -> Result<Vec<BusMessage>> {
        while right.queue.messages.lock().unwrap().is_empty() {
            right.check_open()?;
            tokio::task::yield_now().await;
        }
        right.receive().await
    }
}

/// Takes the messages off the queue before it has time to hand them over.
struct LosesOnCancel;

#[async_trait]
impl BusFlaw for LosesOnCancel {
    async fn receive(&self, right: &ReferenceBus) -> Result<Vec<BusMessage>> {
        let messages = right.receive().await?;
        tokio::task::yield_now().await;
        Ok(messages)
    }
}

/// Keeps everything, beside the queue that would drop it.
struct Unbounded;

static KEPT: std::sync::Mutex<Vec<(InstanceId, BusMessage)>> = std::sync::Mutex::new(Vec::new());

#[async_trait]
impl BusFlaw for Unbounded {
    async fn send(&self, right: &ReferenceBus, to: &[InstanceId], message: &BusMessage) -> Result<Delivery> {
        KEPT.lock().unwrap().extend(to.iter().map(|id| (*id, message.clone())));
        right.send(to, message).await
    }
    async fn receive(&self, right: &ReferenceBus) -> Result<Vec<BusMessage>> {
        right.receive().await?;
        let mine = |entry: &mut (InstanceId, BusMessage)| entry.0 == right.me();
        Ok(KEPT.lock().unwrap().extract_if(.., mine).map(|(_, message)| message).collect())
    }
}

struct LeavesWaiting;

#[async_trait]
impl BusFlaw for LeavesWaiting {
    async fn receive(&self, right: &ReferenceBus) -> Result<Vec<BusMessage>> {
        right.check_open()?;
        match right.receive().await {
            Err(BackendError::Closed) => std::future::pending().await,
            received => received,
        }
    }
}

struct ClosesOnce;

#[async_trait]
impl BusFlaw for ClosesOnce {
    async fn close(&self, right: &ReferenceBus) -> Result<()> {
        right.check_open()?;
        right.close().await
    }
}
