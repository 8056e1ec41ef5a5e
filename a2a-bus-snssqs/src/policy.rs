//! Who may use topic and queues, and which messages the topic puts into which queue. Values, never pasted text.

pub(crate) mod queue;
mod refusal;
pub(crate) mod topic;

use a2a_core::InstanceId;
use refusal::Refusal;
use serde_json::{Value, json};

/// The message attribute that names the recipients.
pub(crate) const TO: &str = "to";

/// What a policy lets through of what it should refuse.
pub(crate) fn missing(refusals: &[Refusal], policy: &Value, resource: &str) -> Vec<&'static str> {
    refusals
        .iter()
        .filter(|refusal| !refusal.is_in(policy, resource))
        .map(|refusal| refusal.without)
        .collect()
}

/// The filter of a subscription: messages whose attribute [`TO`] names the instance. It never changes,
/// because SNS takes up to 15 minutes to apply a change.
pub(crate) fn of_subscription(instance: InstanceId) -> Value {
    json!({ TO: [instance.to_string()] })
}

/// The value of the attribute [`TO`]: a `String.Array`, of which SNS matches each element.
pub(crate) fn recipients(to: &[InstanceId]) -> String {
    Value::from_iter(to.iter().map(InstanceId::to_string)).to_string()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_attribute_and_the_filter_use_the_same_form() {
        let (one, two) =
            (InstanceId::from_uuid(Uuid::from_u128(1)), InstanceId::from_uuid(Uuid::from_u128(2)));
        let sent: Vec<String> = serde_json::from_str(&recipients(&[one, two])).unwrap();
        assert_eq!(of_subscription(two)[TO][0], sent[1].as_str());
    }
}
