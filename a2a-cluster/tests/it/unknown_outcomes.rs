//! What becomes of a request whose write was applied, or was not, and nobody was told.

use std::time::Duration;

use a2a::TaskState;
use a2a_cluster::ExecutorLost;
use a2a_cluster::retry_after;
use a2a_core::{ClaimChange, Commit, CommitId, Outcome, SystemEnv, TaskStore, reduce};
use a2a_server::RequestHandler;
use a2a_testkit::{Delay, Forecast, Late};
use tokio::time::{sleep, timeout};

use crate::world::hooked::{self, Call, Fate};
use crate::world::{self, World, expect_task, follow_up, on_every_bus, params, quick, request, state, texts};

/// Writes are applied and not answered.
const UNANSWERED: Forecast = Forecast { answer_lost: 1.0, ..Forecast::calm() };
/// Writes are neither applied nor answered.
const LOST: Forecast = Forecast { write_lost: 1.0, ..Forecast::calm() };
/// Writes are applied long after nobody waits for them.
const LATE: Forecast = Forecast {
    write_late: 1.0,
    late: Late::Writes,
    lateness: Delay::between(Duration::from_secs(1), Duration::from_secs(6)),
    ..Forecast::calm()
};

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn a_message_whose_claim_is_unanswered_is_worked_on_or_nothing_was_done_and_is_told_right(bus) {
        for (name, weather) in [("unanswered", UNANSWERED), ("lost", LOST), ("late", LATE)] {
            for away in [1, 4, 8, 20] {
                for n in 0..2 {
                    let storm = World::with(2, bus, quick()).await;
                    let parked = storm.nodes[0].send("do ask").await;
                    storm.weather.set(weather.clone());
                    let request = follow_up(&parked, "do work; say x; sleep 1000; done");
                    let returns = async {
                        sleep(Duration::from_secs(away)).await;
                        storm.store_returns();
                    };
                    let (sent, ()) = tokio::join!(storm.nodes[n].ask(request), returns);
                    sleep(Duration::from_secs(90)).await;
                    let stored = storm.load(&parked.id).await;
                    let case = format!("{name} for {away} s on {n}: {sent:?}");
                    let said = texts(&stored.task).len();
                    match &sent {
                        Ok(_) => assert_eq!((state(&stored.task), said), (TaskState::Completed, 1), "{case}"),
                        Err(error) => {
                            let is_unknown = error.message.contains("not known");
                            assert!(retry_after(error).is_some() != is_unknown, "{case}");
                            match state(&stored.task) {
                                TaskState::InputRequired => assert_eq!(said, 0, "{case}"),
                                TaskState::Completed => assert!(is_unknown && said == 1, "{case}"),
                                other => panic!("{other:?}: {case}"),
                            }
                        }
                    }
                    assert_eq!(stored.head.claim, None, "{case}");
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_whose_task_may_have_been_created_is_worked_on_or_leaves_nothing(bus) {
        for (name, weather) in [("unanswered", UNANSWERED), ("lost", LOST), ("late", LATE)] {
            for away in [1, 4, 8, 20] {
                for at_once in [false, true] {
                    let storm = World::with(2, bus, quick()).await;
                    storm.weather.set(weather.clone());
                    let mut request = request("do work; say x; sleep 1000; done");
                    request.configuration = world::at_once().filter(|_| at_once);
                    let returns = async {
                        sleep(Duration::from_secs(away)).await;
                        storm.store_returns();
                    };
                    let (sent, ()) = tokio::join!(storm.nodes[0].ask(request), returns);
                    sleep(Duration::from_secs(90)).await;
                    let listed = storm.nodes[1].handler.list_tasks(&params(), world::list()).await.unwrap().tasks;
                    let case = format!("{name} for {away} s: {sent:?}");
                    match &sent {
                        Ok(answer) => {
                            let stored = storm.load(&expect_task(answer.clone()).id).await;
                            assert_eq!((state(&stored.task), stored.head.claim), (TaskState::Completed, None), "{case}");
                        }
                        Err(error) => {
                            assert!(retry_after(error).is_some() != error.message.contains("not known"), "{case}");
                            if let Some(task) = listed.first() {
                                assert!(error.message.contains("not known"), "{case}");
                                assert_eq!(state(task), TaskState::Completed, "{case}");
                            }
                        }
                    }
                    assert!(listed.len() <= 1);
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_follow_up_that_is_being_claimed_when_its_instance_shuts_down_is_told_right(bus) {
        let lag = Delay::between(Duration::from_secs(40), Duration::from_secs(40));
        let delay = Delay::between(Duration::from_millis(10), Duration::from_millis(10));
        for lost in [ExecutorLost::Fail, ExecutorLost::Resume { max_attempts: 1 }] {
            for after in (0..120).step_by(6) {
                let storm = World::with(2, bus, quick().executor_lost(lost)).await;
                let parked = storm.nodes[1].send("ask").await;
                sleep(Duration::from_secs(6)).await;
                storm.weather.set(Forecast { store_delay: delay, index_lag: lag, ..Forecast::calm() });
                let mut message = follow_up(&parked, "do work; sleep 2000; say x; done");
                // Nobody knows it again: whoever is told to send it again would have it done twice.
                message.message.message_id = "1".to_owned();
                let sent = storm.nodes[0].ask(message);
                let stops = async {
                    sleep(Duration::from_millis(after)).await;
                    storm.nodes[0].cluster.shutdown(Duration::ZERO).await
                };
                let (sent, left) = tokio::join!(sent, stops);
                sleep(Duration::from_secs(150)).await;
                let stored = storm.load(&parked.id).await;
                let case = format!("{lost:?} after {after} ms: {sent:?} {left:?}");
                assert_eq!(stored.head.claim, None, "{case}");
                let (ended, said) = (state(&stored.task), texts(&stored.task).len());
                match (&sent, lost) {
                    // Nothing was done.
                    (Err(error), _) if retry_after(error).is_some() => {
                        assert_eq!((ended, said), (TaskState::InputRequired, 0), "{case}")
                    }
                    (Err(_), _) | (Ok(_), ExecutorLost::Resume { .. }) => {
                        assert_eq!((ended, said), (TaskState::Completed, 1), "{case}")
                    }
                    (Ok(_), ExecutorLost::Fail) => assert_eq!(ended, TaskState::Failed, "{case}"),
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancel_whose_commit_is_unanswered_is_found_out(bus) {
        for weather in [UNANSWERED, LOST, LATE] {
            for text in ["do work; hang", "do ask", "do ask; hang", "do work; hang / hang"] {
                let storm = World::with(2, bus, quick()).await;
                let task = storm.nodes[0].start(text).await;
                sleep(Duration::from_millis(100)).await;
                storm.weather.set(weather.clone());
                let returns = async {
                    sleep(Duration::from_secs(4)).await;
                    storm.store_returns();
                };
                let cancel = timeout(Duration::from_secs(60), storm.nodes[1].cancel(&task.id));
                let (cancelled, ()) = tokio::join!(cancel, returns);
                let told = cancelled.expect(text);
                if told.is_err() {
                    // It was never asked: its request could not even be registered.
                    assert!(retry_after(told.as_ref().unwrap_err()).is_some(), "{told:?}");
                    storm.nodes[1].cancel(&task.id).await.unwrap();
                }
                assert_eq!(state(&storm.load(&task.id).await.task), TaskState::Canceled, "{text}");
                sleep(Duration::from_secs(60)).await;
                assert_eq!(storm.load(&task.id).await.head.claim, None, "{text}");
                assert_eq!(storm.nodes.iter().map(|node| node.cluster.running()).sum::<usize>(), 0);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_whose_claim_was_applied_unanswered_and_outrun_is_not_refused(bus) {
        let (store, world) = hooked::hooked(1, bus, quick()).await;
        let parked = world.nodes[0].send("do ask").await;
        let mut is_first = true;
        store.set(move |call, _, _| match call {
            Call::Commit if std::mem::take(&mut is_first) => Fate::AnswerLost,
            _ => Fate::Answered,
        });
        let mut message = follow_up(&parked, "do hang");
        // Nobody knows it again: whoever is told that it was refused may send it again.
        message.message.message_id = "1".to_owned();
        let outrun = async {
            // Its claim is there, and is tried again in a moment.
            sleep(Duration::from_millis(2)).await;
            let claimed = world.load(&parked.id).await;
            assert_eq!(state(&claimed.task), TaskState::Working);
            let mut task = claimed.task.clone();
            let event = reduce::status(&task, TaskState::Canceled, None, &SystemEnv);
            reduce::apply(&mut task, &event);
            let commit = Commit::new(claimed.tip(), CommitId::generate(&SystemEnv), vec![event], &task);
            let commit = commit.claim(ClaimChange::End);
            let outcome = store.inner.commit(&world::key(&parked.id), commit).await.unwrap();
            assert!(matches!(outcome, Outcome::Applied(_)));
        };
        let (sent, ()) = tokio::join!(timeout(Duration::from_secs(60), world.nodes[0].ask(message)), outrun);
        let told = expect_task(sent.unwrap().unwrap());
        assert_eq!((state(&told), told.history.map(|history| history.len())), (TaskState::Canceled, Some(2)));
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_applied_unanswered_and_is_refused_when_sent_again_is_not_called_undone(bus) {
        for is_follow_up in [false, true] {
            let (store, world) = hooked::hooked(2, bus, quick()).await;
            let parked = world.nodes[0].send("do ask").await;
            let mut commits = 0;
            store.set(move |call, _, _| {
                commits += usize::from(call == Call::Commit);
                match (call, commits) {
                    (Call::Commit, 1) => Fate::AnswerLost,
                    (Call::Commit, 2) => Fate::Rejected,
                    _ => Fate::Answered,
                }
            });
            let mut message = if is_follow_up { follow_up(&parked, "do work; done") } else { request("do work; done") };
            // Nobody knows it again: whoever is told that nothing was done may send it again.
            message.message.message_id = "1".to_owned();
            let sent = timeout(Duration::from_secs(60), world.nodes[0].ask(message)).await.unwrap();
            assert!(sent.as_ref().is_err_and(|error| error.message.contains("not known")), "{sent:?}");
            sleep(Duration::from_secs(90)).await;
            let tasks = world.nodes[1].handler.list_tasks(&params(), world::list()).await.unwrap().tasks;
            assert_eq!(tasks.len(), if is_follow_up { 1 } else { 2 });
            for task in tasks {
                assert_eq!(world.load(&task.id).await.head.claim, None, "{task:?}");
                assert!(reduce::ends_turn(&task.status.state), "{task:?}");
            }
            world.shutdown().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_that_was_lost_unanswered_and_outrun_starts_no_agent(bus) {
        let (store, world) = hooked::hooked(2, bus, quick()).await;
        let parked = world.nodes[0].send("do ask").await;
        let mut is_first = true;
        store.set(move |call, _, _| match call {
            Call::Commit if std::mem::take(&mut is_first) => Fate::Hangs,
            _ => Fate::Answered,
        });
        let sent = world.nodes[0].ask(follow_up(&parked, "do hang"));
        let outruns = async {
            sleep(Duration::from_secs(1)).await;
            world.nodes[1].ask(follow_up(&parked, "do work; ask")).await.unwrap();
        };
        let (sent, _) = tokio::join!(sent, outruns);
        assert!(sent.unwrap_err().message.contains("not known"));
        // The call is given up after a lease, and made again.
        for _ in 0..400 {
            sleep(Duration::from_millis(50)).await;
            assert_eq!(world.nodes[0].cluster.running(), 0, "an agent runs without a claim");
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_that_is_applied_after_its_instance_has_left_is_taken_over(bus) {
        let (store, world) = hooked::hooked(3, bus, quick()).await;
        let task = world.nodes[0].send("do ask").await;
        store.all(&[Call::Commit], Fate::AppliedLate(20_000));
        let handler = world.nodes[0].handler.clone();
        let next = follow_up(&task, "do work; hang");
        let told = tokio::spawn(async move { handler.send_message(&params(), next).await });
        sleep(Duration::from_millis(100)).await;
        world.nodes[0].cluster.shutdown(Duration::ZERO).await;
        store.heal();
        assert!(told.await.unwrap().is_err());
        sleep(Duration::from_secs(300)).await;
        let stored = world.load(&task.id).await;
        assert_eq!((state(&stored.task), stored.head.claim), (TaskState::Failed, None));
    }
}
