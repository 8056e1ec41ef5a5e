//! Idempotency: a message that a client sends again, because it saw no answer, makes no second task (specification,
//! section 3.3.1).
//!
//! The client's word decides. A `messageId` counts by itself where it is a UUID, as clients that mean it make them; an
//! `Idempotency-Key` counts always. A new task's id then follows from a keyed digest of tenant, caller and message, or
//! key: whoever sends the same again, to whichever instance, meets the task. Creating its head is the claim; nothing
//! else is written.

mod digest;

use a2a::{A2AError, Message};
use a2a_core::{Env, StoredTask, reduce};
use a2a_server::ServiceParams;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::actor::core::other_message;
use crate::caller::TenantCaller;
use crate::ground::{Config, MessageIds};
use crate::instance::Instance;
use crate::limits::check_id;
use digest::Subject;

/// The service parameter with which a client makes a request idempotent, in lower case.
const KEY: &str = "idempotency-key";

/// By what a request is known again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// By its message.
    ByMessage([u8; 32]),
    /// By the key that the client gave.
    ByKey([u8; 32]),
    /// Not at all.
    Never,
}

/// The identity of a request: what it makes has the same ids, whenever and wherever it is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(Known);

/// What gets an id.
#[derive(Debug, Clone, Copy)]
pub(super) enum Made {
    /// The new task.
    Task,
    /// The push notification config that came with the message, where it has no id.
    Config,
}

impl Identity {
    /// Finds out by what a request is known again.
    pub(super) fn of(
        instance: &Instance,
        caller: &TenantCaller,
        params: &ServiceParams,
        message: &Message,
    ) -> Result<Self, A2AError> {
        let Some(secret) = instance.ground.message_ids.get() else { return Ok(Identity(Known::Never)) };
        Ok(Identity(match given_key(params, &instance.ground.config)? {
            Some(key) => Known::ByKey(digest::of(secret, caller, Subject::Key(key))),
            None if counts(&message.message_id, instance.ground.config.message_ids) => {
                Known::ByMessage(digest::of(secret, caller, Subject::Message(message)))
            }
            None => Known::Never,
        }))
    }

    /// The identity of a request that is not known again.
    pub(super) fn random() -> Self {
        Identity(Known::Never)
    }

    /// Whether the same request makes the same ids again.
    pub(super) fn is_known(&self) -> bool {
        self.0 != Known::Never
    }

    /// Whether the client gave a key.
    pub(super) fn has_key(&self) -> bool {
        matches!(self.0, Known::ByKey(_))
    }

    /// The id of what the request makes; a fresh one where it is not known again.
    pub(super) fn id(&self, made: Made, env: &dyn Env) -> String {
        let (Known::ByMessage(digest) | Known::ByKey(digest)) = &self.0 else {
            return env.uuid().to_string();
        };
        let tag: &[u8] = match made {
            Made::Task => b"task",
            Made::Config => b"config",
        };
        let bytes = Sha256::new().chain_update(digest).chain_update(tag).finalize();
        let mut id = [0; 16];
        id.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        Uuid::new_v8(id).to_string()
    }

    /// Checks that a task which this request met was made by one like it.
    ///
    /// # Errors
    ///
    /// `InvalidParams` where another message was sent under the same key.
    pub(super) fn check_same(&self, stored: &StoredTask, message: &Message) -> Result<(), A2AError> {
        let creating = stored.task.history.iter().flatten().next();
        // As it stands in the history.
        let sent = reduce::user_message(&stored.task, message.clone());
        let given = message.context_id.as_deref().filter(|context| !context.is_empty());
        let is_other = creating.is_some_and(|creating| *creating != sent)
            || given.is_some_and(|context| context != stored.task.context_id);
        if self.has_key() && is_other {
            return Err(other_message());
        }
        Ok(())
    }

    /// Whether a task has taken this very message already, after the one that created it.
    pub(super) fn has_been_taken(&self, stored: &StoredTask, message: &Message) -> bool {
        let sent = reduce::user_message(&stored.task, message.clone());
        self.is_known() && stored.task.history.iter().flatten().skip(1).any(|known| *known == sent)
    }
}

/// Whether a message id says by itself that equal messages are one.
fn counts(message_id: &str, setting: MessageIds) -> bool {
    match setting {
        MessageIds::Uuids => Uuid::try_parse(message_id).is_ok(),
        MessageIds::All => true,
        MessageIds::None => false,
    }
}

/// Reads the request's idempotency key.
fn given_key<'a>(params: &'a ServiceParams, config: &Config) -> Result<Option<&'a str>, A2AError> {
    let named = params.iter().filter(|(name, _)| name.eq_ignore_ascii_case(KEY));
    let mut values = named.flat_map(|(_, values)| values).map(|value| value.trim());
    let Some(key) = values.next() else { return Ok(None) };
    if key.is_empty() || values.any(|other| other != key) {
        return Err(A2AError::invalid_params("Idempotency-Key must have one value"));
    }
    check_id("Idempotency-Key", key, &config.limits)?;
    Ok(Some(key))
}

#[cfg(test)]
mod tests {
    use a2a_core::SystemEnv;

    use super::*;

    #[test]
    fn what_a_known_request_makes_has_ids_of_its_own_that_stay() {
        let identity = Identity(Known::ByMessage([7; 32]));
        let id = |made| identity.id(made, &SystemEnv);
        assert_eq!(id(Made::Task), id(Made::Task));
        assert_eq!(Uuid::try_parse(&id(Made::Task)).unwrap().get_version_num(), 8);
        assert_ne!(id(Made::Task), id(Made::Config));
        let other = Identity(Known::ByMessage([8; 32]));
        assert_ne!(id(Made::Task), other.id(Made::Task, &SystemEnv));
        let never = Identity(Known::Never);
        assert_ne!(never.id(Made::Task, &SystemEnv), never.id(Made::Task, &SystemEnv));
    }

    #[test]
    fn a_message_id_counts_where_it_is_a_uuid_or_as_set() {
        let uuid = "018f6b0e-4b1f-7c3e-9d0a-000000000000";
        for (id, setting, expected) in [
            (uuid, MessageIds::Uuids, true),
            ("msg-1", MessageIds::Uuids, false),
            ("msg-1", MessageIds::All, true),
            (uuid, MessageIds::None, false),
        ] {
            assert_eq!(counts(id, setting), expected, "{id} {setting:?}");
        }
    }

    #[test]
    fn an_idempotency_key_has_one_value() {
        let config = Config::default();
        let params = |values: &[&str]| {
            ServiceParams::from([(
                "Idempotency-Key".to_owned(),
                values.iter().map(|v| (*v).to_owned()).collect(),
            )])
        };
        assert_eq!(given_key(&ServiceParams::new(), &config).unwrap(), None);
        assert_eq!(given_key(&params(&["k"]), &config).unwrap(), Some("k"));
        assert_eq!(given_key(&params(&["k", "k"]), &config).unwrap(), Some("k"));
        for refused in [&["k", "j"][..], &[""], &[" "], &["k".repeat(257).as_str()]] {
            assert!(given_key(&params(refused), &config).is_err(), "{refused:?}");
        }
    }
}
