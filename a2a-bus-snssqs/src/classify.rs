//! Classifies received bodies: what to do with each. Whatever it is, the worst is one dropped message.

use a2a_core::wire::{self, Seal};
use a2a_core::{BusMessage, InstanceId};

use crate::meter::Reason;

/// How often an unreadable message is delivered before it is deleted.
pub(crate) const DELIVERIES: u32 = 3;

/// What to do with a received message.
#[derive(Debug, PartialEq)]
pub(crate) enum Treatment {
    /// Hand it over, then delete it.
    Deliver(BusMessage),
    /// Delete it, for this reason.
    Drop(Reason),
    /// Leave it in the queue, which delivers it once more.
    Leave(Reason),
}

/// Classifies the body of a message on its `deliveries`th delivery to `me`.
pub(crate) fn classify(me: InstanceId, body: &str, seal: &Seal, deliveries: u32) -> Treatment {
    let reason = match wire::decode(body, seal) {
        Ok(addressed) if addressed.to.contains(&me) => return Treatment::Deliver(addressed.message),
        Ok(_) => return Treatment::Drop(Reason::Misaddressed),
        Err(wire::WireError::TooLarge) => Reason::TooLarge,
        Err(wire::WireError::UnknownFormat) => Reason::UnknownFormat,
        Err(wire::WireError::UnknownKind) => Reason::UnknownKind,
        // Not at once: a member that renews the key may be ahead of us.
        Err(wire::WireError::Unproven) => Reason::Unproven,
        Err(_) => Reason::Malformed,
    };
    if deliveries >= DELIVERIES { Treatment::Drop(reason) } else { Treatment::Leave(reason) }
}

#[cfg(test)]
mod tests {
    use a2a_core::{Keys, News, TaskKey, Tenant};
    use uuid::Uuid;

    use super::*;

    fn instance(n: u128) -> InstanceId {
        InstanceId::from_uuid(Uuid::from_u128(n))
    }

    fn message() -> BusMessage {
        let task = TaskKey::new(Tenant::default(), "t");
        BusMessage { from: instance(1), task, news: News::Configs, trace: None }
    }

    #[test]
    fn a_message_to_us_is_delivered_and_one_to_others_is_not() {
        let seal = Seal::open();
        let body = wire::encode(&[instance(2), instance(3)], &message(), &seal);
        assert_eq!(classify(instance(3), &body, &seal, 1), Treatment::Deliver(message()));
        assert_eq!(classify(instance(4), &body, &seal, 1), Treatment::Drop(Reason::Misaddressed));
    }

    #[test]
    fn an_unreadable_message_is_left_for_a_few_deliveries() {
        let classify = |body, deliveries| super::classify(instance(1), body, &Seal::open(), deliveries);
        for deliveries in 0..DELIVERIES {
            assert_eq!(classify("{", deliveries), Treatment::Leave(Reason::Malformed));
        }
        assert_eq!(classify("{", DELIVERIES), Treatment::Drop(Reason::Malformed));
        assert_eq!(classify(r#"{"v":1}"#, 9), Treatment::Drop(Reason::UnknownFormat));
    }

    #[test]
    fn a_message_that_proves_nothing_is_dropped_like_an_unreadable_one() {
        let ours = Seal::new(Keys::first([1; 32]));
        for theirs in [Seal::open(), Seal::new(Keys::first([2; 32]))] {
            let body = wire::encode(&[instance(2)], &message(), &theirs);
            assert_eq!(classify(instance(2), &body, &ours, 1), Treatment::Leave(Reason::Unproven));
            assert_eq!(classify(instance(2), &body, &ours, DELIVERIES), Treatment::Drop(Reason::Unproven));
        }
        let body = wire::encode(&[instance(2)], &message(), &ours);
        assert_eq!(classify(instance(2), &body, &ours, 1), Treatment::Deliver(message()));
    }

    #[test]
    fn a_message_under_a_key_that_comes_later_is_delivered_once_it_is_there() {
        let (early, late) = (Seal::new(Keys::first([1; 32])), Seal::new(Keys::first([1; 32])));
        // Read twice, it is signed with.
        early.renew(Keys::first([1; 32]).renewed([2; 32]));
        early.renew(Keys::first([1; 32]).renewed([2; 32]));
        let body = wire::encode(&[instance(2)], &message(), &early);
        assert_eq!(classify(instance(2), &body, &late, 1), Treatment::Leave(Reason::Unproven));
        late.renew(Keys::first([1; 32]).renewed([2; 32]));
        assert_eq!(classify(instance(2), &body, &late, 2), Treatment::Deliver(message()));
    }
}
