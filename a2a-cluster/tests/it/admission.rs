//! An instance takes on so much and no more: beyond that it refuses at once, and those admitted go on.

use std::sync::Arc;
use std::time::Duration;

use a2a::TaskState;
use a2a_cluster::Config;
use a2a_cluster::retry_after;
use a2a_server::{RequestHandler, ServiceParams};
use a2a_testkit::Forecast;
use a2a_testworld::principal::{PRINCIPAL, PrincipalIfAny};
use futures::future::join_all;
use tokio::time::{Instant, sleep};

use crate::world::hooked::hooked;
use crate::world::{
    World, at_once, eventually, expect_task, follow_up, on_every_bus, params, quick, request, state,
};

fn as_user(name: &str) -> ServiceParams {
    let mut params = params();
    params.insert(PRINCIPAL.into(), vec![name.to_owned()]);
    params
}

fn few() -> Config {
    quick().max_agents(8)
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn beyond_its_agents_an_instance_refuses_at_once_and_without_the_store(bus) {
        let (store, world) = hooked(2, bus, few()).await;
        let parked = world.nodes[0].send("ask").await;
        let running = join_all((0..8).map(|_| world.nodes[0].start("do work; sleep 5000; done"))).await;
        let (began, calls) = (Instant::now(), store.calls());
        for request in [request("echo hi"), follow_up(&parked, "echo hi")] {
            let refused = world.nodes[0].ask(request.clone()).await.unwrap_err();
            assert!(retry_after(&refused).is_some(), "{refused:?}");
            let refused = world.on(0).send_streaming_message(&params(), request).await.err().unwrap();
            assert!(retry_after(&refused).is_some(), "{refused:?}");
        }
        assert_eq!((began.elapsed(), store.calls()), (Duration::ZERO, calls));
        // Another instance has room; reads and cancels need none.
        assert_eq!(state(&world.nodes[1].send("echo hi").await), TaskState::Completed);
        world.nodes[0].cancel(&running[0].id).await.unwrap();
        eventually("there is room", || async { world.nodes[0].cluster.running() == 7 }).await;
        assert_eq!(state(&world.nodes[0].send("echo hi").await), TaskState::Completed);
        sleep(Duration::from_secs(6)).await;
        for task in &running[1..] {
            assert_eq!(state(&world.nodes[1].get(&task.id).await.unwrap()), TaskState::Completed);
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn one_caller_gets_half_and_another_is_still_admitted(bus) {
        let world = World::build(1, bus, |builder| builder.config(few()).callers(Arc::new(PrincipalIfAny))).await;
        let start = async |name: &str| {
            let mut request = request("do work; hang");
            request.configuration = at_once();
            world.on(0).send_message(&as_user(name), request).await.map(expect_task)
        };
        for _ in 0..4 {
            start("ann").await.unwrap();
        }
        assert!(retry_after(&start("ann").await.unwrap_err()).is_some());
        for _ in 0..4 {
            start("ben").await.unwrap();
        }
        assert!(retry_after(&start("cleo").await.unwrap_err()).is_some());
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn agents_that_are_over_give_their_place_back_however_they_end(bus) {
        let world = World::with(1, bus, few()).await;
        for script in ["echo x", "message x", "error x", "panic", "do ask", "do bomb; work", "do ask; sleep 50", "do work; error x"] {
            for _ in 0..10 {
                let answer = world.nodes[0].ask(request(script)).await;
                assert!(answer.as_ref().err().is_none_or(|error| retry_after(error).is_none()), "{script}: {answer:?}");
                sleep(Duration::from_millis(100)).await;
            }
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn while_too_many_commits_wait_for_the_store_no_more_agents_are_taken_on(bus) {
        let storm = World::with(1, bus, quick().max_waiting_commits(10)).await;
        let tasks = join_all((0..20).map(|_| storm.nodes[0].start("do work; talk 5 100; done"))).await;
        storm.weather.set(Forecast { write_refused: 1.0, ..Forecast::calm() });
        sleep(Duration::from_secs(1)).await;
        let began = Instant::now();
        let refused = storm.nodes[0].ask(request("echo hi")).await.unwrap_err();
        assert!(retry_after(&refused).is_some() && began.elapsed().is_zero());
        storm.store_returns();
        sleep(Duration::from_secs(10)).await;
        for task in tasks {
            assert_eq!(state(&storm.load(&task.id).await.task), TaskState::Completed);
        }
        assert_eq!(state(&storm.nodes[0].send("echo hi").await), TaskState::Completed);
    }
}
