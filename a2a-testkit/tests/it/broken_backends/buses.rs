//! Buses that break their contract.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use a2a_core::{
    BackendError, BusMessage, Delivery, Endpoint, EventBus, InstanceId, News, Reach, Recipient, Result,
};
use a2a_testkit::async_trait;

use super::bus_flaw::BusFlaw;
use super::verdict::rejections;
use crate::reference::{BOUND, ReferenceBus, ReferenceEndpoint};

rejections! { bus_rejected:
    a_connect_that_works_once: ConnectsOnce => event_bus::connecting_again_gives_an_endpoint;
    a_connect_whose_second_endpoint_is_deaf: SecondIsDeaf => event_bus::connecting_again_gives_an_endpoint;
    a_release_that_does_nothing_on_the_bus: LeavesAll => event_bus::release_removes_what_an_instance_left;
    a_release_that_leaves_the_endpoint_open: Undead => event_bus::release_removes_what_an_instance_left;
    a_release_that_takes_others_along: ReleasesAll =>
        event_bus::release_removes_what_an_instance_left,
        event_bus::release_is_idempotent;
    a_release_that_insists: InsistsOnEndpoints => event_bus::release_is_idempotent;
    a_topic_that_reaches_nobody: TopicIsDeaf => endpoint::a_message_reaches_each_recipient_and_nobody_else;
    a_topic_that_reaches_everybody: TopicIsPublic => endpoint::a_message_reaches_each_recipient_and_nobody_else;
    a_send_to_nowhere_that_arrives: IgnoresReach => endpoint::a_message_reaches_each_recipient_and_nobody_else;
    a_bus_that_drops_the_request: DropsRequest => endpoint::messages_to_a_live_endpoint_arrive_whole;
    a_bus_that_drops_the_reach: DropsReach => endpoint::messages_to_a_live_endpoint_arrive_whole;
    a_connect_that_returns_too_early: SaysNowhere => endpoint::a_connected_endpoint_is_reached;
    a_bus_that_knows_whom_it_knew: KnowsTheEarlier::default() => endpoint::a_connected_endpoint_is_reached;
    a_bus_that_delivers_to_all: ToAll =>
        endpoint::a_message_reaches_each_recipient_and_nobody_else,
        endpoint::sending_to_nobody_does_nothing;
    a_bus_that_delivers_to_the_first: ToTheFirst => endpoint::a_message_reaches_each_recipient_and_nobody_else;
    a_bus_with_at_most_ten_recipients: ToTen => endpoint::a_message_reaches_each_recipient_and_nobody_else;
    a_bus_that_drops_the_trace: DropsTrace => endpoint::messages_to_a_live_endpoint_arrive_whole;
    a_bus_that_cuts_commits: CutsCommits => endpoint::messages_to_a_live_endpoint_arrive_whole;
    a_bus_that_names_the_wrong_version: FirstVersion => endpoint::messages_to_a_live_endpoint_arrive_whole;
    a_receive_that_returns_empty: ReturnsEmpty => endpoint::receive_waits_for_a_message;
    a_receive_that_spins: Spins => endpoint::receive_waits_for_a_message;
    a_receive_that_loses_on_cancel: LosesOnCancel => endpoint::receive_is_cancel_safe;
    a_bus_that_waits_for_slow_readers: WaitsForRoom => endpoint::a_slow_reader_blocks_no_sender;
    a_bus_without_a_bound: Unbounded => endpoint::a_slow_reader_blocks_no_sender;
    a_bus_that_refuses_nobody: RefusesNobody => endpoint::sending_to_nobody_does_nothing;
    a_bus_that_insists_on_recipients: InsistsOnRecipients =>
        endpoint::a_closed_recipient_is_reported_gone_or_ignored;
    a_bus_that_gives_up_at_the_first_gone: GivesUp => endpoint::a_closed_recipient_is_reported_gone_or_ignored;
    a_bus_that_reports_the_living_gone: AllGone => endpoint::a_closed_recipient_is_reported_gone_or_ignored;
    a_close_that_leaves_receivers_waiting: LeavesWaiting => endpoint::receive_on_a_closed_endpoint_is_closed;
    a_close_that_fails_when_repeated: ClosesOnce => endpoint::close_is_idempotent;
    a_closed_bus_that_sends: SendsForEver => endpoint::close_is_idempotent;
    a_bus_that_skips_the_sender: SkipsSender => endpoint::instances_may_send_to_themselves;
}

