//! The arrows between the crates point one way: what each may depend on, checked from `cargo metadata`.
//!
//! Dev-dependencies are exempt: tests may stand wherever they can see most.

use std::process::Command;

use serde_json::Value;

const STORES: [&str; 2] = ["a2a-store-dynamodb", "a2a-store-memory"];
const BUSES: [&str; 2] = ["a2a-bus-memory", "a2a-bus-snssqs"];
const ON_AWS: [&str; 3] = ["a2a-store-dynamodb", "a2a-bus-snssqs", "a2a-testaws"];
/// The SDK's data types: the only part of it that everybody may know.
const SDK_TYPES: &str = "a2a-lf";
const SDK_SERVING: [&str; 4] = ["a2a-server-lf", "a2a-client-lf", "a2a-grpc", "a2a-pb"];

/// What stands above everything: it runs instances to test or to measure them.
const ON_TOP: [&str; 2] = ["integration-tests", "benches"];
/// What only this repository has a use for.
const UNPUBLISHED: [&str; 4] = ["a2a-testaws", "a2a-testworld", "integration-tests", "benches"];

/// One edge out of one of our crates, dev-dependencies left out.
#[derive(Debug)]
struct Arrow {
    from: String,
    to: String,
    optional: bool,
}

struct Workspace {
    crates: Vec<Value>,
}

impl Workspace {
    /// Asks the cargo that builds this test; neither a lock file nor the network is needed for it.
    fn read() -> Self {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
        let output = Command::new(env!("CARGO"))
            .args([
                "metadata",
                "--format-version",
                "1",
                "--no-deps",
                "--offline",
                "--manifest-path",
                manifest,
            ])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
        let Value::Array(crates) = metadata["packages"].take() else { panic!("no packages") };
        Workspace { crates }
    }

    fn names(&self) -> Vec<&str> {
        self.crates.iter().map(|krate| krate["name"].as_str().unwrap()).collect()
    }

    fn arrows(&self) -> Vec<Arrow> {
        let of = |krate: &Value| {
            let from = krate["name"].as_str().unwrap().to_owned();
            let all = krate["dependencies"].as_array().unwrap().iter();
            all.filter(|to| to["kind"] != "dev")
                .map(|to| Arrow {
                    from: from.clone(),
                    to: to["name"].as_str().unwrap().to_owned(),
                    optional: to["optional"] == true,
                })
                .collect::<Vec<_>>()
        };
        self.crates.iter().flat_map(of).collect()
    }
}

/// What a crate of ours may know of our others. `None`: the crate has no place yet.
fn may_know(name: &str) -> Option<Vec<&'static str>> {
    let backends = || STORES.into_iter().chain(BUSES);
    match name {
        "a2a-core" | "a2a-testaws" => Some(vec![]),
        "a2a-testkit" | "a2a-cluster" => Some(vec!["a2a-core"]),
        name if backends().any(|backend| backend == name) => Some(vec!["a2a-core"]),
        "a2a-serve" => Some(vec!["a2a-core", "a2a-cluster", "a2a-store-memory", "a2a-bus-memory"]),
        "a2a-node" => Some(["a2a-core", "a2a-cluster", "a2a-serve"].into_iter().chain(backends()).collect()),
        "a2a-testworld" => {
            let memory = ["a2a-store-memory", "a2a-bus-memory"];
            Some(["a2a-core", "a2a-testkit", "a2a-cluster", "a2a-serve"].into_iter().chain(memory).collect())
        }
        name if ON_TOP.contains(&name) => {
            let tests = ["a2a-testkit", "a2a-testaws", "a2a-testworld"];
            let below = ["a2a-core", "a2a-cluster", "a2a-serve", "a2a-node"].into_iter().chain(tests);
            Some(below.chain(backends()).collect())
        }
        _ => None,
    }
}

fn is_aws(name: &str) -> bool {
    name.starts_with("aws-")
}

/// What speaks HTTP.
const HTTP: [&str; 8] = ["reqwest", "hyper-tls", "hyper", "hyper-util", "axum", "tonic", "tower", "a2a-grpc"];

/// Fails with all arrows that should not be.
fn none(wrong: Vec<Arrow>) {
    assert!(wrong.is_empty(), "arrows that should not be: {wrong:#?}");
}

