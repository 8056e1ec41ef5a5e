//! The manifests for Kubernetes: by the schemas of its own API, and by what an instance needs and must not have.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use integration_tests::clients;
use serde_json::{Value, json};

use super::files::{each, text, yaml};
use super::settings::settings;

const FOLDER: &str = "deploy/kubernetes";
/// Brings the schemas of each version of Kubernetes.
const CHECKER: &str = "kubernetes-validate==1.37.0";
/// The oldest version that knows all that is used, and the newest there is a schema for.
const VERSIONS: [&str; 2] = ["1.31", "1.37"];
/// Of Kubernetes itself; a PodMonitor and a Kustomization are of others.
const OWN: [&str; 7] = [
    "settings.yaml",
    "service-account.yaml",
    "deployment.yaml",
    "service.yaml",
    "disruption-budget.yaml",
    "network-policy.yaml",
    "autoscaler/autoscaler.yaml",
];

fn manifest(name: &str) -> Value {
    yaml(&format!("{FOLDER}/{name}"))
}

fn pod() -> Value {
    manifest("deployment.yaml")["spec"]["template"]["spec"].take()
}

fn labels() -> Value {
    json!({ "app.kubernetes.io/name": "a2a-node" })
}

/// The environment variables of the container that stand in the manifest itself, and their values.
fn environment() -> Vec<(String, Value)> {
    let container = pod()["containers"][0].take();
    let pairs = each(&container["env"]).into_iter();
    pairs.map(|pair| (text(&pair["name"]).to_owned(), pair["value"].clone())).collect()
}

#[test]
fn every_manifest_is_valid_in_old_and_new_versions_of_kubernetes() {
    let Some(python) = clients::python_with("kubernetes-venv", CHECKER) else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(FOLDER);
    for version in VERSIONS {
        let mut command = Command::new(python.with_file_name("kubernetes-validate"));
        command.args(["--strict", "-k", version]).args(OWN).current_dir(&folder);
        let checked = command.output().unwrap();
        let said = [&checked.stdout[..], &checked.stderr[..]].map(String::from_utf8_lossy).concat();
        assert!(checked.status.success(), "{version}: {said}");
        assert_eq!(said.matches(" passed ").count(), OWN.len(), "{version}: {said}");
    }
}

#[test]
fn the_kustomization_names_every_manifest_or_a_component_does() {
    let base = manifest("kustomization.yaml");
    let mut named: BTreeSet<_> =
        each(&base["resources"]).into_iter().map(|name| text(name).to_owned()).collect();
    for (component, resource) in [("pod-monitor", "pod-monitor.yaml"), ("autoscaler", "autoscaler.yaml")] {
        let file = manifest(&format!("{component}/kustomization.yaml"));
        assert_eq!(file["kind"], "Component");
        assert_eq!(file["resources"], json!([resource]));
        named.insert(format!("{component}/{resource}"));
    }
    let expected = OWN.into_iter().chain(["pod-monitor/pod-monitor.yaml"]).map(str::to_owned).collect();
    assert_eq!(named, expected);
    assert_eq!(base["images"][0]["name"], pod()["containers"][0]["image"]);
    assert_ne!(base["images"][0]["newTag"], "latest");
    // Labels that go into selectors also go into those of the network policy's peers.
    assert_eq!(base["commonLabels"], Value::Null);
    for labels in each(&base["labels"]) {
        assert_eq!(labels["includeSelectors"], false);
    }
}

