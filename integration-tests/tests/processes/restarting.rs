//! SIGTERM: a deployment replaces one process after the other, while clients work.

use std::time::Duration;

use integration_tests::processes::Show;

use crate::stage::{SHOW, crew};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_under_load_loses_nothing_and_leaves_nothing() {
    // Shorter than a task: what runs has to be handed over.
    let Some(mut crew) = crew(|plan| plan.grace = Duration::from_secs(1)).await else { return };
    let show = Show { tasks: 4, chunks: 80, gap: Duration::from_millis(50), ..SHOW };
    let old: Vec<_> = crew.nodes().iter().map(|node| node.name().to_owned()).collect();
    let mut performances = Vec::new();
    for name in &old {
        let mut performance = show.begin(&crew).await;
        performance.begun(1).await;
        performances.push(performance);
        crew.add().await;
        crew.retire(name).await;
    }
    for performance in performances {
        let review = performance.end(&crew).await;
        assert!(review.is_right(), "{:#?}{}", review.wrong, crew.words());
    }
    assert_eq!(crew.site().tasks().await, 12);
    let left = crew.shutdown().await;
    assert!(left.is_nothing(), "{left:?}");
}
