//! Who has a task, and that nobody takes it from another by mistake.

use std::collections::BTreeMap;
use std::time::Duration;

use a2a::{SendMessageRequest, StreamResponse, Task, TaskState, TaskStatus};
use a2a_cluster::retry_after;
use a2a_cluster::{Config, ExecutorLost};
use a2a_core::{ClaimChange, Commit, CommitId, Env, Membership, Outcome, SystemEnv, TaskStore, Tip};
use a2a_testkit::{Delay, Forecast};
use futures::StreamExt;
use futures::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use crate::world::{
    Bus, Node, World, eventually, expect_task, follow_up, identified, key, on_every_bus, quick, state, texts,
};

const LEASE: Duration = Duration::from_secs(15);

fn slow(millis: u64) -> Forecast {
    let delay = Duration::from_millis(millis);
    Forecast { store_delay: Delay::between(delay, delay), ..Forecast::calm() }
}

async fn send(node: &Node, request: SendMessageRequest) -> a2a::Task {
    expect_task(node.ask(request).await.unwrap())
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn a_message_that_is_sent_again_while_its_task_is_being_created_joins_its_agent(bus) {
        for repeats_on in [[0, 0], [0, 1], [1, 1]] {
            for at in [100, 700, 1_500] {
                let storm = World::with(2, bus, quick()).await;
                storm.weather.set(slow(600));
                let request = identified("do work; say once; sleep 60000; done");
                let nodes = &storm.nodes;
                let first = send(&nodes[0], request.clone());
                let again = repeats_on.map(|n| (n, request.clone())).map(|(n, request)| async move {
                    sleep(Duration::from_millis(at)).await;
                    send(&nodes[n], request).await
                });
                let [second, third] = again;
                let (first, second, third) = tokio::join!(first, second, third);
                for task in [&first, &second, &third] {
                    assert_eq!(state(task), TaskState::Completed, "{repeats_on:?} at {at}");
                    assert_eq!((&task.id, texts(task)), (&first.id, vec!["once"]));
                }
                sleep(LEASE * 4).await;
                assert_eq!(state(&storm.load(&first.id).await.task), TaskState::Completed);
                assert_eq!(storm.nodes.iter().map(|node| node.cluster.running()).sum::<usize>(), 0);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_follow_up_that_is_refused_leaves_the_agent_that_asked_as_it_was(bus) {
        let storm = World::with(2, bus, quick()).await;
        let task = storm.nodes[0].send("do ask; sleep 60000; say on; done").await;
        for n in [0, 1] {
            // What was read may be claimed; the claim itself is refused for as long as the request lasts.
            storm.weather.set(Forecast { write_refused: 1.0, ..Forecast::calm() });
            let refused = storm.nodes[n].ask(follow_up(&task, "do work; done")).await;
            let refused = refused.unwrap_err();
            assert!(retry_after(&refused).is_some(), "{refused:?}");
            storm.store_returns();
            sleep(Duration::from_secs(3)).await;
            assert_eq!(storm.nodes[0].cluster.running(), 1, "refused on {n}");
        }
        sleep(Duration::from_secs(120)).await;
        let task = storm.load(&task.id).await.task;
        assert_eq!((state(&task), texts(&task)), (TaskState::Completed, vec!["on"]));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_refused_to_the_end_is_never_called_unknown(bus) {
        let storm = World::with(1, bus, quick()).await;
        let task = storm.nodes[0].send("do ask").await;
        for millis in [0, 1, 20, 300] {
            for _ in 0..60 {
                storm.weather.set(Forecast { write_refused: 1.0, ..slow(millis) });
                let refused = storm.nodes[0].ask(follow_up(&task, "do work; done")).await.unwrap_err();
                assert!(retry_after(&refused).is_some(), "{millis}: {refused:?}");
                storm.store_returns();
                sleep(Duration::from_secs(3)).await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn of_follow_ups_that_meet_an_open_agent_one_is_worked_on_and_none_is_lost(bus) {
        for stays in ["do ask; hang", "do ask; talk 0 1", "do ask; bomb; hang", "do ask"] {
            let storm = World::with(3, bus, quick()).await;
            storm.weather.set(slow(5));
            let task = storm.nodes[0].send(stays).await;
            let sent = join_all([0, 1, 2, 0].map(|n| {
                let request = follow_up(&task, &format!("do work; sleep 500; say from-{n}; done"));
                let node = &storm.nodes[n];
                async move { node.ask(request).await }
            })).await;
            let taken: Vec<_> = sent.into_iter().filter_map(Result::ok).map(expect_task).collect();
            assert_eq!(taken.len(), 1, "{stays}");
            assert_eq!(state(&taken[0]), TaskState::Completed, "{stays}");
            assert_eq!(storm.load(&task.id).await.head.claim, None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_take_over_a_message_and_a_cancel_at_once_leave_one_end_that_everybody_is_told(bus) {
        for lost in [ExecutorLost::Fail, ExecutorLost::Resume { max_attempts: 3 }] {
            for script in ["do ask; hang", "do work; hang", "do ask; hang / refuse", "do work; sleep 50000; done / refuse"] {
                for after in [14_000, 15_000, 20_000, 24_000] {
                    let storm = World::with(4, bus, quick().executor_lost(lost)).await;
                    storm.weather.set(slow(30));
                    let task = storm.nodes[0].start(script).await;
                    let events = storm.nodes[2].subscribe(&task.id).await.unwrap();
                    sleep(Duration::from_secs(6)).await;
                    storm.crash(storm.nodes[0].cluster.id());
                    sleep(Duration::from_millis(after)).await;
                    let sends = storm.nodes[1].ask(follow_up(&task, "do work; sleep 300; say x; done"));
                    let cancels = async {
                        sleep(Duration::from_millis(after % 7 * 10)).await;
                        storm.nodes[3].cancel(&task.id).await
                    };
                    let reads = events.map(Result::unwrap).collect::<Vec<_>>();
                    let all = async { tokio::join!(sends, cancels, reads) };
                    let case = format!("{lost:?} {script} after {after}");
                    let (sent, cancelled, seen) = timeout(Duration::from_secs(120), all).await.expect(&case);
                    let stored = storm.load(&task.id).await;
                    let end = state(&stored.task);
                    assert!(end.is_terminal() && stored.head.claim.is_none(), "{case}: {stored:?}");
                    assert_eq!(crate::world::last_state(&seen).as_ref(), Some(&end), "{case}");
                    if let Ok(sent) = sent {
                        assert_eq!(state(&expect_task(sent)), end, "{case}");
                    }
                    assert_eq!(cancelled.is_ok(), end == TaskState::Canceled, "{case}: {end:?}");
                    assert_eq!(storm.nodes[1..].iter().map(|node| node.cluster.running()).sum::<usize>(), 0, "{case}");
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_task_that_cannot_be_read_keeps_nobody_from_taking_the_others_over(bus) {
        for lost in [ExecutorLost::Fail, ExecutorLost::Resume { max_attempts: 3 }] {
            let storm = World::with(3, bus, Config::default().executor_lost(lost)).await;
            let tasks = join_all((0..30).map(|_| storm.nodes[0].start("do work; sleep 20000; done"))).await;
            let bad = [&tasks[0], &tasks[17]];
            bad.iter().for_each(|task| storm.weather.spoil(&key(&task.id)));
            let dead = storm.nodes[0].cluster.id();
            storm.crash(dead);
            sleep(LEASE * 4).await;
            for task in &tasks {
                let stored = storm.load(&task.id).await;
                let is_bad = bad.iter().any(|bad| bad.id == task.id);
                let expected = match lost {
                    _ if is_bad => TaskState::Working,
                    ExecutorLost::Fail => TaskState::Failed,
                    ExecutorLost::Resume { .. } => TaskState::Completed,
                };
                assert_eq!(state(&stored.task), expected, "{}", task.id);
            }
            bad.iter().for_each(|task| storm.weather.mend(&key(&task.id)));
            let mended = async {
                while !state(&storm.load(&bad[0].id).await.task).is_terminal() {
                    sleep(Duration::from_secs(1)).await;
                }
            };
            timeout(LEASE * 20, mended).await.expect("it is tried again");
            assert!(storm.store.member(&dead).await.unwrap().is_some(), "its record stays for an hour");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_leaving_instance_hands_over_is_known_to_it_and_needs_no_index(bus) {
        let config = quick().executor_lost(ExecutorLost::Resume { max_attempts: 2 });
        let storm = World::with(3, bus, config).await;
        // By then all members know how the others are reached.
        sleep(Duration::from_secs(7)).await;
        let lag = Duration::from_secs(40);
        storm.weather.set(Forecast { index_lag: Delay::between(lag, lag), ..Forecast::calm() });
        let tasks = join_all((0..20).map(|_| storm.nodes[0].start("do work; sleep 20000; say x; done"))).await;
        let left = storm.nodes[0].cluster.shutdown(Duration::from_millis(100)).await;
        assert_eq!((left.handed_over.len(), left.not_stopped.len()), (20, 0));
        if bus == Bus::Plugged {
            sleep(Duration::from_secs(1)).await;
            let running: Vec<_> = storm.nodes[1..].iter().map(|node| node.cluster.running()).collect();
            assert_eq!(running.iter().sum::<usize>(), 20, "they go on at once");
            assert!(running.iter().all(|running| *running >= 5), "{running:?}");
        }
        sleep(LEASE * 8).await;
        for task in tasks {
            let stored = storm.load(&task.id).await;
            assert_eq!((state(&stored.task), stored.head.claim), (TaskState::Completed, None));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_of_ones_own_that_nobody_works_under_is_found_on_any_page_of_the_index(bus) {
        // Far more than a page, all parked: their claims stand although nobody needs them.
        let storm = World::with(2, bus, quick()).await;
        let tasks = join_all((0..600).map(|_| storm.nodes[0].start("do work; hang"))).await;
        // Answers of all commits are lost while the agents are cancelled, for longer than anybody waits.
        storm.weather.set(Forecast { answer_lost: 1.0, ..Forecast::calm() });
        let cancels = join_all(tasks.iter().map(|task| storm.nodes[0].cancel(&task.id)));
        let _ = timeout(Duration::from_secs(8), cancels).await;
        storm.store_returns();
        sleep(LEASE * 8).await;
        let mut states = BTreeMap::new();
        for task in &tasks {
            let stored = storm.load(&task.id).await;
            assert_eq!(stored.head.claim, None);
            *states.entry(format!("{:?}", state(&stored.task))).or_insert(0) += 1;
        }
        assert_eq!(states, BTreeMap::from([("Canceled".to_owned(), 600)]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_release_that_arrives_late_ends_no_later_claim(bus) {
        let storm = World::with(2, bus, quick()).await;
        for round in 0..10 {
            storm.weather.set(Forecast {
                write_late: 0.3,
                late: a2a_testkit::Late::Writes,
                lateness: Delay::between(Duration::from_millis(1), Duration::from_secs(2)),
                ..Forecast::calm()
            });
            let mut task = storm.nodes[round % 2].send("ask").await;
            for turn in 0..4 {
                let next = if turn == 3 { "do work; sleep 700; done" } else { "do work; sleep 300; ask" };
                task = loop {
                    let node = &storm.nodes[(round + turn) % 2];
                    match node.ask(follow_up(&task, next)).await {
                        Ok(answer) => break expect_task(answer),
                        Err(error) => {
                            sleep(Duration::from_millis(500)).await;
                            let now = storm.load(&task.id).await.task;
                            assert!(retry_after(&error).is_some(), "{error:?}");
                            if now.history.iter().flatten().count() > turn + 1 {
                                // It was taken, and nobody knew.
                                let id = now.id.clone();
                                let idle = async || a2a_core::reduce::ends_turn(&state(&storm.load(&id).await.task));
                                eventually("the turn's end", idle).await;
                                break storm.load(&id).await.task;
                            }
                        }
                    }
                };
            }
            storm.store_returns();
            sleep(LEASE * 4).await;
            let stored = storm.load(&task.id).await;
            assert_eq!(state(&stored.task), TaskState::Completed, "round {round}");
            assert_eq!(stored.head.claim, None, "round {round}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_follow_up_keeps_its_claim_while_an_earlier_one_that_nobody_knew_of_is_ended(bus) {
        for lost in [ExecutorLost::Fail, ExecutorLost::Resume { max_attempts: 2 }] {
            for at in (0..200).step_by(20) {
                let storm = World::with(2, bus, Config::default().executor_lost(lost)).await;
                storm.weather.set(slow(20));
                let began = Instant::now();
                let parked = claimed_by(&storm, &storm.nodes[0], TaskState::InputRequired).await;
                // About when the instance ends the claim, having found it idle twice, a lease apart.
                sleep(LEASE * 2 + Duration::from_millis(at) - began.elapsed()).await;
                let sent = storm.nodes[0].ask(follow_up(&parked, "do work; sleep 60000; say on; done"));
                let task = expect_task(timeout(Duration::from_secs(90), sent).await.unwrap().unwrap());
                assert_eq!((state(&task), texts(&task)), (TaskState::Completed, vec!["on"]), "{lost:?} at {at}");
                sleep(LEASE).await;
                assert_eq!(storm.load(&task.id).await.head.claim, None);
            }
        }
    }
}

/// Writes a task with a claim of an instance's, who knows nothing of it.
async fn claimed_by(storm: &World, node: &Node, state: TaskState) -> Task {
    let task = Task {
        id: SystemEnv.uuid().to_string(),
        context_id: "context".into(),
        status: TaskStatus { state, message: None, timestamp: Some(SystemEnv.now()) },
        artifacts: None,
        history: Some(vec![crate::world::message("do ask")]),
        metadata: None,
    };
    let events = vec![StreamResponse::Task(task.clone())];
    let commit = Commit::new(Tip::ABSENT, CommitId::generate(&SystemEnv), events, &task)
        .claim(ClaimChange::Make { instance: node.cluster.id(), attempt: 1 });
    assert!(matches!(storm.store.commit(&key(&task.id), commit).await.unwrap(), Outcome::Applied(_)));
    task
}
