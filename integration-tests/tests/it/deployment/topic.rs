//! What the topic's policy refuses, in both declarations: it is asked about requests.

use std::collections::BTreeMap;

use serde_json::Value;

use super::files::{cloudformation, each, terraform, text};
use super::pattern::fits;

const ACCOUNT: &str = "123456789012";
const RUNTIME: &str = "arn:aws:iam::123456789012:role/a2a-runtime";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:a2a-events-01999999-0000-7000-8000-000000000001";

/// A statement that refuses.
#[derive(Debug, PartialEq)]
struct Deny {
    actions: Vec<String>,
    operator: String,
    key: String,
    values: Vec<String>,
}

/// A request to the topic, as IAM sees it.
#[derive(Clone)]
struct Request {
    action: &'static str,
    keys: BTreeMap<&'static str, String>,
}

impl Request {
    fn subscribe(protocol: &str, endpoint: &str) -> Self {
        let request = Request { action: "sns:Subscribe", keys: BTreeMap::new() };
        request.by(RUNTIME).with("sns:Protocol", protocol).with("sns:Endpoint", endpoint)
    }

    fn publish(principal: &str) -> Self {
        Request { action: "sns:Publish", keys: BTreeMap::new() }.by(principal)
    }

    fn by(self, principal: &str) -> Self {
        let account = principal.split(':').nth(4).unwrap().to_owned();
        let named = self.with("aws:PrincipalArn", principal).with("aws:PrincipalAccount", &account);
        named.with("aws:SecureTransport", "true")
    }

    fn with(mut self, key: &'static str, value: &str) -> Self {
        self.keys.insert(key, value.to_owned());
        self
    }
}

impl Deny {
    fn hits(&self, request: &Request) -> bool {
        let value = request.keys.get(self.key.as_str());
        let any = |fits: &dyn Fn(&str, &str) -> bool| {
            value.is_some_and(|value| self.values.iter().any(|wanted| fits(wanted, value)))
        };
        let condition = match self.operator.as_str() {
            "Bool" => any(&|wanted, value| wanted == value),
            // A key that is missing is not equal.
            "StringNotEquals" => !any(&|wanted, value| wanted == value),
            "StringNotLike" | "ArnNotEquals" => !any(&|wanted, value| fits(wanted, value)),
            other => panic!("what is {other}?"),
        };
        condition && self.actions.iter().any(|action| action == request.action)
    }
}

fn in_terraform() -> Vec<Deny> {
    let module = terraform("deploy/terraform");
    let locals = &module["locals"];
    let put = |value: &str| {
        let whole = value.replace("${local.queues}", text(&locals["queues"]));
        let whole = whole.replace("${local.topic}", text(&locals["topic"]));
        let whole = whole.replace("${local.place}", "eu-west-1:${local.account}");
        let whole = whole.replace("${var.name}", "a2a").replace("${local.partition}", "aws");
        whole.replace("${local.account}", ACCOUNT)
    };
    let statements = each(&module["data"]["aws_iam_policy_document"]["topic"]["statement"]).into_iter();
    let denials = statements.map(|statement| {
        assert_eq!(statement["effect"], "Deny");
        assert_eq!(statement["resources"], serde_json::json!(["${aws_sns_topic.events.arn}"]));
        assert_eq!(statement["principals"]["identifiers"][0], "*");
        let condition = &statement["condition"];
        let values = match &condition["values"] {
            Value::String(expression) => {
                assert_eq!(expression, "${concat([aws_iam_role.runtime.arn], var.publishers)}");
                vec![RUNTIME.to_owned()]
            }
            values => each(values).into_iter().map(|value| put(text(value))).collect(),
        };
        Deny {
            actions: each(&statement["actions"]).into_iter().map(|action| text(action).to_owned()).collect(),
            operator: text(&condition["test"]).to_owned(),
            key: text(&condition["variable"]).to_owned(),
            values,
        }
    });
    let denials = denials.collect();
    assert_eq!(module["variable"]["publishers"]["default"], serde_json::json!([]));
    denials
}

