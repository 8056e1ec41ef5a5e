//! Nobody waits without a bound for what comes before, and nothing is kept of who does not wait any more.

use std::time::Duration;

use a2a::{StreamResponse, TaskState};
use a2a_cluster::Config;
use a2a_cluster::retry_after;
use a2a_core::{Membership, TaskStore};
use a2a_server::RequestHandler;
use futures::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use crate::world::hooked::{Call, Fate, hooked};
use crate::world::{
    Node, at_once, eventually, expect_task, follow_up, identified, key, on_every_bus, params, quick, request,
    state, texts,
};

/// An instance of three agents.
fn three() -> Config {
    quick().max_agents(3)
}

/// How many agents more an instance takes on.
async fn places(node: &Node) -> usize {
    for taken in 0..10 {
        let mut request = request("do work; hang");
        request.configuration = at_once();
        if node.ask(request).await.is_err() {
            return taken;
        }
    }
    10
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn messages_behind_a_claim_that_is_not_answered_are_refused_in_time_and_change_nothing(bus) {
        let (store, world) = hooked(1, bus, quick()).await;
        let task = world.nodes[0].send("do ask").await;
        store.all(&[Call::Commit], Fate::Hangs);
        let began = Instant::now();
        let sent = join_all((0..3).map(|_| world.nodes[0].ask(follow_up(&task, "do work; done"))));
        let told = timeout(Duration::from_secs(10), sent).await.unwrap();
        assert!(began.elapsed() >= Duration::from_secs(5));
        let unknown = told[0].as_ref().unwrap_err();
        assert!(retry_after(unknown).is_none() && unknown.message.contains("not known"), "{unknown:?}");
        for refused in &told[1..] {
            assert!(retry_after(refused.as_ref().unwrap_err()).is_some(), "{refused:?}");
        }
        store.heal();
        sleep(Duration::from_secs(60)).await;
        let task = world.nodes[0].get(&task.id).await.unwrap();
        assert_eq!(task.history.unwrap().len(), 2, "one was taken, and those that were refused were not");
    }

    #[tokio::test(start_paused = true)]
    async fn all_messages_behind_a_commit_that_ends_the_task_are_answered_with_it(bus) {
        for end in ["done", "work; hang"] {
            let (store, world) = hooked(1, bus, Config::default()).await;
            let task = world.nodes[0].send(&format!("do ask; sleep 500; {end}")).await;
            store.all(&[Call::Commit], Fate::Late(300));
            sleep(Duration::from_millis(600)).await;
            let sent = join_all((0..4).map(|_| world.nodes[0].ask(follow_up(&task, "do work; done"))));
            let told = timeout(Duration::from_millis(250), sent).await.expect(end);
            assert!(told.iter().all(|told| told.as_ref().is_err_and(|error| retry_after(error).is_none())), "{told:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancel_is_answered_although_nothing_can_be_committed(bus) {
        for fate in [Fate::Refused, Fate::Hangs] {
            for script in ["do work; hang", "do work; hang / hang", "do work; talk 0 10", "do ask", "do ask; hang"] {
                for n in 0..2 {
                    let (store, world) = hooked(2, bus, quick()).await;
                    let task = world.nodes[0].start(script).await;
                    store.all(&[Call::Commit], fate);
                    let told = timeout(Duration::from_secs(40), world.nodes[n].cancel(&task.id)).await;
                    let told = told.unwrap_or_else(|_| panic!("{script} on {n}")).unwrap_err();
                    assert!(told.message.contains("not known"), "{told:?}");
                    store.heal();
                    // Once it can be committed, it is cancelled after all, or by whoever asks again.
                    sleep(Duration::from_secs(20)).await;
                    let _ = world.nodes[n].cancel(&task.id).await.unwrap();
                    world.shutdown().await;
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancel_that_meets_an_instance_at_its_end_is_told_to_try_another(bus) {
        let (store, world) = hooked(2, bus, Config::default()).await;
        let task = world.nodes[1].start("do work; hang / hang").await;
        let me = world.nodes[0].cluster.id();
        // It is evicted while the cancel reads the task.
        let beat = store.inner.member(&me).await.unwrap().unwrap().beat;
        store.all(&[Call::Watch], Fate::Late(8_000));
        let cancel = timeout(Duration::from_secs(60), world.nodes[0].cancel(&task.id));
        let evicted = async {
            sleep(Duration::from_millis(10)).await;
            store.inner.evict(&me, beat).await.unwrap()
        };
        let (told, _) = tokio::join!(cancel, evicted);
        assert!(retry_after(&told.unwrap().unwrap_err()).is_some());
        store.heal();

        world.nodes[0].cluster.shutdown(Duration::ZERO).await;
        let told = timeout(Duration::from_secs(60), world.nodes[0].cancel(&task.id)).await;
        assert!(retry_after(&told.unwrap().unwrap_err()).is_some());
        assert_eq!(state(&world.nodes[1].get(&task.id).await.unwrap()), TaskState::Working);
        world.nodes[1].cancel(&task.id).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_joins_an_agent_takes_no_place_of_its_own(bus) {
        for blocking in [false, true] {
            let (store, world) = hooked(1, bus, three()).await;
            store.all(&[Call::Commit], Fate::Late(200));
            let mut message = identified("do work; hang");
            message.configuration = at_once().filter(|_| !blocking);
            let handler = &world.nodes[0].handler;
            let sent: Vec<_> = (0..2)
                .map(|_| {
                    let (handler, message) = (handler.clone(), message.clone());
                    tokio::spawn(async move { handler.send_message(&params(), message).await })
                })
                .collect();
            sleep(Duration::from_secs(1)).await;
            assert_eq!(sent.iter().filter(|sent| sent.is_finished()).count(), if blocking { 0 } else { 2 });
            assert_eq!((world.nodes[0].cluster.running(), places(&world.nodes[0]).await), (1, 2));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn messages_that_start_no_agent_after_all_leave_their_places_although_the_task_is_read(bus) {
        // Their clients leave while they wait for another one.
        let (store, world) = hooked(1, bus, three()).await;
        let task = world.nodes[0].send("do ask").await;
        let _reader = world.nodes[0].subscribe(&task.id).await.unwrap();
        store.all(&[Call::Commit], Fate::Late(1_000));
        let first = world.nodes[0].ask(follow_up(&task, "do work; ask"));
        let others = async {
            sleep(Duration::from_millis(10)).await;
            for _ in 0..2 {
                let left = timeout(Duration::from_millis(100), world.nodes[0].ask(follow_up(&task, "do work; done")));
                assert!(left.await.is_err());
            }
        };
        let (first, ()) = tokio::join!(first, others);
        assert_eq!(state(&expect_task(first.unwrap())), TaskState::InputRequired);
        store.heal();
        eventually("the end", || async { world.nodes[0].cluster.running() == 0 }).await;
        assert_eq!(places(&world.nodes[0]).await, 3);

        // What became of its claim was not known, and another instance was faster.
        let (store, world) = hooked(2, bus, three()).await;
        let task = world.nodes[0].send("do ask").await;
        let _reader = world.nodes[0].subscribe(&task.id).await.unwrap();
        let me = world.nodes[0].cluster.id();
        store.set(move |call, _, commit| {
            let claims = commit.and_then(|commit| commit.claim_after(None)).is_some_and(|claim| claim.instance == me);
            if call == Call::Commit && claims { Fate::Hangs } else { Fate::Answered }
        });
        world.nodes[0].ask(follow_up(&task, "do work; done")).await.unwrap_err();
        world.nodes[1].ask(follow_up(&task, "do work; ask")).await.unwrap();
        store.heal();
        sleep(Duration::from_secs(60)).await;
        assert_eq!((world.nodes[0].cluster.running(), places(&world.nodes[0]).await), (0, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_behind_what_is_too_large_claims_the_task_as_it_is_kept(bus) {
        // How long the task takes to be read again, as it was before.
        for reads in [0, 300] {
            let (store, world) = hooked(1, bus, quick()).await;
            let task = world.nodes[0].send("do ask; sleep 500; burst 3; hang").await;
            let (mut is_first, mut loads) = (true, 0);
            store.set(move |call, _, commit| {
                let mut events = commit.iter().flat_map(|commit| &commit.record().events);
                let is_output = events.any(|event| matches!(event, StreamResponse::ArtifactUpdate(_)));
                loads += u32::from(call == Call::Load);
                match call {
                    Call::Commit if is_output && std::mem::take(&mut is_first) => Fate::TooLargeLate(200),
                    // The first is the message's own.
                    Call::Load if loads == 2 => Fate::Late(reads),
                    _ => Fate::Answered,
                }
            });
            sleep(Duration::from_millis(600)).await;
            let next = follow_up(&task, "do work; sleep 1000; say next; done");
            let told = timeout(Duration::from_secs(30), world.nodes[0].ask(next)).await.unwrap();
            let told = expect_task(told.unwrap());
            let kept = store.inner.load(&key(&task.id)).await.unwrap().unwrap();
            assert_eq!(told, kept.task);
            assert_eq!((state(&told), texts(&told)), (TaskState::Completed, vec!["next"]), "{reads}");
        }
    }
}
