//! `status` shows who is there.

use serde_json::Value;

use super::site::Site;
use crate::node::{soon, text};

#[tokio::test]
async fn status_shows_each_instance_by_the_name_that_people_gave_it_and_clients_never_see_that() {
    let Some(site) = Site::provisioned().await else { return };
    let node = site.serve(&["--name", "blue-one", "--beat-interval", "0.2"]).await;
    // Its probe through the topic waits in its queue until then.
    let json = reached_by_the_topic(&site).await;
    let instance = &json["instances"][0];
    assert_eq!(instance["id"], node.instances[0].id.as_str());
    assert_eq!(instance["label"], "blue-one");

    let output = site.run(&["status"]).await;
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let line = shown.lines().nth(1).unwrap();
    assert!(line.starts_with(&node.instances[0].id) && line.contains("blue-one"), "{shown}");
    assert!(["serving", "the topic", " waiting"].iter().all(|part| line.contains(part)), "{shown}");

    // A beat may take a second on a busy machine.
    soon(async {
        loop {
            let observed = site.run(&["status", "--json", "--observe", "1"]).await;
            let observed: Value = serde_json::from_slice(&observed.stdout).unwrap();
            if observed["instances"][0]["beatMoved"].as_u64().unwrap() > 0 {
                return;
            }
        }
    })
    .await;
    assert_eq!(instance.get("beatMoved"), None);

    for path in ["/.well-known/agent-card.json", "/readyz", "/v1/tasks/none"] {
        let answer = node.get(0, path).await.text().await.unwrap();
        assert!(!answer.contains("blue-one"), "{path}: {answer}");
    }
}

/// The status once the only instance is reached by the topic and nothing waits for it.
async fn reached_by_the_topic(site: &Site) -> Value {
    let looks = async {
        loop {
            let output = site.run(&["status", "--json"]).await;
            let json: Value = serde_json::from_slice(&output.stdout).unwrap();
            let instance = &json["instances"][0];
            if instance["reach"] == "topic" && instance["queue"]["messages"] == 0 {
                return json;
            }
        }
    };
    soon(looks).await
}

#[tokio::test]
async fn an_empty_cluster_is_no_error() {
    let Some(site) = Site::provisioned().await else { return };
    let output = site.run(&["status"]).await;
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("no instance is a member of this cluster"));
}
