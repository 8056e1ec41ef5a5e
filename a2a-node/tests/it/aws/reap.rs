//! `reap` removes what dead instances left, when it is told to.

use super::site::Site;
use crate::node::text;

#[tokio::test]
async fn reap_shows_what_it_would_remove_and_removes_it_only_when_told_to() {
    let Some(site) = Site::provisioned().await else { return };
    let mut node = site.serve(&[]).await;
    let id = node.instances[0].id.clone();
    site.becomes([1, 1, 1]).await;
    node.kill().await;

    let shown = site.run(&["reap", "--lease", "0.6"]).await;
    let (lines, said) = (text(&shown.stdout), text(&shown.stderr));
    assert!(shown.status.success(), "{said}");
    assert!(lines.contains(&format!("would declare dead ({id}): it did not move")), "{lines}");
    assert!(said.contains("nothing was changed"), "{said}");
    assert_eq!(site.leftovers().await, [1, 1, 1]);

    let shown = text(&site.run(&["reap", "--lease", "0.6", "--json"]).await.stdout);
    let first: serde_json::Value = serde_json::from_str(shown.lines().next().unwrap()).unwrap();
    assert_eq!((&first["instance"], &first["applied"]), (&id.as_str().into(), &false.into()), "{shown}");
    assert_eq!((&first["action"], first.get("resource")), (&"declare dead".into(), None), "{shown}");

    let done = site.run(&["reap", "--lease", "0.6", "--apply"]).await;
    let lines = text(&done.stdout);
    assert!(done.status.success(), "{}", text(&done.stderr));
    for what in ["did declare dead", "did remove queue and subscription", "did remove membership record"] {
        assert!(lines.contains(what), "{lines}");
    }
    assert_eq!(site.leftovers().await, [0, 0, 0]);

    let nothing = site.run(&["reap", "--apply"]).await;
    assert!(nothing.status.success() && nothing.stdout.is_empty());
    assert!(text(&nothing.stderr).contains("nothing to remove"));
}

#[tokio::test]
async fn reap_leaves_the_living_alone() {
    let Some(site) = Site::provisioned().await else { return };
    let node = site.serve(&["--beat-interval", "0.1"]).await;
    site.becomes([1, 1, 1]).await;
    let done = site.run(&["reap", "--lease", "10", "--apply"]).await;
    assert!(done.status.success() && done.stdout.is_empty(), "{}", text(&done.stdout));
    assert_eq!(site.leftovers().await, [1, 1, 1]);
    node.terminate().await;
    assert_eq!(node.ended().await.code(), Some(0));
}

#[tokio::test]
async fn queues_without_a_record_are_removed_and_only_on_request_where_none_has_one() {
    let Some(site) = Site::provisioned().await else { return };
    let mut node = site.serve(&[]).await;
    site.becomes([1, 1, 1]).await;
    node.kill().await;
    let id = node.instances[0].id.parse().map(a2a_core::InstanceId::from_uuid).unwrap();
    a2a_core::Membership::remove(&site.store(), &id).await.unwrap();

    let refused = site.run(&["reap", "--apply"]).await;
    assert!(text(&refused.stderr).contains("is this the right --table?"), "{}", text(&refused.stderr));
    assert_eq!(site.leftovers().await, [1, 1, 0]);

    let done = site.run(&["reap", "--apply", "--when-nobody-is-alive"]).await;
    let lines = text(&done.stdout);
    assert!(lines.contains("did remove queue and subscription"), "{lines}");
    assert_eq!(site.leftovers().await, [0, 0, 0]);
}
