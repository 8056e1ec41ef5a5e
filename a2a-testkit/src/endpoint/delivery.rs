//! Who gets a message, and in what condition it arrives.

use std::sync::Arc;

use a2a::{Part, TaskState};
use a2a_core::{
    BusMessage, CallerContext, CancelKey, CancelRequest, CommitId, CommitRecord, Env, Generation, News,
    Reach, Recipient, SystemEnv, TaskKey, Tenant, Version,
};

use super::inbox::Inbox;
use crate::BusFixture;
use crate::expect::{eventually, within};
use crate::sample::{
    TaskModel, at, awkward_metadata, awkward_text, chunk, commit_id, message, noise, parts_of_every_kind,
    status, status_saying,
};

/// One recipient or many, in each way in which they are reached: each gets the message, no other instance does, nor
/// the sender. Who is reached nowhere is left out.
pub async fn a_message_reaches_each_recipient_and_nobody_else(fixture: &dyn BusFixture) {
    let mut sender = Inbox::open(fixture).await;
    let mut others = Vec::new();
    for _ in 0..12 {
        others.push(Inbox::open(fixture).await);
    }
    let mut sent: Vec<Vec<BusMessage>> = vec![Vec::new(); others.len()];
    // The last number goes to everybody else: what comes before it there must have been meant for them.
    let choices: [&[usize]; 6] =
        [&[0], &[1, 2], &[3], &[0, 4, 5], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], &[11]];
    let mut number = 0;
    for way in ways(fixture, &others).await {
        for choice in choices {
            let reach =
                |n: usize| if way == Way::Mixed && n.is_multiple_of(2) { Reach::Direct } else { way.reach() };
            let mut to: Vec<_> =
                choice.iter().map(|n| Recipient { instance: others[*n].id(), reach: reach(*n) }).collect();
            // The last of all hears of nothing but the sentinel.
            if choice.len() > 1 {
                to.insert(1, Recipient { instance: others[11].id(), reach: Reach::Nowhere });
            }
            let message = sender.message(number);
            number += 1;
            sender.send_as(&to, &message).await;
            choice.iter().for_each(|n| sent[*n].push(message.clone()));
        }
    }
    for (inbox, sent) in others.iter_mut().zip(&sent) {
        for message in sent {
            inbox.await_message(message).await;
        }
    }
    futures::future::join_all(others.iter_mut().zip(&sent).map(|(inbox, sent)| inbox.expect_only(sent)))
        .await;
    sender.expect_only(&[]).await;
}

/// How the recipients of a test are reached.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    All(Reach),
    Mixed,
}

impl Way {
    fn reach(self) -> Reach {
        match self {
            Way::All(reach) => reach,
            Way::Mixed => Reach::Topic,
        }
    }
}

/// Waits until everybody is reached as well as this bus can; tells the ways of reaching them.
async fn ways(fixture: &dyn BusFixture, inboxes: &[Inbox]) -> Vec<Way> {
    for inbox in inboxes {
        eventually(fixture.patience(), fixture.reach(), async || inbox.endpoint.reach()).await;
    }
    match fixture.reach() {
        Reach::Topic => vec![Way::All(Reach::Direct), Way::All(Reach::Topic), Way::Mixed],
        _ => vec![Way::All(Reach::Direct)],
    }
}

/// An endpoint that was just connected is reached, by itself and by those that were there before, on whichever
/// handle. How it is reached may become better, and never worse than directly.
pub async fn a_connected_endpoint_is_reached(fixture: &dyn BusFixture) {
    let mut before: Vec<Inbox> = Vec::new();
    for number in 0..4 {
        let mut latest = Inbox::open(fixture).await;
        assert_ne!(latest.endpoint.reach(), Reach::Nowhere, "of an endpoint that was connected");
        for (n, sender) in before.iter().enumerate() {
            let message = sender.message(10 * number + n as u64);
            sender.send(&[latest.id()], &message).await;
            latest.await_message(&message).await;
        }
        before.push(latest);
    }
    ways(fixture, &before).await;
}

