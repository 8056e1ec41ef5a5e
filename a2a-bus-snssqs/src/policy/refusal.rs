//! One thing that a policy refuses to all: as a statement, and whether a policy has one that comes to the same.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// What is refused, whoever asks for it and whatever their role allows.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// The statement's name: letters and digits.
    pub(crate) sid: &'static str,
    /// What a policy without it lets happen, for an operator.
    pub(crate) without: &'static str,
    pub(crate) actions: &'static [&'static str],
    pub(crate) condition: Value,
}

impl Refusal {
    /// The statement that refuses it.
    pub(crate) fn statement(&self, resource: &str) -> Value {
        let Refusal { sid, actions, condition, .. } = self;
        json!({
            "Sid": sid,
            "Effect": "Deny",
            "Principal": "*",
            "Action": actions,
            "Resource": resource,
            "Condition": condition,
        })
    }

    /// Tells whether a policy refuses it: perhaps under another name, beside more, or under one condition of ours alone.
    pub(crate) fn is_in(&self, policy: &Value, resource: &str) -> bool {
        let wanted = Conditions::read(&self.condition);
        list(part(policy, "Statement")).into_iter().any(|statement| {
            let all = [json!("*"), json!({ "AWS": "*" }), json!({ "AWS": ["*"] })];
            let actions = words(part(statement, "Action"));
            let actions = actions.iter().map(|action| action.to_ascii_lowercase()).collect();
            let resources = words(part(statement, "Resource"));
            part(statement, "Effect") == "Deny"
                && all.contains(part(statement, "Principal"))
                && self.actions.iter().all(|action| covers(&actions, &action.to_ascii_lowercase()))
                && (resources.contains("*") || resources.contains(resource))
                && Conditions::read(part(statement, "Condition")).refuse_all_of(&wanted)
        })
    }
}

/// Conditions by operator and key, so that their order and writing do not matter.
#[derive(Debug)]
struct Conditions(BTreeMap<(String, String), BTreeSet<String>>);

impl Conditions {
    fn read(condition: &Value) -> Self {
        let operators = condition.as_object().into_iter().flatten();
        let keys = operators.flat_map(|(operator, keys)| {
            // Of ARNs, `Equals` and `Like` are one operator.
            let operator = operator.to_ascii_lowercase().replace("arnnotequals", "arnnotlike");
            keys.as_object()
                .into_iter()
                .flatten()
                .map(move |(key, values)| ((operator.clone(), key.to_ascii_lowercase()), words(values)))
        });
        Conditions(keys.collect())
    }

    /// Tells whether a statement under these conditions refuses whatever one under the wanted ones does: it has none that they
    /// have not, and lets nobody else through.
    fn refuse_all_of(&self, wanted: &Conditions) -> bool {
        self.0.iter().all(|(key, values)| {
            wanted.0.get(key).is_some_and(|allowed| match key.0.contains("not") {
                true => values.is_subset(allowed),
                false => values.is_superset(allowed),
            })
        })
    }
}

fn covers(patterns: &BTreeSet<String>, text: &str) -> bool {
    let service = text.split_once(':').map(|(service, _)| format!("{service}:*"));
    [Some("*"), Some(text), service.as_deref()]
        .into_iter()
        .flatten()
        .any(|pattern| patterns.contains(pattern))
}

/// What a policy says under a name; null where it says nothing.
fn part<'a>(of: &'a Value, name: &str) -> &'a Value {
    of.get(name).unwrap_or(&Value::Null)
}

/// A policy writes a list of one as that one.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        value => vec![value],
    }
}

fn words(value: &Value) -> BTreeSet<String> {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    list(value).into_iter().map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESOURCE: &str = "arn:aws:sns:eu-west-1:123456789012:a2a";

    fn refusal() -> Refusal {
        Refusal {
            sid: "OnlyQueues",
            without: "",
            actions: &["sns:Subscribe"],
            condition: json!({ "StringNotEquals": { "sns:Protocol": "sqs" } }),
        }
    }

    fn policy(changes: &[(&str, Value)]) -> Value {
        let mut statement = refusal().statement(RESOURCE);
        for (name, value) in changes {
            statement[*name] = value.clone();
        }
        json!({ "Statement": [{ "Effect": "Allow" }, statement] })
    }

    #[test]
    fn a_policy_may_say_the_same_in_other_words() {
        for same in [
            &[][..],
            &[("Sid", json!("Other"))],
            &[("Principal", json!({ "AWS": "*" }))],
            &[("Action", json!(["SNS:Publish", "SNS:Subscribe"]))],
            &[("Action", json!("sns:*"))],
            &[("Resource", json!("*"))],
            &[("Condition", json!({ "StringNotEquals": { "sns:protocol": ["sqs"] } }))],
        ] {
            assert!(refusal().is_in(&policy(same), RESOURCE), "{same:?}");
        }
        assert!(refusal().is_in(&json!({ "Statement": refusal().statement(RESOURCE) }), RESOURCE));
    }

    #[test]
    fn what_refuses_less_is_not_the_same() {
        for less in [
            ("Effect", json!("Allow")),
            ("Condition", json!({ "StringNotEquals": { "sns:Protocol": "SQS" } })),
            ("Principal", json!({ "AWS": "arn:aws:iam::123456789012:root" })),
            ("Action", json!("sns:Publish")),
            ("Resource", json!("arn:aws:sns:eu-west-1:123456789012:other")),
            ("Condition", json!({ "StringNotEquals": { "sns:Protocol": ["sqs", "https"] } })),
            ("Condition", json!({ "StringEquals": { "sns:Protocol": "sqs" } })),
            (
                "Condition",
                json!({
                    "StringNotEquals": { "sns:Protocol": "sqs" }, "Bool": { "aws:SecureTransport": "false" },
                }),
            ),
        ] {
            assert!(!refusal().is_in(&policy(std::slice::from_ref(&less)), RESOURCE), "{less:?}");
        }
        assert!(!refusal().is_in(&json!({}), RESOURCE));
    }
}
