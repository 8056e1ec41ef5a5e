//! An agent's silence and its turn as a whole are bounded; what it says is kept as it said it.

use std::time::Duration;

use a2a::{StreamResponse, TaskState};
use a2a_cluster::{Cluster, Config, StartError};
use a2a_serve::GatewayHeader;
use a2a_store_memory::{MemoryStore, MemoryStoreConfig};
use a2a_testkit::Forecast;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::time::{Instant, sleep};

use crate::world::{
    World, card, drain, eventually, fold, follow_up, on_every_bus, quick, state, texts, visible, webhooks,
};
use a2a_testkit::ScriptedAgent;

fn limited(silence: u64, turn: u64) -> Config {
    quick().agent_silence(Duration::from_secs(silence)).turn_limit(Duration::from_secs(turn))
}

fn reason(task: &a2a::Task) -> &str {
    task.status.message.as_ref().and_then(a2a::Message::text).unwrap_or_default()
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn an_agent_that_says_nothing_for_too_long_is_asked_to_stop_and_its_task_fails(bus) {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let _installed = metrics::set_default_local_recorder(&recorder);
        let world = World::with(2, bus, limited(10, 3600)).await;
        let scripts = ["do hang", "do work; hang", "do work; say x; hang / hang", "do work; bomb; hang / panic", "do work; hang / refuse"];
        for script in scripts {
            let began = Instant::now();
            let task = world.nodes[0].send(script).await;
            assert_eq!(state(&task), TaskState::Failed, "{script}");
            assert!((10..13).contains(&began.elapsed().as_secs()), "{script}: {:?}", began.elapsed());
            assert_eq!(visible(&world.nodes[1].get(&task.id).await.unwrap()), visible(&task));
            eventually("its end", || async { world.nodes[0].cluster.running() == 0 }).await;
        }
        let task = world.nodes[0].send("do work; hang / hang").await;
        assert_eq!(reason(&task), "the agent said nothing for too long");
        let overdue = format!("a2a_agents_overdue_total {}", scripts.len() + 1);
        assert!(handle.render().contains(&overdue), "{}", handle.render());
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_speaks_now_and_then_may_go_on_until_its_turn_is_too_long(bus) {
        let world = World::with(1, bus, limited(10, 100)).await;
        let task = world.nodes[0].send("do work; talk 10 9000; done").await;
        assert_eq!(state(&task), TaskState::Completed);
        let began = Instant::now();
        let task = world.nodes[0].send("do work; talk 0 5000 / hang").await;
        assert_eq!((state(&task), reason(&task)), (TaskState::Failed, "the agent took too long"));
        assert_eq!(began.elapsed().as_secs(), 100);
        assert!(texts(&task).len() >= 19);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_parked_task_is_not_its_agents(bus) {
        let world = World::with(1, bus, limited(10, 100)).await;
        let task = world.nodes[0].send("do ask; hang").await;
        sleep(Duration::from_secs(1000)).await;
        assert_eq!(world.nodes[0].cluster.running(), 1);
        let answer = world.nodes[0].ask(follow_up(&task, "do work; sleep 5000; done")).await;
        assert_eq!(state(&crate::world::expect_task(answer.unwrap())), TaskState::Completed);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_cannot_be_heard_is_not_silent(bus) {
        let storm = World::with(1, bus, limited(60, 3600)).await;
        sleep(Duration::from_secs(7)).await;
        let task = storm.nodes[0].start("do work; talk 60 5000; done").await;
        storm.weather.set(Forecast { write_refused: 1.0, read_failed: 1.0, ..Forecast::calm() });
        sleep(Duration::from_secs(600)).await;
        storm.store_returns();
        sleep(Duration::from_secs(600)).await;
        let task = storm.load(&task.id).await.task;
        assert_eq!((state(&task), texts(&task).len()), (TaskState::Completed, 60));
    }

    #[tokio::test(start_paused = true)]
    async fn data_that_could_not_be_read_back_is_not_stored(bus) {
        let world = World::new(2, bus).await;
        for script in ["do work; deep 40", "do work; deep 120", "do deep 120", "do work; deep 120; done", "do sleep 100; deep 126"] {
            let answer = world.nodes[0].ask(crate::world::request(script)).await;
            if let Ok(a2a::SendMessageResponse::Task(task)) = answer {
                assert_eq!(state(&task), TaskState::Failed, "{script}");
                let text = serde_json::to_string(&world.load(&task.id).await.task).unwrap();
                serde_json::from_str::<a2a::Task>(&text).expect(script);
                assert_eq!(state(&world.nodes[1].get(&task.id).await.unwrap()), TaskState::Failed);
            } else {
                assert_eq!(script, "do deep 120", "a direct answer is not stored");
            }
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn of_an_agent_that_shows_whole_tasks_no_part_but_the_last_is_marked_as_that(bus) {
        let world = World::new(1, bus).await;
        let events = drain(world.nodes[0].stream("do work; show 5 20; done").await).await;
        assert_eq!(texts(&fold(&events)), ["0", "1", "2", "3", "4"]);
        let marked = events.iter().filter(|event| matches!(event, StreamResponse::ArtifactUpdate(u) if u.last_chunk == Some(true)));
        assert_eq!(marked.count(), 0);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_for_slow_readers_is_bounded_over_all_tasks_and_none_misses_anything(bus) {
        let config = quick().ring_total_bytes(20_000);
        let store = MemoryStore::with_config(MemoryStoreConfig::default().log_commits(10_000));
        let world = World::tuned(2, bus, store, config).await;
        let script = "do work; talk 100 5; done";
        let tasks = futures::future::join_all((0..20).map(|_| world.nodes[0].start(script))).await;
        let mut streams = Vec::new();
        for (n, task) in tasks.iter().enumerate() {
            streams.push(world.nodes[n % 2].subscribe(&task.id).await.unwrap());
        }
        sleep(Duration::from_secs(10)).await;
        for events in streams {
            let task = fold(&drain(events).await);
            assert_eq!((state(&task), texts(&task).len()), (TaskState::Completed, 100));
        }
        world.shutdown().await;
    }
}

#[tokio::test]
async fn settings_that_cannot_be_meant_are_refused_at_the_start() {
    let config = quick().beat_interval(Duration::from_secs(5)).lease(Duration::from_secs(5));
    let store = std::sync::Arc::new(MemoryStore::new());
    let builder = Cluster::builder(std::sync::Arc::new(ScriptedAgent::default()), card())
        .webhooks(webhooks())
        .store(store)
        .config(config);
    let error = builder.start().await.unwrap_err();
    assert!(matches!(&error, StartError::Config(why) if why.contains("lease")), "{error}");
}

#[tokio::test]
async fn a_header_by_which_a_caller_is_known_is_not_for_agents() {
    let start = async |headers: &[&str]| {
        let builder = Cluster::builder(std::sync::Arc::new(ScriptedAgent::default()), card())
            .webhooks(webhooks())
            .store(std::sync::Arc::new(MemoryStore::new()))
            .callers(std::sync::Arc::new(GatewayHeader::new("x-user".parse().unwrap())))
            .config(quick().agent_headers(headers.iter().map(|&name| name.to_owned()).collect()));
        builder.start().await
    };
    let error = start(&["x-locale", "X-User"]).await.unwrap_err();
    assert!(matches!(&error, StartError::Config(why) if why.contains("x-user")), "{error}");
    start(&["x-locale"]).await.unwrap().shutdown(Duration::ZERO).await;
}
