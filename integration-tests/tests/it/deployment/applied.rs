//! The CloudFormation template is applied to an emulator: the node finds what it needs there, and unsafe parameters are refused.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use integration_tests::clients;
use integration_tests::endpoint::Account;
use serde_json::Value;

/// The emulator with a client for it. Its own copy: other tests choose theirs.
const EMULATOR: &str = "ministack==1.5.33";
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/apply_template.py");
const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/cloudformation/cluster.yaml");
/// The emulator knows alarms of one metric only, and no budgets.
const WITHOUT_ALARMS: &str = "Alarms=false";

/// A stack, with the emulator that it is on for as long as this lives.
struct Stack {
    told: Value,
    running: Child,
}

impl Stack {
    /// `None` where there is no emulator.
    fn applied(parameters: &[&str]) -> Option<Self> {
        let python = clients::python_with("template-venv", EMULATOR)?;
        let mut command = Command::new(python);
        command.arg(PROGRAM).arg(TEMPLATE).args(parameters);
        let mut running = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(running.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        Some(Stack { told, running })
    }

    /// Why it was refused, before anything was made.
    fn refusal(&self) -> &str {
        assert_eq!(self.told["state"], "REFUSED", "{}", self.told);
        self.told["why"][0].as_str().unwrap()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        drop(self.running.stdin.take());
        let _ = self.running.wait();
    }
}

/// Runs the node where the stack is, and returns what it says on stdout.
fn run(stack: &Stack, arguments: &[&str]) -> String {
    let [url, key] = ["url", "account"].map(|name| stack.told[name].as_str().unwrap().to_owned());
    let account = Account::at(url.clone(), url, key);
    let mut command = Command::new(env!("CARGO_BIN_EXE_trials"));
    command.args(arguments).envs(account.environment()).stdin(Stdio::piped());
    let output = command.output().unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn what_the_template_makes_is_what_the_node_looks_for() {
    let Some(stack) = Stack::applied(&["Name=a2a-prod", WITHOUT_ALARMS]) else { return };
    assert_eq!(stack.told["state"], "CREATE_COMPLETE", "{}", stack.told);
    let outputs = &stack.told["outputs"];
    let output =
        |name: &str| outputs[name].as_str().unwrap_or_else(|| panic!("{name}: {outputs}")).to_owned();
    assert_eq!((output("Name"), output("Table")), ("a2a-prod".to_owned(), "a2a-prod-tasks".to_owned()));
    assert!(output("RuntimeRoleArn").ends_with(":role/a2a-prod-runtime"), "{outputs}");
    // It takes both for its own, or would fail: a table of another schema for one. The emulator leaves TTL out
    // of what it applies, which is then switched on.
    let found = run(&stack, &["provision", "--table", "a2a-prod-tasks", "--topic", "a2a-prod-events"]);
    assert!(found.contains(&output("TopicArn")), "{found}");
    run(&stack, &["doctor", "--table", &output("Table"), "--topic-arn", &output("TopicArn")]);
}

#[tokio::test]
async fn the_template_refuses_what_would_let_in_more_than_was_meant() {
    let cases = [
        ("Name=a2a-tasks-restored-1", "-tasks-restored is for tables"),
        ("Name=a2a-", "a letter or digit at both ends"),
        ("RunsOn=eks-pod-identity", "EksClusterArn must name the cluster"),
        ("RunsOn=eks-web-identity", "OidcProviderArn must name the provider"),
        ("OnDemandReads=100", "both, or neither"),
        ("Namespace=*", "Namespace"),
    ];
    for (parameter, why) in cases {
        let Some(stack) = Stack::applied(&[parameter, WITHOUT_ALARMS]) else { return };
        assert!(stack.refusal().contains(why), "{parameter}: {}", stack.refusal());
    }
}

#[tokio::test]
async fn every_place_to_run_can_be_applied() {
    let provider =
        "OidcProviderArn=arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/A";
    let cases: [&[&str]; 3] = [
        &["RunsOn=ec2", "OnDemandReads=100", "OnDemandWrites=100"],
        &["RunsOn=eks-pod-identity", "EksClusterArn=arn:aws:eks:us-east-1:123456789012:cluster/a"],
        &["RunsOn=eks-web-identity", provider, "Publishers=arn:aws:iam::123456789012:role/one"],
    ];
    for parameters in cases {
        let Some(stack) = Stack::applied(&[parameters, &[WITHOUT_ALARMS]].concat()) else { return };
        assert_eq!(stack.told["state"], "CREATE_COMPLETE", "{}", stack.told);
    }
}
