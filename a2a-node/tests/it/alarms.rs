//! What alarms are set on is there from the start: no alarm sees a rise from nothing to one.

use crate::node::Node;

/// The series that `docs/scaling.md` names for alarms.
fn documented() -> Vec<&'static str> {
    let page = include_str!("../../../docs/scaling.md");
    let section = page.split("\n## ").find(|section| section.starts_with("Alarms\n")).unwrap();
    section.split('`').filter(|quoted| quoted.starts_with("a2a_")).collect()
}

/// Those that are missing at `/metrics` of an instance that has done nothing yet.
pub(crate) async fn missing(node: &Node) -> Vec<&'static str> {
    let shown = node.get(0, "/metrics").await.text().await.unwrap();
    let is_shown = |series: &str| {
        let (name, label) = series.trim_end_matches('}').split_once('{').unwrap_or((series, ""));
        let is_it = |rest: &str| [" ", "{", "_count"].iter().any(|next| rest.starts_with(next));
        let mut lines = shown.lines().filter(|line| line.strip_prefix(name).is_some_and(is_it));
        lines.any(|line| line.contains(label))
    };
    documented().into_iter().filter(|series| !is_shown(series)).collect()
}

#[tokio::test]
async fn in_memory_only_what_counts_calls_to_aws_is_missing() {
    assert!(documented().len() > 10, "{:?}", documented());
    let missing = missing(&Node::serve(&[]).await).await;
    let of_aws = |series: &&&str| {
        ["a2a_aws_", "a2a_bus_calls_", "a2a_bus_messages_"].iter().any(|name| series.starts_with(name))
    };
    assert_eq!(missing.iter().filter(of_aws).count(), missing.len(), "{missing:?}");
    assert!(!missing.is_empty(), "the other test would be enough");
}
