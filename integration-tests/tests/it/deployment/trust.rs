//! Who may take the roles: what runs the instances, of this account, and no more of it than was named.

use serde_json::Value;

use super::files::{cloudformation, each, terraform, text};

/// Each service with the keys of the conditions that narrow it down.
fn in_terraform() -> Vec<(String, Vec<String>)> {
    let module = terraform("deploy/terraform");
    let blocks = each(&module["data"]["aws_iam_policy_document"]["instances"]["dynamic"]["statement"]);
    let statements = blocks.into_iter().map(|block| {
        let statement = &block["content"];
        let keys = each(&statement["condition"]).into_iter();
        let keys = keys.map(|condition| {
            assert_ne!(condition["values"], serde_json::json!(["*"]));
            text(&condition["variable"]).to_owned()
        });
        (text(&statement["principals"]["identifiers"][0]).to_owned(), keys.collect())
    });
    statements.collect()
}

#[test]
fn terraform_lets_only_ecs_have_the_runtime_role_unless_it_is_told_otherwise() {
    let runs_on = terraform("deploy/terraform")["variable"]["runs_on"].take();
    assert_eq!(runs_on["default"], serde_json::json!({}));
    let kinds = text(&runs_on["type"]);
    assert!(kinds.contains("ecs = optional(bool, true)"), "{kinds}");
    assert!(kinds.contains("ec2 = optional(bool, false)"), "{kinds}");
    assert_eq!(kinds.matches("})), [])").count(), 2, "no service account by default: {kinds}");
}

#[test]
fn each_service_is_believed_for_this_account_and_for_what_is_named_only() {
    let issuer = r#"${split("oidc-provider/", statement.value.oidc_provider_arn)[1]}"#;
    let of = |service: &str, keys: &[&str]| {
        (service.to_owned(), keys.iter().map(|key| (*key).to_owned()).collect())
    };
    let tags = [
        "aws:RequestTag/eks-cluster-arn",
        "aws:RequestTag/kubernetes-namespace",
        "aws:RequestTag/kubernetes-service-account",
    ];
    let expected: [(String, Vec<String>); 4] = [
        of("ecs-tasks.amazonaws.com", &["aws:SourceAccount", "aws:SourceArn"]),
        of("ec2.${data.aws_partition.current.dns_suffix}", &[]),
        of("pods.eks.amazonaws.com", &tags),
        of("${statement.value.oidc_provider_arn}", &[&format!("{issuer}:sub"), &format!("{issuer}:aud")]),
    ];
    assert_eq!(in_terraform(), expected);

    let trust = &cloudformation()["Runtime"]["Properties"]["AssumeRolePolicyDocument"]["Fn::If"];
    assert_eq!(trust[0], "OnWebIdentity");
    let web: Value = serde_json::from_str(text(&trust[1]["Fn::Sub"][0])).unwrap();
    let asked = &web["Statement"][0]["Condition"]["StringEquals"];
    assert_eq!(asked["${Issuer}:sub"], "system:serviceaccount:${Namespace}:${ServiceAccount}");
    assert_eq!(asked["${Issuer}:aud"], "sts.amazonaws.com");
    let pods = &trust[2]["Statement"][0]["Fn::If"];
    assert_eq!(
        (&pods[0], &pods[1]["Principal"]["Service"]),
        (&"OnPodIdentity".into(), &"pods.eks.amazonaws.com".into())
    );
    for (tag, value) in tags.iter().zip(["EksClusterArn", "Namespace", "ServiceAccount"]) {
        assert_eq!(pods[1]["Condition"]["StringEquals"][tag]["Ref"], value);
    }
    let ecs = &pods[2]["Fn::If"][2];
    assert_eq!(ecs["Principal"]["Service"], "ecs-tasks.amazonaws.com");
    assert_eq!(ecs["Condition"]["StringEquals"]["aws:SourceAccount"]["Ref"], "AWS::AccountId");
    assert!(text(&ecs["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"]).ends_with(":${AWS::AccountId}:*"));
}

#[test]
fn what_ecs_does_for_a_task_is_done_for_this_account_only() {
    let module = terraform("deploy/terraform/ecs");
    let documents = &module["data"]["aws_iam_policy_document"];
    let keys: Vec<_> = each(&documents["ecs_tasks"]["statement"]["condition"]);
    let keys: Vec<_> = keys.into_iter().map(|condition| text(&condition["variable"])).collect();
    assert_eq!(keys, ["aws:SourceAccount", "aws:SourceArn"]);
    // Of secrets it reads what the task is given.
    let read = each(&documents["secrets"]["dynamic"]["statement"]).into_iter();
    let read: Vec<_> =
        read.map(|block| (text(&block["content"]["resources"]), text(&block["for_each"]))).collect();
    assert_eq!(read.len(), 3);
    for ((resources, among), wanted) in
        read.iter().zip(["local.secrets", "local.parameters", "var.secrets_kms"])
    {
        assert_eq!(*resources, "${statement.value}");
        assert!(among.contains(wanted), "{among}");
    }
}