#[test]
fn an_instance_is_told_only_what_it_reads_and_is_told_all_it_needs() {
    let known = settings();
    let configured = manifest("settings.yaml")["data"].take();
    let configured = configured.as_object().unwrap().keys().cloned();
    let told: BTreeSet<_> = configured.chain(environment().into_iter().map(|(name, _)| name)).collect();
    let ours = told.iter().filter(|name| !name.starts_with("AWS_"));
    let unknown: Vec<_> = ours.filter(|name| !known.contains(*name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    for name in
        ["AWS_REGION", "A2A_TABLE", "A2A_TOPIC_ARN", "A2A_PUBLIC_URL", "A2A_LISTEN", "A2A_STORE", "A2A_BUS"]
    {
        assert!(told.contains(name), "{name}");
    }
    let container = pod()["containers"][0].take();
    assert_eq!(
        container["envFrom"][0]["configMapRef"]["name"],
        manifest("settings.yaml")["metadata"]["name"]
    );
    assert_eq!(container["args"], json!(["serve"]));
    let listen = environment().into_iter().find(|(name, _)| name == "A2A_LISTEN").unwrap().1;
    assert_eq!(text(&listen), format!("0.0.0.0:{}", container["ports"][0]["containerPort"]));
}

#[test]
fn probes_restart_what_is_dead_and_not_what_is_unready() {
    let container = pod()["containers"][0].take();
    let asks = |probe: &str| {
        (container[probe]["httpGet"]["path"].clone(), container[probe]["httpGet"]["port"].clone())
    };
    let port = container["ports"][0]["name"].clone();
    for (probe, path) in
        [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]
    {
        assert_eq!(asks(probe), (path.into(), port.clone()), "{probe}");
    }
}

#[test]
fn a_pod_has_the_time_to_drain_and_no_second_wait() {
    let pod = pod();
    let seconds = |name: &str| -> u64 {
        let found = environment().into_iter().find(|(known, _)| known == name).unwrap();
        text(&found.1).parse().unwrap()
    };
    let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    let drain = seconds("A2A_DRAIN_DELAY");
    assert!(grace > drain + seconds("A2A_SHUTDOWN_GRACE") + 5, "{grace}");
    // The instance itself waits for the load balancer.
    assert_eq!(pod["containers"][0]["lifecycle"], Value::Null);
    // As long as it takes until nobody sends, with a quarter of the delay to tell those who stay connected.
    let probe = &pod["containers"][0]["readinessProbe"];
    let unready = probe["periodSeconds"].as_u64().unwrap() * probe["failureThreshold"].as_u64().unwrap();
    assert!(unready * 4 <= drain * 3, "{unready} of {drain}");

    let deployment = manifest("deployment.yaml");
    assert_eq!(deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"], 0);
    let down = manifest("autoscaler/autoscaler.yaml")["spec"]["behavior"]["scaleDown"].take();
    assert!(down["policies"][0]["periodSeconds"].as_u64().unwrap() > grace, "one stop after the other");
    assert_eq!(manifest("disruption-budget.yaml")["spec"]["maxUnavailable"], 1);
}

#[test]
fn an_instance_has_no_rights_that_it_does_not_need() {
    let pod = pod();
    assert_eq!(pod["automountServiceAccountToken"], false);
    let whole = &pod["securityContext"];
    assert_eq!((&whole["runAsNonRoot"], &whole["runAsUser"]), (&json!(true), &json!(65532)));
    assert_eq!(whole["seccompProfile"]["type"], "RuntimeDefault");
    let container = &pod["containers"][0];
    let own = &container["securityContext"];
    assert_eq!(own["allowPrivilegeEscalation"], false);
    assert_eq!(own["readOnlyRootFilesystem"], true);
    assert_eq!(own["capabilities"], json!({ "drop": ["ALL"] }));
    assert!(
        container["resources"]["requests"]["memory"].is_string()
            && container["resources"]["limits"]["memory"].is_string()
    );
    // A pause is taken for a death.
    assert_eq!(container["resources"]["limits"]["cpu"], Value::Null);
    let keys: Vec<_> = each(&pod["topologySpreadConstraints"])
        .iter()
        .map(|one| text(&one["topologyKey"]))
        .map(str::to_owned)
        .collect();
    assert_eq!(keys, ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]);
    assert_eq!(pod["serviceAccountName"], manifest("service-account.yaml")["metadata"]["name"]);
    let role =
        manifest("service-account.yaml")["metadata"]["annotations"]["eks.amazonaws.com/role-arn"].take();
    assert!(text(&role).ends_with("-runtime"), "{role}");
}

#[test]
fn only_labelled_pods_reach_an_instance_and_it_reaches_no_machines_metadata() {
    let policy = manifest("network-policy.yaml")["spec"].take();
    assert_eq!(policy["policyTypes"], json!(["Ingress", "Egress"]));
    let from = each(&policy["ingress"]);
    assert_eq!(from.len(), 1);
    let peers = each(&from[0]["from"]);
    assert_eq!(peers.len(), 1);
    assert_eq!(peers[0]["podSelector"]["matchLabels"], json!({ "a2a-cluster/may-reach": "a2a-node" }));
    for rule in each(&policy["egress"]) {
        for peer in each(&rule["to"]).into_iter().filter(|peer| peer["ipBlock"]["cidr"] == "0.0.0.0/0") {
            assert_eq!(peer["ipBlock"]["except"], json!(["169.254.0.0/16"]));
            assert_eq!(rule["ports"], json!([{ "protocol": "TCP", "port": 443 }]));
        }
    }
}

#[test]
fn all_manifests_mean_the_same_pods_and_port() {
    let deployment = manifest("deployment.yaml");
    assert_eq!(deployment["spec"]["template"]["metadata"]["labels"], labels());
    assert_eq!(deployment["spec"]["selector"]["matchLabels"], labels());
    assert_eq!(manifest("service.yaml")["spec"]["selector"], labels());
    for (name, selector) in [
        ("disruption-budget.yaml", "selector"),
        ("network-policy.yaml", "podSelector"),
        ("pod-monitor/pod-monitor.yaml", "selector"),
    ] {
        assert_eq!(manifest(name)["spec"][selector]["matchLabels"], labels(), "{name}");
    }
    let monitor = manifest("pod-monitor/pod-monitor.yaml");
    assert_eq!(
        (&monitor["apiVersion"], &monitor["kind"]),
        (&json!("monitoring.coreos.com/v1"), &json!("PodMonitor"))
    );
    let endpoint = &monitor["spec"]["podMetricsEndpoints"][0];
    let port = pod()["containers"][0]["ports"][0]["name"].clone();
    assert_eq!((&endpoint["path"], &endpoint["port"]), (&json!("/metrics"), &port));
    let service = manifest("service.yaml");
    assert_eq!(service["spec"]["ports"][0]["targetPort"], port);
    let scaled = manifest("autoscaler/autoscaler.yaml")["spec"]["scaleTargetRef"].take();
    assert_eq!(scaled["name"], deployment["metadata"]["name"]);
}