#[test]
fn every_crate_has_a_place() {
    let workspace = Workspace::read();
    let lost: Vec<_> = workspace.names().into_iter().filter(|name| may_know(name).is_none()).collect();
    assert!(lost.is_empty(), "say in `may_know` what these crates may depend on: {lost:?}");
}

#[test]
fn our_crates_depend_on_each_other_one_way() {
    let workspace = Workspace::read();
    let names = workspace.names();
    let ours = |arrow: &Arrow| names.contains(&arrow.to.as_str());
    let wrong = |arrow: &Arrow| !may_know(&arrow.from).unwrap_or_default().contains(&arrow.to.as_str());
    none(workspace.arrows().into_iter().filter(ours).filter(wrong).collect());
}

#[test]
fn only_the_cluster_and_what_is_above_it_know_how_the_sdk_serves() {
    let serving = ["a2a-cluster", "a2a-serve", "a2a-testworld", "a2a-node"];
    let above = |from: &str| serving.contains(&from) || ON_TOP.contains(&from);
    // The agent that all tests share is one; who tests a store or a bus builds the testkit without it.
    let agent = |arrow: &Arrow| arrow.from == "a2a-testkit" && arrow.to == "a2a-server-lf" && arrow.optional;
    let wrong =
        |arrow: &Arrow| SDK_SERVING.contains(&arrow.to.as_str()) && !above(&arrow.from) && !agent(arrow);
    none(Workspace::read().arrows().into_iter().filter(wrong).collect());
}

#[test]
fn the_core_knows_only_the_data_types_of_the_sdk() {
    let from_sdk = |arrow: &Arrow| arrow.from == "a2a-core" && arrow.to.starts_with("a2a");
    let known: Vec<_> =
        Workspace::read().arrows().into_iter().filter(from_sdk).map(|arrow| arrow.to).collect();
    assert_eq!(known, [SDK_TYPES]);
}

#[test]
fn only_the_aws_backends_know_aws() {
    let wrong = |arrow: &Arrow| {
        let may = ON_AWS.contains(&arrow.from.as_str())
            || ON_TOP.contains(&arrow.from.as_str())
            || (arrow.from == "a2a-node" && arrow.optional);
        is_aws(&arrow.to) && !may
    };
    none(Workspace::read().arrows().into_iter().filter(wrong).collect());
}

#[test]
fn the_node_needs_aws_only_for_its_feature_which_is_off_by_default() {
    let workspace = Workspace::read();
    let heavy = |arrow: &Arrow| is_aws(&arrow.to) || ON_AWS.contains(&arrow.to.as_str());
    let wrong = |arrow: &Arrow| arrow.from == "a2a-node" && heavy(arrow) && !arrow.optional;
    none(workspace.arrows().into_iter().filter(wrong).collect());

    let node = workspace.crates.iter().find(|krate| krate["name"] == "a2a-node").unwrap();
    let default = node["features"]["default"].as_array().cloned().unwrap_or_default();
    assert!(!default.iter().any(|feature| feature == "aws"), "{default:?}");
}

#[test]
fn the_cluster_knows_no_http() {
    let wrong = |arrow: &Arrow| arrow.from == "a2a-cluster" && HTTP.contains(&arrow.to.as_str());
    none(Workspace::read().arrows().into_iter().filter(wrong).collect());
}

#[test]
fn the_cluster_is_built_without_any_backend() {
    let backend = |name: &str| STORES.contains(&name) || BUSES.contains(&name);
    let wrong = |arrow: &Arrow| arrow.from == "a2a-cluster" && backend(&arrow.to);
    none(Workspace::read().arrows().into_iter().filter(wrong).collect());
}

#[test]
fn nothing_is_published_by_accident_and_every_crate_says_what_it_is() {
    let said = |field: &Value| match field {
        Value::String(text) => !text.is_empty(),
        Value::Array(words) => !words.is_empty(),
        _ => false,
    };
    for krate in Workspace::read().crates {
        let name = krate["name"].as_str().unwrap();
        let published = !UNPUBLISHED.contains(&name);
        assert_eq!(krate["publish"] == Value::Array(vec![]), !published, "{name}");
        assert_eq!(krate["license"], "Apache-2.0", "{name}");
        let fields: &[&str] = if published {
            &["description", "rust_version", "readme", "keywords", "categories"]
        } else {
            &["description", "rust_version"]
        };
        for field in fields {
            assert!(said(&krate[field]), "{name} does not say its {field}");
        }
    }
}
