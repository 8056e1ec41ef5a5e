//! SIGKILL.

use std::time::Duration;

use integration_tests::processes::Show;

use crate::stage::crew;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_whose_executor_is_killed_goes_on_elsewhere_and_every_stream_has_all_of_it() {
    let Some(mut crew) = crew(|_| ()).await else { return };
    let show = Show {
        tasks: 2,
        chunks: 40,
        gap: Duration::from_millis(50),
        watchers: 2,
        patience: Duration::from_secs(60),
    };
    let mut performance = show.begin(&crew).await;
    let tasks = performance.begun(2).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    let victim = crew.executor_of(&tasks[0]).await.unwrap().name().to_owned();
    crew.kill(&victim).await;
    let review = performance.end(&crew).await;
    assert!(review.is_right(), "{review:#?}{}", crew.words());
    let left = crew.shutdown().await;
    assert_eq!(left.members, Vec::<String>::new());
}
