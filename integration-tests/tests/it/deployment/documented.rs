//! What the documentation of the AWS crates says that each role must be allowed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::files::{each, read, text};

/// Kinds of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum On {
    Table,
    Index,
    Queues,
    Topic,
    /// Tasks of ECS: the instances themselves.
    EcsTasks,
    Key,
    /// Of what cannot be narrowed down.
    Anything,
}

/// The actions that are allowed on each kind of resource.
pub(crate) type Permissions = BTreeMap<On, BTreeSet<String>>;

/// What the table's README says of whoever uses it, and of whoever creates it.
pub(crate) fn on_the_table() -> (Permissions, Permissions) {
    let readme = read("a2a-store-dynamodb/README.md");
    let section = readme.split("\n## ").find(|section| section.starts_with("Permissions")).unwrap();
    let (using, creating) = section.split_once("Whoever calls `create_table`").unwrap();
    let (table, rest) = using.split_once("index/*`:").unwrap();
    let (index, describing) = rest.split_once(';').unwrap();
    let used = actions_in(table).into_iter().chain(actions_in(describing)).collect();
    (
        Permissions::from([(On::Table, used), (On::Index, actions_in(index))]),
        Permissions::from([(On::Table, actions_in(creating))]),
    )
}

/// What the bus's README says of an instance, of whoever makes the topic, and of whoever releases orphans: a policy each.
pub(crate) fn on_the_bus() -> [Permissions; 3] {
    let readme = read("a2a-bus-snssqs/README.md");
    let section = readme.split("\n# ").find(|section| section.starts_with("Permissions")).unwrap();
    let policies = section.split("```json").skip(1).map(|rest| rest.split("```").next().unwrap());
    let permissions: Vec<_> = policies.map(|policy| of_policy(policy, kind)).collect();
    permissions.try_into().expect("three policies")
}

fn of_policy(json: &str, kind: impl Fn(&str) -> On) -> Permissions {
    let policy: Value = serde_json::from_str(json).unwrap();
    let mut permissions = Permissions::new();
    for statement in each(&policy["Statement"]) {
        for resource in each(&statement["Resource"]) {
            let actions = each(&statement["Action"]).into_iter().map(|action| text(action).to_owned());
            permissions.entry(kind(text(resource))).or_default().extend(actions);
        }
    }
    permissions
}

fn kind(resource: &str) -> On {
    match resource {
        "arn:aws:sqs:REGION:ACCOUNT:TOPIC-????????-????-????-????-????????????" => On::Queues,
        "arn:aws:sns:REGION:ACCOUNT:TOPIC" => On::Topic,
        "*" => On::Anything,
        other => panic!("what is {other}?"),
    }
}

fn actions_in(markdown: &str) -> BTreeSet<String> {
    let words = markdown.split('`').skip(1).step_by(2);
    words.filter(|word| word.starts_with("dynamodb:")).map(str::to_owned).collect()
}

/// Both together.
pub(crate) fn and(mut one: Permissions, other: Permissions) -> Permissions {
    for (on, actions) in other {
        one.entry(on).or_default().extend(actions);
    }
    one
}
