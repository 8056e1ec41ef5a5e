//! What becomes of a task whose store refuses a commit for good.

use std::time::Duration;

use a2a::TaskState;
use a2a_cluster::retry_after;
use a2a_core::{TaskQuery, TaskStore, Tenant};
use tokio::time::{Instant, timeout};

use crate::world::hooked::{Call, Fate, hooked};
use crate::world::{eventually, on_every_bus, quick, request, state, texts};

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn a_commit_that_is_refused_for_good_fails_its_task_at_once_and_its_caller_is_told_so(bus) {
        for (script, refused, said) in [
            ("do work; sleep 100; say x; sleep 100; say y; done", 2, 0),
            ("do work; sleep 100; say x; sleep 100; say y; hang", 3, 1),
            ("do work; sleep 100; done", 2, 0),
        ] {
            let (store, world) = hooked(2, bus, quick()).await;
            let mut commits = 0;
            store.set(move |call, _, _| {
                commits += usize::from(call == Call::Commit);
                if call == Call::Commit && commits == refused { Fate::Rejected } else { Fate::Answered }
            });
            let began = Instant::now();
            let sent = timeout(Duration::from_secs(5), world.nodes[0].ask(request(script))).await.unwrap();
            assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
            assert_eq!(retry_after(&sent.unwrap_err()), None, "its task was made");
            let query = TaskQuery { artifacts: true, ..TaskQuery::new(Tenant::default(), None, 9) };
            let listed = async || store.inner.list(&query).await.unwrap().tasks.remove(0);
            eventually("its end", async || state(&listed().await) == TaskState::Failed).await;
            assert_eq!(texts(&listed().await).len(), said);
            let why = listed().await.status.message.and_then(|message| message.text().map(str::to_owned));
            assert_eq!(why.as_deref(), Some("the server could not go on with the task"));
            eventually("the agent's end", || async { world.nodes[0].cluster.running() == 0 }).await;
            world.shutdown().await;
        }
    }
}
