//! A keyed digest of who sends what: equal messages of one caller have one digest, and others another.
//!
//! The key is the deployment's secret, so nobody can choose a message whose task takes another's id.

use std::collections::{BTreeMap, HashMap};

use a2a::{Message, Part, PartContent, Role};
use a2a_core::Key;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::caller::TenantCaller;

/// What a digest is of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    /// A message as it was sent.
    Message(&'a Message),
    /// The idempotency key of a request.
    Key(&'a str),
}

/// Returns the digest of what a caller sends.
pub(super) fn of(key: &Key, caller: &TenantCaller, subject: Subject<'_>) -> [u8; 32] {
    // HMAC fills a key with zeros to the size of a block (RFC 2104, section 2).
    let mut block = [0; 64];
    block.iter_mut().zip(key.secret).for_each(|(to, from)| *to = from);
    let mut digest = Digest(Hmac::new(&block.into()));
    digest.text(caller.tenant.as_str());
    digest.option(caller.principal.as_ref(), |digest, principal| digest.text(principal.as_str()));
    match subject {
        Subject::Message(message) => {
            digest.tag(0);
            digest.message(message);
        }
        Subject::Key(key) => {
            digest.tag(1);
            digest.text(key);
        }
    }
    digest.0.finalize().into_bytes().into()
}

/// A digest of values, each of which says where it ends: whatever has a variable size begins with it.
///
/// The order of an object's fields means nothing and makes no difference.
struct Digest(Hmac<Sha256>);

impl Digest {
    fn message(&mut self, message: &Message) {
        // Without `..`: a field that a later version of the SDK adds must not be left out.
        let Message {
            message_id,
            context_id,
            task_id,
            role,
            parts,
            metadata,
            extensions,
            reference_task_ids,
        } = message;
        self.text(message_id);
        self.option(context_id.as_ref(), |digest, id| digest.text(id));
        self.option(task_id.as_ref(), |digest, id| digest.text(id));
        self.tag(match role {
            Role::Unspecified => 0,
            Role::User => 1,
            Role::Agent => 2,
        });
        self.all(parts, Self::part);
        self.option(metadata.as_ref(), Self::fields);
        self.option(extensions.as_ref(), |digest, uris| digest.all(uris, |digest, uri| digest.text(uri)));
        self.option(reference_task_ids.as_ref(), |digest, ids| digest.all(ids, |digest, id| digest.text(id)));
    }

    fn part(&mut self, part: &Part) {
        let Part { content, filename, media_type, metadata } = part;
        match content {
            PartContent::Text(text) => {
                self.tag(0);
                self.text(text);
            }
            PartContent::Raw(bytes) => {
                self.tag(1);
                self.bytes(bytes);
            }
            PartContent::Url(url) => {
                self.tag(2);
                self.text(url);
            }
            PartContent::Data(value) => {
                self.tag(3);
                self.value(value);
            }
        }
        self.option(filename.as_ref(), |digest, name| digest.text(name));
        self.option(media_type.as_ref(), |digest, kind| digest.text(kind));
        self.option(metadata.as_ref(), Self::fields);
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.tag(0),
            Value::Bool(is_true) => self.tag(1 + u8::from(*is_true)),
            Value::Number(number) => {
                self.tag(3);
                self.text(&number.to_string());
            }
            Value::String(text) => {
                self.tag(4);
                self.text(text);
            }
            Value::Array(items) => {
                self.tag(5);
                self.all(items, Self::value);
            }
            Value::Object(fields) => {
                self.tag(6);
                self.sorted(fields.iter().collect());
            }
        }
    }

    fn fields(&mut self, fields: &HashMap<String, Value>) {
        self.sorted(fields.iter().collect());
    }

    fn sorted(&mut self, fields: BTreeMap<&String, &Value>) {
        self.size(fields.len());
        for (name, value) in fields {
            self.text(name);
            self.value(value);
        }
    }

    fn all<T>(&mut self, items: &[T], digest: fn(&mut Self, &T)) {
        self.size(items.len());
        items.iter().for_each(|item| digest(self, item));
    }

    fn option<T>(&mut self, value: Option<&T>, digest: fn(&mut Self, &T)) {
        self.tag(u8::from(value.is_some()));
        if let Some(value) = value {
            digest(self, value);
        }
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.size(bytes.len());
        self.0.update(bytes);
    }

    fn size(&mut self, size: usize) {
        self.0.update(&(size as u64).to_le_bytes());
    }

    fn tag(&mut self, tag: u8) {
        self.0.update(&[tag]);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::caller::Caller;

    use a2a_core::{Keys, Principal, Tenant};

    fn digest(message: &Message) -> [u8; 32] {
        let caller = TenantCaller::new(Tenant::default(), Caller::default());
        of(&Keys::first([1; 32]).current, &caller, Subject::Message(message))
    }

    fn message() -> Message {
        Message { message_id: "m".into(), ..Message::new(Role::User, vec![Part::text("a")]) }
    }

    #[test]
    fn the_order_of_fields_makes_no_difference() {
        let with = |numbers: Vec<i32>| {
            let fields = || numbers.iter().map(|n| (n.to_string(), json!(n)));
            let data = Part::data(Value::Object(fields().collect()));
            Message { metadata: Some(fields().collect()), parts: vec![data], ..message() }
        };
        assert_eq!(digest(&with((0..20).collect())), digest(&with((0..20).rev().collect())));
    }

    #[test]
    fn messages_that_differ_in_anything_have_different_digests() {
        let text = |text: &str| vec![Part::text(text)];
        let part = |change: fn(&mut Part)| {
            let mut part = Part::text("a");
            change(&mut part);
            vec![part]
        };
        let data = |value: Value| Message { parts: vec![Part::data(value)], ..message() };
        let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
        let messages = [
            message(),
            Message { message_id: "n".into(), ..message() },
            Message { context_id: Some("x".into()), ..message() },
            Message { task_id: Some("x".into()), ..message() },
            Message { role: Role::Agent, ..message() },
            Message { role: Role::Unspecified, ..message() },
            Message { extensions: words(&["ab", "c"]), ..message() },
            Message { extensions: words(&["a", "bc"]), ..message() },
            Message { extensions: words(&[]), ..message() },
            Message { reference_task_ids: words(&["ab", "c"]), ..message() },
            Message { metadata: Some(HashMap::new()), ..message() },
            Message { metadata: Some(HashMap::from([("k".into(), json!(1))])), ..message() },
            Message { metadata: Some(HashMap::from([("k".into(), json!("1"))])), ..message() },
            Message { parts: vec![], ..message() },
            Message { parts: text("b"), ..message() },
            Message { parts: [text("a"), text("a")].concat(), ..message() },
            Message { parts: vec![Part::url("a")], ..message() },
            Message { parts: vec![Part::raw(b"a".to_vec())], ..message() },
            Message { parts: part(|part| part.filename = Some("f".into())), ..message() },
            Message { parts: part(|part| part.media_type = Some("f".into())), ..message() },
            Message { parts: part(|part| part.metadata = Some(HashMap::new())), ..message() },
            data(json!("a")),
            data(json!(null)),
            data(json!(false)),
            data(json!(true)),
            data(json!(1)),
            data(json!(1.5)),
            data(json!([])),
            data(json!([[1], 2])),
            data(json!([[1, 2]])),
            data(json!({})),
            data(json!({ "a": { "b": 1 } })),
            data(json!({ "a": {}, "b": 1 })),
        ];
        let digests: BTreeSet<_> = messages.iter().map(digest).collect();
        assert_eq!(digests.len(), messages.len());
    }

    #[test]
    fn another_caller_key_or_secret_makes_another_digest() {
        let caller = |tenant: &str, principal: Option<&str>| {
            let caller = principal.map(Principal::new).map(Caller::named).unwrap_or_default();
            TenantCaller::new(Tenant::new(tenant), caller)
        };
        let keys = [1, 2].map(|secret| Keys::first([secret; 32]).current);
        let subject = Subject::Key("k");
        let digests = BTreeSet::from([
            of(&keys[0], &caller("", None), subject),
            of(&keys[0], &caller("", Some("")), subject),
            of(&keys[0], &caller("", Some("ann")), subject),
            of(&keys[0], &caller("ann", None), subject),
            of(&keys[0], &caller("ann", None), Subject::Key("j")),
            of(&keys[1], &caller("ann", None), subject),
        ]);
        assert_eq!(digests.len(), 6);
    }
}
