//! Where events stand: the same on every instance, live and from the store, before and after a take-over.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use a2a::{A2AError, StreamResponse, TaskState};
use a2a_cluster::{
    Config, EventIndex, ExecutorLost, Position, PositionedEvent, PositionedEvents, PositionedStreams, resume,
};
use a2a_core::{Replay, TaskStore, Version};
use a2a_server::{RequestHandler, ServiceParams};
use a2a_store_memory::{MemoryStore, MemoryStoreConfig};
use futures::StreamExt;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::world::{
    self, Bus, World, drain, eventually, follow_up, key, on_every_bus, params, request, subscribe,
};

/// What streams showed, held together by where it stands.
#[derive(Debug, Default)]
struct Register(BTreeMap<Position, StreamResponse>);

impl Register {
    /// Takes what one stream showed: its positions grow, and pass no event over.
    fn take(&mut self, shown: &[PositionedEvent]) {
        let mut before: Option<Position> = None;
        for PositionedEvent { event, position } in shown {
            let position = position.expect("what is in a log has a position");
            assert!(before < Some(position), "{shown:#?}");
            if let (Some(before), EventIndex::At(_)) = (before, position.index) {
                assert_eq!(position.generation, before.generation.advanced(1), "{shown:#?}");
            }
            let known = self.0.entry(position).or_insert_with(|| event.clone());
            assert_eq!(known, event, "at {position:?}");
            before = Some(position);
        }
    }

    /// Taken together, events count from 1 without a hole, and a snapshot counts those before it.
    fn check(&self) {
        let mut counted = 0;
        for position in self.0.keys() {
            counted += u64::from(matches!(position.index, EventIndex::At(_)));
            assert_eq!(position.generation.get(), counted, "{:#?}", self.0.keys());
        }
    }
}

/// Clients that declare the extension: of equal positions their cursors are equal, too.
fn declared(cursor: Option<String>) -> ServiceParams {
    let mut params = params();
    params.insert(a2a::SVC_PARAM_EXTENSIONS.into(), vec![resume::URI.to_owned()]);
    params.extend(cursor.map(|cursor| (resume::CURSOR_PARAM.to_owned(), vec![cursor])));
    params
}

fn cursor_of(shown: &PositionedEvent) -> String {
    let StreamResponse::Task(task) = &shown.event else { panic!("a stream begins with a task") };
    task.metadata.as_ref().unwrap()[resume::URI]["cursor"].as_str().unwrap().to_owned()
}

/// Reads a stream to its end, or to where its instance is lost.
async fn read(mut events: PositionedEvents, pause: Duration) -> Vec<PositionedEvent> {
    let mut shown = Vec::new();
    while let Ok(Some(Ok(next))) = timeout(Duration::from_secs(100), events.next()).await {
        shown.push(next);
        sleep(pause).await;
    }
    shown
}

/// A turn of some length that says many things in many commits, or few.
fn script(rng: &mut fastrand::Rng, end: &str) -> String {
    let steps = (0..rng.usize(1..5)).map(|_| match rng.u8(0..5) {
        0 => format!("burst {}", rng.u8(1..30)),
        1 => "say something".to_owned(),
        2 => format!("sleep {}", rng.u16(0..3_000)),
        3 => "work".to_owned(),
        _ => format!("talk {} {}", rng.u8(1..30), rng.u8(0..200)),
    });
    let steps: Vec<_> = steps.collect();
    format!("do work; {}; {end}", steps.join("; "))
}

/// One task, followed from everywhere while the instance may be lost that runs it. Tells whether it was taken over.
async fn follow_a_task(bus: Bus, seed: u64) -> bool {
    let mut rng = fastrand::Rng::with_seed(seed);
    let config = Config::default()
        .executor_lost(ExecutorLost::Resume { max_attempts: 9 })
        .ring_commits(rng.usize(1..8));
    let world = World::with(3, bus, config).await;
    let mut readers = JoinSet::new();
    let message = request(&script(&mut rng, "ask"));
    let mut sent = world.on(0).send_positioned(&declared(None), message).await.unwrap();
    let created = sent.next().await.unwrap().unwrap();
    let StreamResponse::Task(task) = created.event.clone() else { panic!("{created:?}") };
    let rest = sent.boxed();
    let first = created.clone();
    readers.spawn(async move { [vec![first], read(rest, Duration::ZERO).await].concat() });
    let lost_at = rng.usize(0..12);
    for n in 0..8 {
        sleep(Duration::from_millis(rng.u64(0..1_000))).await;
        if n == lost_at {
            world.crash(world.nodes[0].cluster.id());
        }
        let node = &world.nodes[rng.usize(usize::from(n >= lost_at)..3)];
        let events = node.handler.subscribe_positioned(&declared(None), subscribe(&task.id)).await.unwrap();
        readers.spawn(read(events, Duration::from_millis(rng.u64(0..2) * rng.u64(0..500))));
    }
    let survivor = Cell::new(false);
    eventually("the agent asks", || async {
        let head = world.head(&task.id).await;
        survivor.set(survivor.get() || head.claim.is_some_and(|claim| claim.attempt > 1));
        head.state == TaskState::InputRequired
    })
    .await;
    let answer = follow_up(&task, &script(&mut rng, "done"));
    let answered = world.on(1 + rng.usize(0..2)).send_positioned(&declared(None), answer).await.unwrap();
    readers.spawn(read(answered, Duration::ZERO));
    let mut register = Register::default();
    for shown in readers.join_all().await {
        register.take(&shown);
    }
    eventually("the agent is done", || async { world.load(&task.id).await.head.state.is_terminal() }).await;
    for node in &world.nodes[1..] {
        let again = declared(Some(cursor_of(&created)));
        let events = node.handler.subscribe_positioned(&again, subscribe(&task.id)).await.unwrap();
        register.take(&[vec![created.clone()], read(events, Duration::ZERO).await].concat());
    }
    register.check();
    check_log(&world, &task.id, &register).await;
    survivor.get()
}

