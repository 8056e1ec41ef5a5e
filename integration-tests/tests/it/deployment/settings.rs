//! What `deploy/` tells the node are settings that it has, and the node starts with them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use integration_tests::endpoint::{self, Service};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::files::{read, terraform, text, yaml};

const COMPOSE: &str = "deploy/docker/compose.yaml";

/// The node, as this package builds it: it ends when its standard input closes.
fn node() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trials"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}

/// The environment variables that `serve` reads, by its own help.
pub(crate) fn settings() -> BTreeSet<String> {
    let output = node().args(["serve", "--help"]).spawn().unwrap().wait_with_output().unwrap();
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    let found: BTreeSet<_> = variables(&help);
    assert!(found.len() > 10, "{help}");
    found
}

/// The words of a text that are our environment variables.
fn variables(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_uppercase() && c != '_' && !c.is_ascii_digit());
    words.filter(|word| word.starts_with("A2A_")).map(str::to_owned).collect()
}

fn environment(service: &Value) -> BTreeMap<String, String> {
    let pairs = service["environment"].as_object().unwrap();
    pairs.iter().map(|(name, value)| (name.clone(), text(value).to_owned())).collect()
}

#[test]
fn terraform_sets_only_what_the_node_reads() {
    let module = terraform("deploy/terraform/ecs");
    let set = variables(text(&module["locals"]["environment"]));
    assert!(set.contains("A2A_TABLE") && set.contains("A2A_TOPIC_ARN"), "{set:?}");
    let unknown: Vec<_> = set.difference(&settings()).cloned().collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn compose_and_dockerfile_set_only_what_the_node_reads() {
    let (settings, compose) = (settings(), yaml(COMPOSE));
    let of_nodes = (1..=3).flat_map(|n| environment(&compose["services"][format!("node-{n}")]));
    let of_image = variables(&read("deploy/docker/Dockerfile"));
    let set = of_nodes.map(|(name, _)| name).filter(|name| !name.starts_with("AWS_")).chain(of_image);
    let unknown: Vec<_> = set.filter(|name| !settings.contains(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn instances_get_longer_to_stop_than_their_agents_get_to_finish() {
    let node = &yaml(COMPOSE)["services"]["node-1"];
    let seconds = |value: &str| value.trim_end_matches('s').parse::<u32>().unwrap();
    let grace = seconds(&environment(node)["A2A_SHUTDOWN_GRACE"]);
    // What `Config::shutdown_limit` adds.
    let limit = 5;
    assert!(seconds(text(&node["stop_grace_period"])) > grace + limit);

    let module = terraform("deploy/terraform/ecs");
    assert_eq!(module["locals"]["stops_within"], "${var.drain_delay + var.shutdown_grace + 5}");
    let task = &module["resource"]["aws_ecs_task_definition"]["instance"];
    assert_eq!(task["lifecycle"]["precondition"]["condition"], "${local.stops_within + 5 <= 120}");
    let container = text(&task["container_definitions"]);
    assert!(container.contains("stopTimeout = 120"), "{container}");
    let default = |name: &str| module["variable"][name]["default"].as_u64().unwrap();
    assert!(default("drain_delay") + default("shutdown_grace") + 10 <= 120);
}

#[test]
fn the_proxy_of_compose_passes_streams_of_every_instance_through() {
    let proxy = read("deploy/docker/nginx.conf");
    for line in
        ["proxy_http_version 1.1;", "proxy_buffering off;", "proxy_read_timeout 1h;", "grpc_read_timeout 1h;"]
    {
        assert!(proxy.contains(line), "{line}");
    }
    let compose = yaml(COMPOSE);
    let services = compose["services"].as_object().unwrap();
    assert!(proxy.contains("resolver 127.0.0.11 valid=1s"), "names are asked for anew");
    assert_eq!(proxy.matches("\n        zone ").count(), proxy.matches("\n    upstream ").count());
    let image = text(&services["proxy"]["image"]);
    let version = image.strip_prefix("nginx:1.").and_then(|version| version.split(['.', '-']).next());
    assert!(version.unwrap().parse::<u32>().unwrap() > 27, "{image} knows no `resolve`");
    for name in services.keys().filter(|name| name.starts_with("node-")) {
        // An instance that was made again has another address.
        assert!(proxy.contains(&format!("server {name}:8080 resolve ")), "{name}");
        assert!(proxy.contains(&format!("server {name}:9080 resolve ")), "{name}");
    }
    assert_eq!(services["localstack"]["image"], "localstack/localstack:4.14.0");
}

#[test]
fn the_image_is_built_from_every_crate_of_the_workspace() {
    let manifest = read("Cargo.toml");
    let members = manifest.split_once("members = [").unwrap().1.split_once(']').unwrap().0;
    let ignored = read("deploy/docker/Dockerfile.dockerignore");
    let kept: Vec<_> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    for member in members.split('"').skip(1).step_by(2) {
        let is_kept = |pattern: &&str| match pattern.strip_suffix('*') {
            Some(stem) => member.starts_with(stem),
            None => member == *pattern,
        };
        assert!(kept.iter().any(is_kept), "{member}");
    }
}

/// Runs what compose runs, at the endpoint of the tests.
#[tokio::test]
async fn the_node_starts_with_what_compose_tells_it() {
    let Some(aws) = endpoint::aws() else { return };
    let compose = yaml(COMPOSE);
    // Names of its own, in case the endpoint is not.
    let mark = std::process::id().to_string();
    let ours = |word: &str| {
        word.replace("a2a-tasks", &format!("a2a-tasks-{mark}"))
            .replace("a2a-events", &format!("a2a-events-{mark}"))
    };
    let run = |service: &str| {
        let service = &compose["services"][service];
        let mut command = node();
        command.args(service["command"].as_array().unwrap().iter().map(|word| ours(text(word))));
        for (name, value) in environment(service) {
            command.env(name, ours(&value));
        }
        command.env("A2A_LISTEN", "127.0.0.1:0").env("A2A_GRPC_LISTEN", "127.0.0.1:0");
        command.env_remove("AWS_ENDPOINT_URL");
        for (name, at) in [("DYNAMODB", Service::DynamoDb), ("SNS", Service::Sns), ("SQS", Service::Sqs)] {
            command.env(format!("AWS_ENDPOINT_URL_{name}"), aws.url(at));
        }
        command
    };

    let made = run("provision").spawn().unwrap().wait_with_output().unwrap();
    assert!(made.status.success());
    let made = String::from_utf8(made.stdout).unwrap();
    for name in ["A2A_TABLE", "A2A_TOPIC_ARN"] {
        let told = ours(&environment(&compose["services"]["node-1"])[name]);
        let line = made.lines().find(|line| line.starts_with(&format!("export {name}="))).unwrap();
        assert_eq!(line.split_once('=').unwrap().1.trim_matches(['\'', '"']), told);
    }

    let mut serving: Child = run("node-1").spawn().unwrap();
    let mut announced = String::new();
    BufReader::new(serving.stdout.take().unwrap()).read_line(&mut announced).unwrap();
    let announced: Value = serde_json::from_str(&announced).unwrap();
    assert_eq!(announced["instances"].as_array().map(Vec::len), Some(1), "{announced}");
    kill_process(Pid::from_child(&serving), Signal::TERM).unwrap();
    // Waiting would close its standard input, which ends it the hard way.
    let stdin = serving.stdin.take();
    assert!(serving.wait().unwrap().success());
    drop(stdin);
}
