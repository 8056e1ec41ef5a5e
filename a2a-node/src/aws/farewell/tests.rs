use std::sync::Arc;
use std::time::Duration;

use a2a_core::{Beat, Env, Membership, SystemEnv};
use a2a_store_memory::MemoryStore;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::aws::sightings::Pace;

const PACE: Pace = Pace { beat: Duration::from_secs(5), lease: Duration::from_secs(15) };

fn caretaker() -> (Arc<MemoryStore>, Caretaker) {
    let store = Arc::new(MemoryStore::new());
    let caretaker = Caretaker::new(store.clone(), None, PACE);
    (store, caretaker)
}

fn member(beat: u64) -> Member {
    let id = InstanceId::from_uuid(SystemEnv.uuid());
    Member { id, beat, state: MemberState::Serving, label: None }
}

/// Lets a member live for so many beats from now on.
async fn live(store: &MemoryStore, mut member: Member, beats: u64) {
    for _ in 0..beats {
        assert_eq!(store.beat(&member).await.unwrap(), Beat::Alive);
        member.beat += 1;
        sleep(PACE.beat).await;
    }
}

async fn left(store: &MemoryStore) -> usize {
    store.roster(None, 10).await.unwrap().len()
}

/// How long a farewell takes.
async fn farewell(caretaker: &Caretaker) -> Duration {
    let begun = Instant::now();
    timeout(Duration::from_secs(600), caretaker.farewell()).await.unwrap();
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn who_was_alone_leaves_at_once() {
    let (_, caretaker) = caretaker();
    assert_eq!(farewell(&caretaker).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_last_to_leave_waits_until_the_dead_are_known_and_leaves_nothing_of_them() {
    let (store, caretaker) = caretaker();
    live(&store, member(0), 1).await;
    live(&store, member(0), 1).await;
    let took = farewell(&caretaker).await;
    assert!(took >= PACE.lease && took <= PACE.lease + PACE.beat, "{took:?}");
    assert_eq!(left(&store).await, 0);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_others_behind_waits_a_beat_at_most_and_harms_nobody() {
    let (store, caretaker) = caretaker();
    live(&store, member(0), 1).await;
    let ((), took) = tokio::join!(live(&store, member(0), 5), farewell(&caretaker));
    assert!(took <= PACE.beat * 2, "{took:?}");
    assert_eq!(left(&store).await, 2, "who lives sees to the dead");
}

#[tokio::test(start_paused = true)]
async fn who_has_seen_others_move_does_not_wait_at_all() {
    let (store, caretaker) = caretaker();
    let other = member(0);
    let watching = async {
        for _ in 0..3 {
            caretaker.roster(None, 10).await.unwrap();
            sleep(PACE.beat).await;
        }
        farewell(&caretaker).await
    };
    let (took, ()) = tokio::join!(watching, live(&store, other, 4));
    assert_eq!(took, Duration::ZERO);
    assert_eq!(left(&store).await, 1);
}

#[tokio::test(start_paused = true)]
async fn the_evicted_are_forgotten_without_waiting() {
    let (store, caretaker) = caretaker();
    let dead = member(0);
    live(&store, dead.clone(), 1).await;
    assert_eq!(store.evict(&dead.id, 0).await.unwrap(), Eviction::Evicted);
    assert_eq!(farewell(&caretaker).await, Duration::ZERO);
    assert_eq!(left(&store).await, 0);
}