/// The log has each event where its position says, and no other.
async fn check_log(world: &World, task: &str, register: &Register) {
    let Replay::Commits(log) = world.store.commits_after(&key(task), Version::ABSENT).await.unwrap() else {
        panic!("the store keeps the log of {task}");
    };
    let streamed = log.iter().flat_map(|record| {
        let events =
            record.events.iter().enumerate().filter(|(_, event)| a2a_core::reduce::is_streamed(event));
        events.map(|(index, _)| (record.version, EventIndex::At(u32::try_from(index).unwrap())))
    });
    let shown = register.0.keys().filter(|position| position.index != EventIndex::All);
    let shown: Vec<_> = shown.map(|position| (position.version, position.index)).collect();
    assert_eq!(shown, streamed.collect::<Vec<_>>());
    let end = register.0.keys().next_back().map(|position| position.generation);
    assert_eq!(end, log.last().map(|record| record.generation));
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn an_event_has_the_same_position_everywhere_whoever_runs_the_task(bus) {
        let mut taken_over = 0;
        for seed in 0..12 {
            taken_over += usize::from(follow_a_task(bus, seed).await);
        }
        assert!(taken_over >= 2, "{taken_over} tasks were taken over");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_without_positions_is_the_one_with_them(bus) {
        let world = World::new(2, bus).await;
        let task = world.nodes[0].start("do sleep 50; work; talk 20 2; done").await;
        let plain = world.nodes[1].subscribe(&task.id).await.unwrap();
        let positioned = world.on(1).subscribe_positioned(&params(), subscribe(&task.id)).await.unwrap();
        let (plain, positioned) = tokio::join!(drain(plain), read(positioned, Duration::ZERO));
        assert_eq!(plain, positioned.into_iter().map(|shown| shown.event).collect::<Vec<_>>());
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_longer_kept_stands_behind_all_of_its_commit(bus) {
        let forgetful = MemoryStoreConfig::default().log_commits(2);
        let config = world::quick().ring_commits(1);
        let store = MemoryStore::with_config(forgetful);
        let world = World::tuned(2, bus, store, config).await;
        let message = request("do work; talk 40 5; done");
        let mut events = world.on(0).send_positioned(&params(), message).await.unwrap();
        let mut shown = vec![events.next().await.unwrap().unwrap()];
        sleep(Duration::from_secs(1)).await;
        shown.extend(read(events, Duration::ZERO).await);
        let mut register = Register::default();
        register.take(&shown);
        let positions: Vec<_> = shown.iter().filter_map(|shown| shown.position).collect();
        assert_eq!(positions[0].generation.get(), 1);
        assert!(positions[1..].iter().any(|position| position.index == EventIndex::All), "{positions:?}");
        assert_eq!(positions.last().unwrap().generation.get(), 1 + 1 + 40 + 1);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_in_the_place_of_a_task_has_no_position(bus) {
        let world = World::new(1, bus).await;
        let events = world.on(0).send_positioned(&params(), request("do message hello")).await.unwrap();
        let shown = read(events, Duration::ZERO).await;
        let [PositionedEvent { event: StreamResponse::Message(_), position: None }] = &shown[..] else {
            panic!("{shown:?}");
        };
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_are_those_of_streams_without_positions(bus) {
        let world = World::new(1, bus).await;
        let code = |refused: Option<A2AError>| refused.map(|error| error.code);
        let plain = world.on(0).subscribe_to_task(&params(), subscribe("nobody")).await.err();
        let positioned = world.on(0).subscribe_positioned(&params(), subscribe("nobody")).await.err();
        assert!(plain.is_some());
        assert_eq!(code(positioned), code(plain));
        let plain = world.on(0).send_streaming_message(&params(), request("do unsupported x")).await.err();
        let positioned = world.on(0).send_positioned(&params(), request("do unsupported x")).await.err();
        assert!(plain.is_some());
        assert_eq!(code(positioned), code(plain));
        world.shutdown().await;
    }
}
