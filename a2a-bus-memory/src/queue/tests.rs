//! Bounds, wake-ups and cancellation of a queue.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use a2a_core::{InstanceId, News, SystemEnv, TaskKey, Tenant, Version};
use tokio::task::{JoinSet, yield_now};

use super::*;

fn numbered(number: u64) -> Arc<BusMessage> {
    let from = InstanceId::generate(&SystemEnv);
    let task = TaskKey::new(Tenant::default(), "t");
    Arc::new(BusMessage { from, task, news: News::Changed(Version::new(number)), trace: None })
}

fn numbers(messages: &[BusMessage]) -> Vec<u64> {
    let number = |message: &BusMessage| match message.news {
        News::Changed(version) => version.get(),
        ref other => panic!("nobody sent {other:?}"),
    };
    messages.iter().map(number).collect()
}

fn queue() -> Queue {
    Queue::new(MemoryBusConfig::default().queue_messages(4).batch_messages(3))
}

/// Polls once, as `select!` does with a branch that then loses.
fn poll_once(queue: &Queue) -> Poll<Vec<u64>> {
    let pop = pin!(queue.pop());
    pop.poll(&mut Context::from_waker(Waker::noop())).map(|batch| numbers(&batch.unwrap()))
}

#[test]
fn the_oldest_messages_are_dropped_and_counted() {
    let queue = queue();
    assert!((1..=7).all(|number| queue.push(numbered(number))));
    assert_eq!(queue.dropped(), 3);
    assert_eq!(poll_once(&queue), Poll::Ready(vec![4, 5, 6]));
}

#[test]
fn a_batch_has_a_bound_and_the_rest_stays() {
    let queue = queue();
    assert!((1..=4).all(|number| queue.push(numbered(number))));
    assert_eq!(poll_once(&queue), Poll::Ready(vec![1, 2, 3]));
    assert_eq!(poll_once(&queue), Poll::Ready(vec![4]));
    assert_eq!(poll_once(&queue), Poll::Pending);
    assert_eq!(queue.dropped(), 0);
}

#[test]
fn a_wake_up_that_meets_a_cancelled_reader_is_not_lost() {
    let queue = queue();
    {
        let mut pop = pin!(queue.pop());
        let waiting = pop.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(waiting.is_pending());
        queue.push(numbered(1));
        // The reader goes after it was woken and before it looked.
    }
    assert_eq!(poll_once(&queue), Poll::Ready(vec![1]));
    assert_eq!(poll_once(&queue), Poll::Pending);
}

#[test]
fn a_stale_wake_up_does_not_make_a_reader_return_nothing() {
    let queue = queue();
    queue.push(numbered(1));
    assert_eq!(poll_once(&queue), Poll::Ready(vec![1]));
    // The permit of the first push is still there; the message is not.
    assert_eq!(poll_once(&queue), Poll::Pending);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_keeps_changing_its_mind_misses_nothing() {
    const MESSAGES: u64 = 20_000;
    let queue = Arc::new(Queue::new(MemoryBusConfig::default().queue_messages(MESSAGES as usize)));
    let mut sender = JoinSet::new();
    let to = Arc::clone(&queue);
    sender.spawn(async move {
        for number in 1..=MESSAGES {
            assert!(to.push(numbered(number)));
            if number % 3 == 0 {
                yield_now().await;
            }
        }
    });

    let mut next = 1;
    while next <= MESSAGES {
        tokio::select! {
            batch = queue.pop() => for number in numbers(&batch.unwrap()) {
                assert_eq!(number, next);
                next += 1;
            },
            () = yield_now() => {}
        }
    }
    assert!(sender.join_next().await.unwrap().is_ok());
}

#[tokio::test]
async fn a_reader_that_always_finds_messages_lets_others_run() {
    let queue = Arc::new(queue());
    let mut others = JoinSet::new();
    let closing = Arc::clone(&queue);
    others.spawn(async move { closing.close() });

    // On one thread: unless the reader yields, nobody ever closes the queue.
    while queue.push(numbered(1)) {
        if queue.pop().await.is_err() {
            break;
        }
    }
    assert!(queue.is_closed());
}

#[tokio::test]
async fn closing_wakes_the_reader_and_refuses_messages() {
    let queue = queue();
    let (read, ()) = tokio::join!(queue.pop(), async { queue.close() });
    assert!(matches!(read, Err(BackendError::Closed)));
    assert!(!queue.push(numbered(1)));
    assert!(matches!(queue.pop().await, Err(BackendError::Closed)));
}