macro_rules! broken_sends {
    ($($flaw:ident($right:ident, $to:ident, $message:ident) $body:block)*) => {
        $(
            #[derive(Clone)]
            struct $flaw;

            #[async_trait]
            impl BusFlaw for $flaw {
                async fn send(
                    &self, $right: &ReferenceEndpoint, $to: &[Recipient], $message: &BusMessage,
                ) -> Result<Delivery> $body
            }
        )*
    };
}

broken_sends! {
    ToAll(right, to, message) {
        let _ = to;
        let everybody: Vec<_> = right.bus().everybody().into_iter().map(Recipient::direct).collect();
        right.send(&everybody, message).await
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
        for queue in to.iter().filter_map(|to| right.bus().queue(to.instance)) {
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
        let live = to.iter().take_while(|to| right.bus().queue(to.instance).is_some());
        right.send(&live.copied().collect::<Vec<_>>(), message).await
    }
    AllGone(right, to, message) {
        let delivery = right.send(to, message).await?;
        let all = to.iter().map(|to| to.instance).collect();
        let gone = if delivery.gone.is_empty() { delivery.gone } else { all };
        Ok(Delivery { gone })
    }
    SendsForEver(right, to, message) {
        to.iter().filter_map(|to| right.bus().queue(to.instance)).for_each(|queue| queue.push(message));
        Ok(Delivery::default())
    }
    SkipsSender(right, to, message) {
        let others = to.iter().filter(|to| to.instance != right.me());
        right.send(&others.copied().collect::<Vec<_>>(), message).await
    }
    TopicIsDeaf(right, to, message) {
        let others = to.iter().filter(|to| to.reach != Reach::Topic);
        right.send(&others.copied().collect::<Vec<_>>(), message).await
    }
    TopicIsPublic(right, to, message) {
        if to.iter().all(|to| to.reach != Reach::Topic) { right.send(to, message).await } else { ToAll.send(right, to, message).await }
    }
    IgnoresReach(right, to, message) {
        let all: Vec<_> = to.iter().map(|to| Recipient::direct(to.instance)).collect();
        right.send(&all, message).await
    }
    DropsRequest(right, to, message) {
        let mut message = message.clone();
        if let News::Cancel(_, request) = &mut message.news {
            *request = None;
        }
        right.send(to, &message).await
    }
    DropsReach(right, to, message) {
        let mut message = message.clone();
        if let News::Watch { reach, .. } = &mut message.news {
            *reach = Reach::Nowhere;
        }
        right.send(to, &message).await
    }
}

#[derive(Clone)]
struct ConnectsOnce;

#[async_trait]
impl BusFlaw for ConnectsOnce {
    async fn connect(&self, right: &ReferenceBus, me: &InstanceId) -> Result<ReferenceEndpoint> {
        match right.queue(*me) {
            None => Ok(right.endpoint(*me)),
            Some(_) => Err(BackendError::rejected("the instance has an endpoint")),
        }
    }
}

/// Makes an endpoint of a name of which messages go to another one.
#[derive(Clone)]
struct SecondIsDeaf;

#[async_trait]
impl BusFlaw for SecondIsDeaf {
    async fn connect(&self, right: &ReferenceBus, me: &InstanceId) -> Result<ReferenceEndpoint> {
        let mut endpoint = right.endpoint(*me);
        if Arc::strong_count(&endpoint.queue) > 2 {
            endpoint.queue = Arc::default();
        }
        Ok(endpoint)
    }
}

#[derive(Clone)]
struct LeavesAll;

#[async_trait]
impl BusFlaw for LeavesAll {
    async fn release(&self, _: &ReferenceBus, _: &InstanceId) -> Result<()> {
        Ok(())
    }
}

/// Takes an endpoint off the list, and whoever sent to it before goes on to reach it.
#[derive(Clone)]
struct Undead;

static LEFT: std::sync::Mutex<Vec<(InstanceId, Arc<crate::reference::Queue>)>> =
    std::sync::Mutex::new(Vec::new());

#[async_trait]
impl BusFlaw for Undead {
    async fn release(&self, right: &ReferenceBus, gone: &InstanceId) -> Result<()> {
        if let Some(queue) = right.queue(*gone) {
            LEFT.lock().unwrap().push((*gone, queue));
        }
        right.release(gone).await
    }
    async fn send(
        &self,
        right: &ReferenceEndpoint,
        to: &[Recipient],
        message: &BusMessage,
    ) -> Result<Delivery> {
        for (_, queue) in LEFT.lock().unwrap().iter().filter(|(id, _)| to.iter().any(|to| to.instance == *id))
        {
            queue.push(message);
        }
        right.send(to, message).await
    }
    async fn receive(&self, right: &ReferenceEndpoint) -> Result<Vec<BusMessage>> {
        let messages: Vec<_> = right.queue.messages.lock().unwrap().drain(..).collect();
        if messages.is_empty() { right.receive().await } else { Ok(messages) }
    }
}

#[derive(Clone)]
struct ReleasesAll;

#[async_trait]
impl BusFlaw for ReleasesAll {
    async fn release(&self, right: &ReferenceBus, _: &InstanceId) -> Result<()> {
        right.everybody().into_iter().for_each(|id| right.remove(id));
        Ok(())
    }
}

#[derive(Clone)]
struct InsistsOnEndpoints;

#[async_trait]
impl BusFlaw for InsistsOnEndpoints {
    async fn release(&self, right: &ReferenceBus, gone: &InstanceId) -> Result<()> {
        if right.queue(*gone).is_none() {
            return Err(BackendError::rejected("no such endpoint"));
        }
        right.release(gone).await
    }
}

#[derive(Clone)]
struct SaysNowhere;

#[async_trait]
impl BusFlaw for SaysNowhere {
    fn reach(&self, _: &ReferenceEndpoint) -> Reach {
        Reach::Nowhere
    }
}

/// Reads who there is when it is connected, and never again.
#[derive(Clone, Default)]
struct KnowsTheEarlier(Arc<OnceLock<Vec<InstanceId>>>);

#[async_trait]
impl BusFlaw for KnowsTheEarlier {
    async fn connect(&self, right: &ReferenceBus, me: &InstanceId) -> Result<ReferenceEndpoint> {
        let endpoint = right.endpoint(*me);
        self.0.get_or_init(|| right.everybody());
        Ok(endpoint)
    }
    async fn send(
        &self,
        right: &ReferenceEndpoint,
        to: &[Recipient],
        message: &BusMessage,
    ) -> Result<Delivery> {
        let known = |to: &&Recipient| self.0.get().is_some_and(|known| known.contains(&to.instance));
        right.send(&to.iter().filter(known).copied().collect::<Vec<_>>(), message).await
    }
}

#[derive(Clone)]
struct ReturnsEmpty;

#[async_trait]
impl BusFlaw for ReturnsEmpty {
    async fn receive(&self, right: &ReferenceEndpoint) -> Result<Vec<BusMessage>> {
        tokio::time::timeout(Duration::from_millis(10), right.receive()).await.unwrap_or(Ok(Vec::new()))
    }
}

#[derive(Clone)]
struct Spins;

#[async_trait]
impl BusFlaw for Spins {
    async fn receive(&self, right: &ReferenceEndpoint) -> Result<Vec<BusMessage>> {
        while right.queue.messages.lock().unwrap().is_empty() {
            right.check_open()?;
            tokio::task::yield_now().await;
        }
        right.receive().await
    }
}

/// Takes the messages off the queue before it has time to hand them over.
#[derive(Clone)]
struct LosesOnCancel;

#[async_trait]
impl BusFlaw for LosesOnCancel {
    async fn receive(&self, right: &ReferenceEndpoint) -> Result<Vec<BusMessage>> {
        let messages = right.receive().await?;
        tokio::task::yield_now().await;
        Ok(messages)
    }
}

/// Keeps everything, beside the queue that would drop it.
#[derive(Clone)]
struct Unbounded;

static KEPT: std::sync::Mutex<Vec<(InstanceId, BusMessage)>> = std::sync::Mutex::new(Vec::new());

#[async_trait]
impl BusFlaw for Unbounded {
    async fn send(
        &self,
        right: &ReferenceEndpoint,
        to: &[Recipient],
        message: &BusMessage,
    ) -> Result<Delivery> {
        KEPT.lock().unwrap().extend(to.iter().map(|to| (to.instance, message.clone())));
        right.send(to, message).await
    }
    async fn receive(&self, right: &ReferenceEndpoint) -> Result<Vec<BusMessage>> {
        right.receive().await?;
        let mine = |entry: &mut (InstanceId, BusMessage)| entry.0 == right.me();
        Ok(KEPT.lock().unwrap().extract_if(.., mine).map(|(_, message)| message).collect())
    }
}

#[derive(Clone)]
struct LeavesWaiting;

#[async_trait]
impl BusFlaw for LeavesWaiting {
    async fn receive(&self, right: &ReferenceEndpoint) -> Result<Vec<BusMessage>> {
        right.check_open()?;
        match right.receive().await {
            Err(BackendError::Closed) => std::future::pending().await,
            received => received,
        }
    }
}

#[derive(Clone)]
struct ClosesOnce;

#[async_trait]
impl BusFlaw for ClosesOnce {
    async fn close(&self, right: &ReferenceEndpoint) -> Result<()> {
        right.check_open()?;
        right.close().await
    }
}
