//! What alarms are set on is there from the start: no alarm sees a rise from nothing to one; and is what it is documented as.

use a2a_testworld::Binding;
use a2a_testworld::world::request;

use crate::node::{Node, soon};

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

/// The metrics at `/metrics` of an instance whose documentation says that they are something else, or nothing, and how many
/// there are.
pub(crate) async fn misdocumented(node: &Node) -> (Vec<String>, usize) {
    let tables = [
        include_str!("../../../a2a-cluster/src/ground/telemetry/mod.rs"),
        include_str!("../../../a2a-serve/src/metrics.rs"),
        include_str!("../../../a2a-bus-snssqs/README.md"),
        include_str!("../../src/aws/meter/mod.rs"),
    ];
    let shown = node.get(0, "/metrics").await.text().await.unwrap();
    let kinds: Vec<_> =
        shown.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let is_told = |(name, kind): &(&str, &str)| {
        tables.iter().any(|table| table.contains(&format!("| `{name}` | {kind} |")))
    };
    let wrong = kinds.iter().filter(|shown| !is_told(shown)).map(|(name, kind)| format!("{name}: {kind}"));
    (wrong.collect(), kinds.len())
}

#[tokio::test]
async fn whatever_is_exported_is_documented_as_what_it_is() {
    let node = Node::serve(&[]).await;
    soon(node.client(0, Binding::JsonRpc).await.send_message(&request("echo hi"))).await.unwrap();
    let (wrong, all) = misdocumented(&node).await;
    assert_eq!((wrong, all > 25), (vec![], true), "{all}");
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
