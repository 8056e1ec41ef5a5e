//! The weight of a request in protobuf, which is decoded into values of its own before they become those of JSON.

use super::allowed;

/// A map's node in both forms: the first entry takes one, and has room for ten more.
const STRUCT: usize = 2 * 640;
const ENTRIES_OF_A_NODE: usize = 11;
/// What each further entry takes, in nodes that are half full.
const ENTRY: usize = 2 * 110;
/// What an item of a list takes, in both forms, with the room that grows twofold.
const ITEM: usize = 2 * 64;
/// What a part takes, in both forms.
const PART: usize = 800;
/// What a string takes beside its bytes, in both forms.
const STRING: usize = 2 * 64;
/// Deeper than prost decodes.
const DEEPEST: usize = 100;

/// What a message of the proto is, as far as it has parts without number.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Kind {
    SendMessageRequest,
    CancelTaskRequest,
    Configuration,
    Message,
    Part,
    Struct,
    Entry,
    Value,
    List,
}

impl Kind {
    /// The request of a method, if it has any such parts.
    pub(in super::super) fn of_method(path: &str) -> Option<Self> {
        match path.rsplit('/').next()? {
            "SendMessage" | "SendStreamingMessage" => Some(Kind::SendMessageRequest),
            "CancelTask" => Some(Kind::CancelTaskRequest),
            _ => None,
        }
    }

    /// What a field holds, and what it takes beside that.
    fn field(self, number: u64) -> (Option<Self>, usize) {
        match (self, number) {
            (Kind::SendMessageRequest, 2) => (Some(Kind::Message), 0),
            (Kind::SendMessageRequest, 3) => (Some(Kind::Configuration), 0),
            (Kind::SendMessageRequest, 4) | (Kind::Message, 6) | (Kind::Part, 5) | (Kind::Value, 5) => {
                (Some(Kind::Struct), 0)
            }
            (Kind::CancelTaskRequest, 3) => (Some(Kind::Struct), 0),
            (Kind::Message, 5) => (Some(Kind::Part), PART),
            (Kind::Part, 4) | (Kind::Entry, 2) => (Some(Kind::Value), 0),
            (Kind::Struct, 1) => (Some(Kind::Entry), 0),
            (Kind::Value, 6) => (Some(Kind::List), ITEM),
            (Kind::List, 1) => (Some(Kind::Value), ITEM),
            _ => (None, STRING),
        }
    }
}

/// Tells whether a request becomes no more than what is allowed for one of its size. One pass over the bytes, which need not be
/// protobuf: what is none is refused by whoever decodes it.
pub(in super::super) fn is_within(kind: Kind, request: &[u8]) -> bool {
    let allowed = allowed(request.len());
    request.len().saturating_mul(STRUCT) <= allowed || weigh(kind, request, 0) <= allowed
}

fn weigh(kind: Kind, mut bytes: &[u8], depth: usize) -> usize {
    let mut weight = 0usize;
    let mut entries = 0usize;
    while let Some((number, content)) = next_field(&mut bytes) {
        let Some(content) = content else { continue };
        let (inside, own) = kind.field(number);
        weight = weight.saturating_add(own);
        if let Some(Kind::Entry) = inside {
            entries += 1;
            let more = if entries == 1 {
                STRUCT
            } else if entries > ENTRIES_OF_A_NODE {
                ENTRY
            } else {
                0
            };
            weight = weight.saturating_add(more);
        }
        if let Some(inside) = inside
            && depth < DEEPEST
        {
            weight = weight.saturating_add(weigh(inside, content, depth + 1));
        }
    }
    weight
}

/// Takes the next field: its number, and its content if it has a length. `None` at the end, and where nothing can be read.
fn next_field<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Option<&'a [u8]>)> {
    let tag = varint(bytes)?;
    let content = match tag & 7 {
        0 => {
            varint(bytes)?;
            None
        }
        1 => {
            take(bytes, 8)?;
            None
        }
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            Some(take(bytes, length)?)
        }
        5 => {
            take(bytes, 4)?;
            None
        }
        // Groups, which are skipped by whoever decodes it. What is inside counts as if it were not.
        3 | 4 => None,
        _ => return None,
    };
    Some((tag >> 3, content))
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use a2a_pb::pbconv::json_value_to_proto_value;
    use a2a_pb::proto::part::Content;
    use a2a_pb::proto::{Message, Part, SendMessageRequest};
    use prost::Message as _;
    use serde_json::{Value, json};

    use super::*;

    fn request(parts: Vec<Part>) -> Vec<u8> {
        let message = Message { message_id: "m".into(), parts, ..Message::default() };
        SendMessageRequest { message: Some(message), ..SendMessageRequest::default() }.encode_to_vec()
    }

    fn data(value: &Value) -> Vec<u8> {
        request(vec![Part {
            content: Some(Content::Data(json_value_to_proto_value(value))),
            ..Part::default()
        }])
    }

    fn within(request: &[u8]) -> bool {
        is_within(Kind::SendMessageRequest, request)
    }

    #[test]
    fn what_would_take_many_times_its_size_is_refused_and_what_people_send_is_not() {
        let many = |item: Value| data(&Value::Array(vec![item; 200_000]));
        for dense in [json!({ "": 0 }), json!({}), json!([]), json!(null), json!("")] {
            assert!(!within(&many(dense.clone())), "{dense}");
        }
        let wide: serde_json::Map<_, _> = (0..200_000).map(|n| (n.to_string(), json!(null))).collect();
        assert!(!within(&data(&Value::Object(wide))));
        assert!(!within(&request(vec![Part::default(); 200_000])));
        let message = Message { extensions: vec![String::new(); 500_000], ..Message::default() };
        let named = SendMessageRequest { message: Some(message), ..SendMessageRequest::default() };
        assert!(!within(&named.encode_to_vec()));

        let text = Part { content: Some(Content::Text("x".repeat(9_000_000))), ..Part::default() };
        assert!(within(&request(vec![text])));
        let row = json!({ "id": "1234", "name": "somebody", "mail": "somebody@example.com", "age": 42 });
        assert!(within(&data(&Value::Array(vec![row; 400]))));
        assert!(within(&data(&Value::Array(vec![json!({ "": 0 }); 500]))));
    }

    #[test]
    fn what_is_no_protobuf_is_weighed_too() {
        for bytes in [&[][..], &[0x12], &[0x12, 0xff], &[0x17; 64], &[0xff; 64], &[0x12, 0x02, 0x2a]] {
            assert!(within(bytes), "{bytes:?}");
        }
    }
}