fn in_cloudformation() -> Vec<Deny> {
    let resources = cloudformation();
    let policy = &resources["EventsPolicy"]["Properties"];
    assert_eq!(policy["Topics"], serde_json::json!([{ "Ref": "Events" }]));
    let statements = each(&policy["PolicyDocument"]["Statement"]).into_iter();
    let denials = statements.map(|statement| {
        assert_eq!((&statement["Effect"], &statement["Principal"]), (&"Deny".into(), &"*".into()));
        assert_eq!(statement["Resource"]["Ref"], "Events");
        let (operator, keys) = statement["Condition"].as_object().unwrap().iter().next().unwrap();
        let (key, value) = keys.as_object().unwrap().iter().next().unwrap();
        let value = match value {
            Value::String(value) => value.clone(),
            reference if reference["Ref"] == "AWS::AccountId" => ACCOUNT.to_owned(),
            // The last branch is that without further publishers.
            branches if branches["Fn::If"][0] == "HasPublishers" => {
                assert_eq!(branches["Fn::If"][2][0]["Fn::GetAtt"][0], "Runtime");
                RUNTIME.to_owned()
            }
            put => {
                let whole = text(&put["Fn::Sub"]).replace("${AWS::Partition}", "aws");
                let whole = whole.replace("${AWS::Region}", "eu-west-1").replace("${Name}", "a2a");
                whole.replace("${AWS::AccountId}", ACCOUNT)
            }
        };
        Deny {
            actions: each(&statement["Action"]).into_iter().map(|action| text(action).to_owned()).collect(),
            operator: operator.clone(),
            key: key.clone(),
            values: vec![value],
        }
    });
    denials.collect()
}

#[test]
fn the_topic_refuses_whom_no_role_of_the_cluster_stands_for() {
    let policy = in_terraform();
    assert_eq!(policy, in_cloudformation());
    let refused = |request: &Request| policy.iter().any(|statement| statement.hits(request));

    let (subscribe, publish) = (Request::subscribe("sqs", QUEUE), Request::publish(RUNTIME));
    assert!(!refused(&subscribe), "an instance subscribes its queue");
    assert!(!refused(&publish), "an instance publishes");
    for request in [&subscribe, &publish] {
        assert!(refused(&request.clone().with("aws:SecureTransport", "false")), "in clear text");
        assert!(refused(&request.clone().by("arn:aws:iam::210987654321:role/a2a-runtime")), "elsewhere");
    }
    assert!(refused(&Request::publish("arn:aws:iam::123456789012:role/a2a-janitor")));
    assert!(refused(&Request::publish("arn:aws:iam::123456789012:user/admin")));
    let nobody = Request { action: "sns:Publish", keys: [("aws:SecureTransport", "true".to_owned())].into() };
    assert!(refused(&nobody), "a service, which has no account");

    assert!(refused(&Request::subscribe("https", "https://example.com/")), "an address outside");
    assert!(refused(&Request::subscribe("lambda", QUEUE)));
    let elsewhere = QUEUE.replace(ACCOUNT, "210987654321");
    assert!(refused(&Request::subscribe("sqs", &elsewhere)), "a queue of another account");
    for name in ["a2a-prod-events", "a2a-events-prod", "a2a-events-stolen"] {
        let queue = QUEUE.replace("a2a-events", name);
        assert!(refused(&Request::subscribe("sqs", &queue)), "{queue}");
    }
    assert!(refused(&Request::subscribe("sqs", QUEUE.rsplit_once('-').unwrap().0)), "any other name");
}

#[test]
fn topic_and_table_have_the_tag_that_queues_have() {
    let module = terraform("deploy/terraform");
    let tags = text(&module["locals"]["tags"]);
    assert!(tags.contains(r#""a2a:deployment" = local.topic"#), "{tags}");
    assert_eq!(module["locals"]["topic"], "${var.name}-events");
    for (kind, name) in [("aws_sns_topic", "events"), ("aws_dynamodb_table", "tasks")] {
        assert_eq!(module["resource"][kind][name]["tags"], "${local.tags}", "{kind}");
    }
    let resources = cloudformation();
    let tag = serde_json::json!([{ "Key": "a2a:deployment", "Value": { "Fn::Sub": "${Name}-events" } }]);
    for name in ["Events", "Tasks"] {
        assert_eq!(resources[name]["Properties"]["Tags"], tag, "{name}");
    }
}
