//! Pages of tasks that are large.

use a2a::ListTasksRequest;
use a2a_server::RequestHandler;

use crate::world::{World, list, on_every_bus, params};

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn a_page_of_large_tasks_ends_when_it_is_full_and_the_next_one_goes_on(bus) {
        let world = World::new(2, bus).await;
        let mut sent = Vec::new();
        for _ in 0..7 {
            sent.push(world.nodes[0].send("burst 10 noise:100000").await.id);
        }
        sent.reverse();
        let mut request = ListTasksRequest { include_artifacts: Some(true), ..list() };
        let (mut lengths, mut seen) = (Vec::new(), Vec::new());
        loop {
            let page = world.on(1).list_tasks(&params(), request.clone()).await.unwrap();
            assert_eq!((page.page_size, page.total_size), (50, 7));
            lengths.push(page.tasks.len());
            seen.extend(page.tasks.into_iter().map(|task| task.id));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = Some(page.next_page_token);
        }
        assert_eq!((lengths, seen), (vec![3, 3, 1], sent));
        let bare = world.on(1).list_tasks(&params(), list()).await.unwrap();
        assert_eq!((bare.tasks.len(), bare.next_page_token.as_str()), (7, ""));
        world.shutdown().await;
    }
}
