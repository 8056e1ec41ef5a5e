//! What to do with a received body. Whatever it is, the worst is one dropped message.

use a2a_core::{BusMessage, InstanceId, wire};

/// How often an unreadable message is delivered before it is deleted.
pub(crate) const DELIVERIES: u32 = 3;

/// What to do with a received message.
#[derive(Debug, PartialEq)]
pub(crate) enum Treatment {
    /// Hand it over, then delete it.
    Deliver(BusMessage),
    /// Delete it, for this reason.
    Drop(&'static str),
    /// Leave it in the queue, which delivers it once more.
    Leave(&'static str),
}

/// Judges the body of a message on its `deliveries`th delivery to `me`.
pub(crate) fn judge(me: InstanceId, body: &str, deliveries: u32) -> Treatment {
    let reason = match wire::decode(body) {
        Ok(addressed) if addressed.to.contains(&me) => return Treatment::Deliver(addressed.message),
        Ok(_) => return Treatment::Drop("misaddressed"),
        Err(wire::WireError::TooLarge) => "too_large",
        Err(wire::WireError::UnknownFormat) => "unknown_format",
        Err(wire::WireError::UnknownKind) => "unknown_kind",
        Err(_) => "malformed",
    };
    if deliveries >= DELIVERIES { Treatment::Drop(reason) } else { Treatment::Leave(reason) }
}

#[cfg(test)]
mod tests {
    use a2a_core::{News, TaskKey, Tenant};
    use uuid::Uuid;

    use super::*;

    fn instance(n: u128) -> InstanceId {
        InstanceId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn a_message_to_us_is_delivered_and_one_to_others_is_not() {
        let task = TaskKey::new(Tenant::default(), "t");
        let sent = BusMessage { from: instance(1), task, news: News::Cancel, trace: None };
        let body = wire::encode(&[instance(2), instance(3)], &sent);
        assert_eq!(judge(instance(3), &body, 1), Treatment::Deliver(sent));
        assert_eq!(judge(instance(4), &body, 1), Treatment::Drop("misaddressed"));
    }

    #[test]
    fn an_unreadable_message_is_left_for_a_few_deliveries() {
        for deliveries in 0..DELIVERIES {
            assert_eq!(judge(instance(1), "{", deliveries), Treatment::Leave("malformed"));
        }
        assert_eq!(judge(instance(1), "{", DELIVERIES), Treatment::Drop("malformed"));
        assert_eq!(judge(instance(1), r#"{"v":2}"#, 9), Treatment::Drop("unknown_format"));
    }
}
