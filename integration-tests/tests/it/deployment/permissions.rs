//! Each role may do what the documentation says that it must, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;

use super::documented::{On, Permissions, and, on_the_bus, on_the_table};
use super::files::{cloudformation, each, terraform, text};

/// Role by role.
#[derive(Debug, PartialEq)]
struct Roles {
    runtime: Permissions,
    provisioner: Permissions,
    janitor: Permissions,
}

fn actions(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What the documentation asks for; and the key, where there is one.
fn documented() -> Roles {
    let (using_the_table, creating_the_table) = on_the_table();
    let [instance, mut operator, mut janitor] = on_the_bus();
    // `provision --dry-run`.
    operator.insert(On::Anything, actions(&["sns:ListTopics"]));
    // `status` tells how much waits in each queue.
    janitor.entry(On::Queues).or_default().insert("sqs:GetQueueAttributes".to_owned());
    // `reap` and `status`.
    let members = ["dynamodb:Query", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchGetItem"];
    let members =
        Permissions::from([(On::Table, actions(&members)), (On::Index, actions(&["dynamodb:Query"]))]);
    // An instance on ECS while agents are at work.
    let protection = actions(&["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"]);
    let protection = Permissions::from([(On::EcsTasks, protection)]);
    let key = |names: &[&str]| Permissions::from([(On::Key, actions(names))]);
    Roles {
        runtime: and(
            and(using_the_table, instance),
            and(protection, key(&["kms:Decrypt", "kms:GenerateDataKey"])),
        ),
        provisioner: and(creating_the_table, operator),
        janitor: and(and(members, janitor), key(&["kms:Decrypt"])),
    }
}

#[test]
fn the_roles_of_terraform_may_do_what_the_documentation_says() {
    let module = terraform("deploy/terraform");
    let policies = &module["data"]["aws_iam_policy_document"];
    let of = |role: &str| {
        let mut permissions = Permissions::new();
        let dynamic =
            each(&policies[role]["dynamic"]["statement"]).into_iter().map(|block| &block["content"]);
        for statement in each(&policies[role]["statement"]).into_iter().chain(dynamic) {
            assert_eq!(statement["effect"], Value::Null, "{role} is allowed, never denied");
            assert_over_tls(statement.get("condition").map(each).unwrap_or_default());
            let kinds = each(&statement["resources"]).into_iter().map(|resource| match text(resource) {
                "*" => On::Anything,
                "${local.queues}" => On::Queues,
                "${local.ecs_tasks}" => On::EcsTasks,
                "${aws_sns_topic.events.arn}" => On::Topic,
                "${aws_dynamodb_table.tasks.arn}" | "${aws_dynamodb_table.tasks.arn}-restored-*" => On::Table,
                "${statement.value}" => On::Key,
                index if index.starts_with("${aws_dynamodb_table.tasks.arn}/index/by-") => On::Index,
                index if index.starts_with("${aws_dynamodb_table.tasks.arn}-restored-*/index/by-") => {
                    On::Index
                }
                other => panic!("{role}: what is {other}?"),
            });
            for kind in kinds {
                let allowed = each(&statement["actions"]).into_iter().map(|action| text(action).to_owned());
                permissions.entry(kind).or_default().extend(allowed);
            }
        }
        permissions
    };
    let declared = Roles { runtime: of("runtime"), provisioner: of("provisioner"), janitor: of("janitor") };
    assert_eq!(declared, documented());
    assert_eq!(
        text(&module["locals"]["queues"]),
        "arn:${local.partition}:sqs:${local.place}:${local.topic}-????????-????-????-????-????????????"
    );
}

fn assert_over_tls(conditions: Vec<&Value>) {
    let over_tls = |condition: &&Value| {
        condition["test"] == "Bool"
            && condition["variable"] == "aws:SecureTransport"
            && condition["values"][0] == "true"
    };
    assert!(conditions.iter().any(over_tls), "a statement does not ask for TLS");
}

#[test]
fn the_roles_of_cloudformation_may_do_what_the_documentation_says() {
    let resources = cloudformation();
    let of = |role: &str| {
        let mut permissions = Permissions::new();
        let policy = &resources[format!("{role}Policy")]["Properties"]["PolicyDocument"];
        for statement in each(&policy["Statement"]) {
            let statement = statement.get("Fn::If").map_or(statement, |branches| &branches[1]);
            assert_eq!(statement["Effect"], "Allow");
            assert_eq!(statement["Condition"]["Bool"]["aws:SecureTransport"], "true", "{statement}");
            for resource in each(&statement["Resource"]) {
                let kind = match resource.to_string().replace("Fn::", "").as_str() {
                    r#""*""# => On::Anything,
                    r#"{"Ref":"Events"}"# => On::Topic,
                    r#"{"Ref":"KmsKeyArn"}"# => On::Key,
                    r#"{"GetAtt":["Tasks","Arn"]}"# | r#"{"Sub":"${Tasks.Arn}-restored-*"}"# => On::Table,
                    r#"{"Sub":"arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${Name}-events-????????-????-????-????-????????????"}"# => {
                        On::Queues
                    }
                    tasks if tasks.contains(":task/${EcsCluster}/*") && tasks.contains(":task/${Name}/*") => {
                        On::EcsTasks
                    }
                    index if index.starts_with(r#"{"Sub":"${Tasks.Arn}/index/by-"#) => On::Index,
                    index if index.starts_with(r#"{"Sub":"${Tasks.Arn}-restored-*/index/by-"#) => On::Index,
                    other => panic!("{role}: what is {other}?"),
                };
                let allowed = each(&statement["Action"]).into_iter().map(|action| text(action).to_owned());
                permissions.entry(kind).or_default().extend(allowed);
            }
        }
        permissions
    };
    let declared = Roles { runtime: of("Runtime"), provisioner: of("Provisioner"), janitor: of("Janitor") };
    assert_eq!(declared, documented());
}

#[test]
fn no_action_is_a_wildcard_and_only_what_cannot_be_narrowed_has_any_resource() {
    let Roles { runtime, provisioner, janitor } = documented();
    for role in [&runtime, &provisioner, &janitor] {
        assert!(role.values().flatten().all(|action| !action.contains('*')), "{role:?}");
        let anywhere = role.get(&On::Anything).cloned().unwrap_or_default();
        assert!(
            anywhere.is_subset(&actions(&["sns:ListTopics", "sns:Unsubscribe", "sqs:ListQueues"])),
            "{anywhere:?}"
        );
    }
}
