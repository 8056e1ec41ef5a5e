//! Clients of other languages, with the packages that their users have.

use integration_tests::clients;

use crate::stage::{PATIENCE, cluster};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_client_works_with_two_nodes_of_one_cluster_by_every_binding() {
    let Some(python) = clients::python() else { return };
    let own_cards =
        |plan: &mut integration_tests::processes::Plan| (plan.nodes, plan.behind_load_balancer) = (2, false);
    let Some(cluster) = cluster(own_cards).await else { return };
    let urls: Vec<_> = cluster.nodes().iter().map(|node| format!("http://{}", node.http())).collect();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    let run = clients::run(&python, "two_nodes.py", &urls);
    let output = tokio::time::timeout(PATIENCE, run).await.expect("the client hangs").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    println!("{said}");
    assert!(output.status.success(), "{said}{complained}{}", cluster.words());
    let left = cluster.shutdown().await;
    assert!(left.is_nothing(), "{left:?}");
}