/// Whatever a message says, about whatever task, its recipient reads the same. Only commits too large for the
/// carrier may turn into `Changed`, with the version of the last.
pub async fn messages_to_a_live_endpoint_arrive_whole(fixture: &dyn BusFixture) {
    let (sender, mut reader) = (Inbox::open(fixture).await, Inbox::open(fixture).await);
    let model = TaskModel::new("t");
    let events = vec![
        a2a::StreamResponse::Task(model.task.clone()),
        status_saying(&model.task, TaskState::Working, at(1), "s", parts_of_every_kind()),
        chunk(&model.task, "a", parts_of_every_kind(), true),
        message(&model.task, "m", parts_of_every_kind()),
        status(&model.task, TaskState::Completed, at(2)),
    ];
    let small = News::Commits(vec![record(7, events), record(8, Vec::new()), record(9, Vec::new())]);
    let news = [
        News::Cancel(cancel_key(), None),
        News::Cancel(cancel_key(), Some(Box::new(awkward_request()))),
        News::Cancelling(cancel_key()),
        News::CancelRefused(cancel_key()),
        News::Configs,
        News::Unwatch,
        News::HandOver,
        News::Watch { after: Version::ABSENT, reach: Reach::Nowhere },
        News::Watch { after: Version::new(1 << 50), reach: Reach::Topic },
        News::Changed(Version::new(3)),
        small,
    ];
    let keys = [("", "t"), ("", ""), ("tenant", &*awkward_text()), (&*awkward_text(), "\u{ffff}#")];
    let traces = [None, Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), Some("")];
    let kinds = news.len();
    for (n, news) in news.iter().cycle().take(2 * kinds).enumerate() {
        let (tenant, id) = keys[n % keys.len()];
        let task = TaskKey::new(Tenant::new(tenant), id);
        let trace = traces[(n + n / kinds) % traces.len()].map(str::to_owned);
        let message = BusMessage { from: sender.id(), task, news: news.clone(), trace };
        sender.send(&[reader.id()], &message).await;
        reader.await_message(&message).await;
    }
    for size in [20_000, 63_000, 70_000, 300_000, 2_000_000] {
        reader.seen.clear();
        let piece = |n: u64| vec![chunk(&model.task, "a", vec![Part::text(noise(n, size / 2))], true)];
        let commits = News::Commits(vec![record(41, piece(1)), record(42, piece(2))]);
        let task = TaskKey::new(Tenant::default(), size.to_string());
        let inline = BusMessage { from: sender.id(), task, news: commits, trace: None };
        let changed = BusMessage { news: News::Changed(Version::new(42)), ..inline.clone() };
        sender.send(&[reader.id()], &inline).await;
        let arrived = |seen: &[BusMessage]| seen.contains(&inline) || seen.contains(&changed);
        within(fixture.patience(), "a large message", reader.receive_until(arrived)).await;
    }
}

fn record(version: u64, events: Vec<a2a::StreamResponse>) -> Arc<CommitRecord> {
    let (version, generation) = (Version::new(version), Generation::new(3 * version));
    Arc::new(CommitRecord { version, generation, id: commit_id(), events })
}

fn cancel_key() -> CancelKey {
    CancelKey { claim: CommitId::generate(&SystemEnv), request: SystemEnv.uuid() }
}

fn awkward_request() -> CancelRequest {
    let claims = awkward_metadata().into_iter().collect();
    let headers = [(awkward_text(), vec![String::new(), awkward_text()])].into();
    CancelRequest { metadata: Some(awkward_metadata()), caller: CallerContext { claims, headers } }
}

/// An empty list of recipients is no error and makes no message.
pub async fn sending_to_nobody_does_nothing(fixture: &dyn BusFixture) {
    let (mut sender, mut other) = (Inbox::open(fixture).await, Inbox::open(fixture).await);
    sender.send(&[], &sender.message(1)).await;
    let sentinel = sender.message(2);
    sender.send(&[other.id()], &sentinel).await;
    other.await_message(&sentinel).await;
    other.expect_only(&[sentinel]).await;
    sender.expect_only(&[]).await;
}

/// A message to oneself arrives, alone and among others.
pub async fn instances_may_send_to_themselves(fixture: &dyn BusFixture) {
    let (mut sender, mut other) = (Inbox::open(fixture).await, Inbox::open(fixture).await);
    let (alone, both) = (sender.message(1), sender.message(2));
    sender.send(&[sender.id()], &alone).await;
    sender.send(&[other.id(), sender.id()], &both).await;
    sender.await_message(&alone).await;
    sender.await_message(&both).await;
    other.await_message(&both).await;
    other.expect_only(&[both]).await;
}
