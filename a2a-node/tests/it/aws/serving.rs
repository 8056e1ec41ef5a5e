//! `serve` on a table and a topic.

use a2a::{StreamResponse, TaskState};
use a2a_testworld::Binding;
use a2a_testworld::world::{cancel, expect_task, get, request, subscribe};
use futures::StreamExt;

use super::site::Site;
use crate::alarms::{misdocumented, missing};
use crate::callers::{HEADER, long_names_are_told};
use crate::node::{soon, text};

#[tokio::test]
async fn any_process_answers_for_any_task_and_after_the_last_one_nothing_is_left() {
    let Some(site) = Site::provisioned().await else { return };
    // What `provision` printed is enough: no flag names the backends.
    let (one, other) = tokio::join!(site.serve(&[]), site.serve(&["--instances", "2"]));
    let answer = soon(one.client(0, Binding::JsonRpc).await.send_message(&request("echo hi"))).await.unwrap();
    let id = expect_task(answer).id;
    let read = soon(other.client(1, Binding::JsonRpc).await.get_task(&get(id))).await.unwrap();
    assert_eq!(read.status.state, TaskState::Completed);
    site.becomes([3, 3, 3]).await;

    for node in [one, other] {
        node.terminate().await;
        assert_eq!(node.ended().await.code(), Some(0));
    }
    assert_eq!(site.leftovers().await, [0, 0, 0]);
}

#[tokio::test]
async fn metrics_show_what_the_bus_counts() {
    let Some(site) = Site::provisioned().await else { return };
    let node = site.serve(&["--instances", "2"]).await;
    let mut events =
        soon(node.client(0, Binding::JsonRpc).await.send_streaming_message(&request("stream 100000 20")))
            .await
            .unwrap();
    let first = soon(events.next()).await.unwrap().unwrap();
    let StreamResponse::Task(task) = first else { panic!("{first:?}") };
    let mut remote =
        soon(node.client(1, Binding::JsonRpc).await.subscribe_to_task(&subscribe(&task.id))).await.unwrap();
    for _ in 0..3 {
        soon(remote.next()).await.unwrap().unwrap();
    }
    soon(node.client(0, Binding::JsonRpc).await.cancel_task(&cancel(&task.id))).await.unwrap();
    soon(remote.for_each(async |event| drop(event.unwrap()))).await;
    let shown = node.get(0, "/metrics").await.text().await.unwrap();
    assert!(shown.contains("a2a_bus_messages_sent_total"), "{shown}");
}

#[tokio::test]
async fn all_that_alarms_are_set_on_is_there_once_the_bus_is_connected() {
    let Some(site) = Site::provisioned().await else { return };
    let node = site.serve(&[]).await;
    site.becomes([1, 1, 1]).await;
    assert_eq!(missing(&node).await, [""; 0]);
    // A probe has come by then.
    soon(async {
        while !node
            .get(0, "/metrics")
            .await
            .text()
            .await
            .unwrap()
            .contains("a2a_bus_message_age_seconds_count")
        {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    })
    .await;
    assert_eq!(misdocumented(&node).await.0, [""; 0]);
}

#[tokio::test]
async fn a_caller_whose_name_is_too_long_is_told() {
    let Some(site) = Site::provisioned().await else { return };
    let node = site.serve(&["--principal-header", HEADER]).await;
    long_names_are_told(&node).await;
}

#[tokio::test]
async fn what_is_missing_at_the_start_is_told_in_a_line_and_nothing_is_left() {
    let Some(site) = Site::provisioned().await else { return };
    let table: [(&[&str], &str); 2] = [
        (
            &["--table", "tables-of-others"],
            "the table tables-of-others is not as expected: it does not exist",
        ),
        (&["--topic-arn", "topic"], "not the ARN of a standard SNS topic"),
    ];
    for (flags, reason) in table {
        let output = site.run(&[&["serve", "--listen", "127.0.0.1:0"], flags].concat()).await;
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{flags:?}: {said}");
        assert!(said.contains(reason) && output.stdout.is_empty(), "{flags:?}: {said}");
    }
    assert_eq!(site.leftovers().await, [0, 0, 0]);
}

#[tokio::test]
async fn without_the_topic_instances_serve_and_are_reached_directly() {
    let Some(site) = Site::provisioned().await else { return };
    let missing = format!("arn:aws:sns:{}:{}:missing", site.account.region(), site.account.access_key());
    let node = site.serve(&["--topic-arn", &missing]).await;
    let answer =
        soon(node.client(0, Binding::JsonRpc).await.send_message(&request("echo hi"))).await.unwrap();
    assert_eq!(expect_task(answer).status.state, TaskState::Completed);
    let ready = node.get(0, "/readyz").await;
    assert_eq!(ready.status(), 200);
    soon(async {
        while node.get(0, "/readyz").await.text().await.unwrap().contains("bus") {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    })
    .await;
    let metrics = node.get(0, "/metrics").await.text().await.unwrap();
    assert!(metrics.contains("a2a_bus_reached_by_topic 0"), "{metrics}");
    node.terminate().await;
    assert_eq!(node.ended().await.code(), Some(0));
}

#[tokio::test]
async fn a_table_that_a_template_made_is_set_up_by_whoever_comes_first() {
    let Some(site) = Site::provisioned().await else { return };
    let store = site.store();
    let items = store.client().scan().table_name(&site.table).send().await.unwrap();
    for item in items.items() {
        let key = ["pk", "sk"].map(|name| (name.to_owned(), item[name].clone()));
        let delete = store.client().delete_item().table_name(&site.table).set_key(Some(key.into()));
        delete.send().await.unwrap();
    }
    let node = site.serve(&[]).await;
    node.terminate().await;
    assert_eq!(node.ended().await.code(), Some(0));
}
