//! The weight of a request as JSON.

use super::allowed;

/// What an object takes beside its names and values: a node of a `BTreeMap`, which has room for so many entries of a
/// `String` (24 bytes) and a `serde_json::Value` (32 bytes).
const OBJECT: usize = 640;
const ENTRIES_OF_A_NODE: usize = 11;
/// What each further entry takes, in nodes that are half full.
const ENTRY: usize = 110;
/// The least that a list has room for, and what each further item takes: room grows twofold.
const LIST: usize = 128;
const ITEM: usize = 64;
/// What a string or a name takes beside its bytes.
const STRING: usize = 32;
/// What the one control character that JSON takes as it is becomes where a parser says that a string is not what it should
/// be: `\u{7f}`. It writes all of the string before anybody can cut it short.
const TOLD: usize = 6;

/// Tells whether a body becomes no more than what is allowed for one of its size.
///
/// One pass over the bytes, which need not be JSON: what is none is refused by whoever reads it.
pub(in super::super) fn is_within(body: &[u8]) -> bool {
    let allowed = allowed(body.len());
    // Nothing so short can take more: each byte opens an object at the most.
    body.len().saturating_mul(OBJECT) <= allowed || weigh(body) <= allowed
}

/// What is open: a list or an object, and how many items it has so far.
enum Open {
    List,
    Object(usize),
}

fn weigh(body: &[u8]) -> usize {
    let mut weight = 0usize;
    let mut open: Vec<Open> = Vec::new();
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in body {
        if in_string {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => in_string = false,
                b'\x7f' => weight = weight.saturating_add(TOLD),
                _ => {}
            }
            continue;
        }
        let more = match byte {
            b'"' => {
                in_string = true;
                STRING
            }
            b'{' => {
                open.push(Open::Object(1));
                OBJECT
            }
            b'[' => {
                open.push(Open::List);
                LIST
            }
            b'}' | b']' => {
                open.pop();
                0
            }
            b',' => match open.last_mut() {
                Some(Open::Object(entries)) => {
                    *entries += 1;
                    if *entries > ENTRIES_OF_A_NODE { ENTRY } else { 0 }
                }
                _ => ITEM,
            },
            _ => 0,
        };
        weight = weight.saturating_add(more);
    }
    weight
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list_of(item: &str, bytes: usize) -> String {
        let items = vec![item; bytes / (item.len() + 1)];
        format!("[{}]", items.join(","))
    }

    #[test]
    fn what_would_take_many_times_its_size_is_refused_and_what_people_send_is_not() {
        let megabytes = 9 * 1024 * 1024;
        for dense in [r#"{"":0}"#, "{}", "[]", r#""""#, "0", r#"{"a":{"b":[1]}}"#] {
            assert!(!is_within(list_of(dense, megabytes).as_bytes()), "{dense}");
        }
        let wide: Vec<String> = (0..500_000).map(|n| format!("\"{n}\":0")).collect();
        assert!(!is_within(format!("{{{}}}", wide.join(",")).as_bytes()));
        let text = "x".repeat(megabytes);
        let escaped = r#"\"{[,"#.repeat(megabytes / 6);
        let numbers = list_of("-0.0123456789012", megabytes);
        let rows = list_of(
            r#"{"id":"1234","name":"somebody","mail":"somebody@example.com","age":42,"town":"Somewhere"}"#,
            100_000,
        );
        for (what, body) in [
            ("a text", format!(r#"{{"text":"{text}"}}"#)),
            ("a text with escapes", format!(r#"{{"text":"{escaped}"}}"#)),
            ("an embedding", numbers),
            ("a thousand rows", rows),
            ("small values", list_of(r#"{"":0}"#, 8_000)),
        ] {
            assert!(is_within(body.as_bytes()), "{what}");
        }
    }

    #[test]
    fn what_is_no_json_is_weighed_too() {
        for body in ["", "\"", "]]]]", "\"\\", "{{{{", ",,,,"] {
            assert!(is_within(body.as_bytes()), "{body}");
        }
        assert!(!is_within("{".repeat(1024 * 1024).as_bytes()));
    }
}
