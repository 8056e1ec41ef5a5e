//! Agents that panic, and agents whose words are nested too deep.

use std::sync::Arc;
use std::time::{Duration, Instant};

use a2a::TaskState;
use a2a_testworld::Backends;
use futures::future::join_all;

use super::eventually;
use super::stage::Stage;

pub async fn a_panic_anywhere_in_an_agent_fails_its_task_and_nothing_else(backends: Arc<dyn Backends>) {
    let mut stage = Stage::of(backends).await;
    let (beside, origin) = stage.open(0, "do work; latch end; done").await;
    for script in
        ["do work; panic", "do panic-in-call", "do bomb; work; panic-nastily", "do work; bomb; fail"]
    {
        let failed = stage.at(0).send(script).await;
        assert_eq!(failed.status.state, TaskState::Failed, "{script}");
        assert_eq!(stage.agreed(&failed.id, &[]).await, failed);
    }
    for (from, script) in [(0, "do bomb; work; latch never / panic"), (1, "do bomb; work; latch never")] {
        let task = stage.at(0).begin(script).await;
        // By whom it ends is not the same on each way.
        let _ = stage.at(from).cancel(&task.id).await;
        eventually("the end", async || stage.at(2).get(&task.id).await.unwrap().status.state.is_terminal())
            .await;
    }
    eventually("the end of all that panicked", async || stage.fleet.running(0) == 1).await;
    stage.fleet.latches().open("end");
    stage.agree(&beside.id, vec![origin]).await;
    let last = stage.at(0).begin("do bomb; work; latch never").await;
    let leaving = Instant::now();
    stage.fleet.retire(0, Duration::ZERO).await;
    assert!(leaving.elapsed() < Duration::from_secs(30), "{:?}", leaving.elapsed());
    assert_eq!(stage.at(1).get(&last.id).await.unwrap().status.state, TaskState::Failed);
    stage.leave().await;
}

pub async fn what_an_agent_nests_can_be_read_everywhere_however_deep(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    let mut ends = Vec::new();
    for depth in [10, 30, 60, 120, 200] {
        for script in [format!("do work; data {depth}; done"), format!("do work; deep {depth}")] {
            let begun = stage.at(0).begin(&script).await;
            eventually("its end", async || {
                stage.at(1).get(&begun.id).await.unwrap().status.state.is_terminal()
            })
            .await;
            let reads = [0, 1, 2].map(|instance| stage.at(instance).get(&begun.id));
            let reads = join_all(reads).await.into_iter().map(Result::unwrap).collect::<Vec<_>>();
            assert!(reads.iter().all(|read| *read == reads[0]), "{script}");
            assert_eq!(stage.fleet.log(&begun.id).await.task().status.state, reads[0].status.state);
            ends.push((depth, reads[0].status.state.clone()));
        }
    }
    let completed = |(depth, state): &(usize, TaskState)| (*state == TaskState::Completed).then_some(*depth);
    let taken: Vec<_> = ends.iter().filter_map(completed).collect();
    assert!(taken.contains(&10) && !taken.contains(&120), "{taken:?}");
    stage.leave().await;
}
