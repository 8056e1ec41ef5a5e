//! A panic anywhere in an agent fails its task, is logged and counted, and harms nothing else.

use std::time::Duration;

use a2a::TaskState;
use a2a_server::RequestHandler;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::time::{Instant, sleep, timeout};

use crate::telemetry::logs::Logs;
use crate::world::{
    World, drain, eventually, expect_task, fold, follow_up, on_every_bus, params, quick, state,
};

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn an_agent_that_panics_fails_its_task_wherever_it_does(bus) {
        let scripts = [
            "do panic",
            "do work; panic",
            "do work; sleep 100; panic",
            "do work; burst 500; panic",
            "do panic-in-call",
            "do panic-nastily",
            "do work; panic-nastily",
            "do bomb; work",
            "do bomb; work; say x",
            "do bomb; work; panic",
        ];
        let world = World::new(2, bus).await;
        for script in scripts {
            let task = world.nodes[0].send(script).await;
            assert_eq!(state(&task), TaskState::Failed, "{script}");
            let seen = fold(&drain(world.nodes[1].stream(script).await).await);
            assert_eq!(state(&seen), TaskState::Failed, "{script}");
            assert_eq!(world.nodes.iter().map(|node| node.cluster.running()).sum::<usize>(), 0, "{script}");
        }
        // What was said before the end stays said.
        let task = world.nodes[0].send("do bomb; work; done").await;
        assert_eq!(state(&task), TaskState::Completed);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_panics_while_it_is_stopped_or_asked_to_cancel_is_cancelled(bus) {
        let scripts = [
            "do work; bomb; hang",
            "do work; hang / panic",
            "do work; hang / panic-in-call",
            "do work; hang / panic-nastily",
            "do work; hang / bomb; canceled",
            "do work; hang / bomb; hang",
            "do work; bomb; hang / bomb; panic",
            "do work; bomb; talk 0 1 / hang",
        ];
        for script in scripts {
            for n in 0..2 {
                let world = World::new(2, bus).await;
                let task = world.nodes[0].start(script).await;
                sleep(Duration::from_millis(50)).await;
                let ended = timeout(Duration::from_secs(10), world.nodes[n].cancel(&task.id)).await.expect(script);
                let told = world.nodes[n].get(&task.id).await.unwrap();
                assert!(state(&told).is_terminal(), "{script}: {ended:?}");
                eventually("the agent's end", || async { world.nodes[0].cluster.running() == 0 }).await;
                let began = Instant::now();
                assert_eq!(world.nodes[0].cluster.shutdown(Duration::from_secs(60)).await.not_stopped, []);
                assert!(began.elapsed() < Duration::from_secs(1), "{script}: {:?}", began.elapsed());
                world.shutdown().await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_panics_when_a_shutdown_drops_it_holds_nothing_up(bus) {
        for script in ["do work; bomb; hang", "do bomb; hang", "do bomb; ask; hang"] {
            let world = World::new(2, bus).await;
            let task = world.nodes[0].start(script).await;
            let began = Instant::now();
            let left = world.nodes[0].cluster.shutdown(Duration::from_millis(100)).await;
            assert!(began.elapsed() < Duration::from_secs(1), "{script}: {:?}", began.elapsed());
            assert_eq!((left.not_stopped.len(), world.nodes[0].cluster.running()), (0, 0), "{script}");
            let expected = if script.contains("ask") { TaskState::InputRequired } else { TaskState::Failed };
            assert_eq!(state(&world.nodes[1].get(&task.id).await.unwrap()), expected, "{script}");
            world.shutdown().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_panics_when_a_follow_up_takes_its_place_does_not_harm_that(bus) {
        for n in 0..2 {
            let world = World::new(2, bus).await;
            let task = world.nodes[0].send("do bomb; ask; hang").await;
            let answer = world.on(n).send_message(&params(), follow_up(&task, "do work; say x; done")).await;
            assert_eq!(state(&expect_task(answer.unwrap())), TaskState::Completed);
            eventually("its end", || async { world.nodes[0].cluster.running() == 0 }).await;
            world.shutdown().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_leaves_a_log_line_with_its_task_and_is_counted(bus) {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let _installed = metrics::set_default_local_recorder(&recorder);
        let logs = Logs::capture();
        let world = World::with(1, bus, quick()).await;
        let task = world.nodes[0].send("do work; panic").await;
        let cancelled = world.nodes[0].start("do work; bomb; hang / hang").await;
        world.nodes[0].cancel(&cancelled.id).await.unwrap();
        eventually("its end", || async { world.nodes[0].cluster.running() == 0 }).await;
        let text = logs.text();
        for id in [&task.id, &cancelled.id] {
            let said = text.lines().any(|line| line.contains("an agent panicked") && line.contains(id.as_str()));
            assert!(said, "{text}");
        }
        let rendered = handle.render();
        assert!(rendered.contains("a2a_agent_panics_total 2"), "{rendered}");
        for outcome in ["failed", "canceled"] {
            assert!(rendered.contains(&format!("a2a_turns_total{{outcome=\"{outcome}\"}} 1")), "{rendered}");
        }
        world.shutdown().await;
    }
}
