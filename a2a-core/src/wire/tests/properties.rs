//! What holds for any message, and for any text that may arrive.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::samples::{json, text, workloads};

fn news() -> BoxedStrategy<News> {
    let commits = (workloads(), 1_usize..4, 1_u64..u64::MAX / 2).prop_map(|(workload, size, first)| {
        let batches = (first..).zip(workload.events.chunks(size));
        News::Commits(batches.map(|(version, events)| Arc::new(record(version, events.to_vec()))).collect())
    });
    let version = any::<u64>().prop_map(Version::new);
    prop_oneof![
        3 => commits,
        1 => version.clone().prop_map(News::Changed),
        1 => version.prop_map(|after| News::Watch { after, reach: Reach::Topic }),
        1 => select(kinds()[3..].to_vec()),
    ]
    .boxed()
}

fn messages() -> BoxedStrategy<BusMessage> {
    (any::<u128>(), text(), text(), news(), option::of(text()))
        .prop_map(|(from, tenant, task_id, news, trace)| BusMessage {
            from: instance(from),
            task: TaskKey::new(Tenant::new(tenant), task_id),
            news,
            trace,
        })
        .boxed()
}

/// XML 1.0, production 2.
fn is_legal_in_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// A place in a text, between two characters.
fn boundary(text: &str, at: Index) -> usize {
    let at = at.index(text.len() + 1);
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap()
}

/// All places in a JSON tree.
fn places(tree: &Value, path: &str, into: &mut Vec<String>) {
    into.push(path.to_owned());
    match tree {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                places(item, &format!("{path}/{at}"), into);
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                places(field, &format!("{path}/{key}"), into);
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_message_reads_back_equal(message in messages(), to in vec(any::<u128>(), 0..4)) {
        let to: Vec<_> = to.into_iter().map(instance).collect();
        let text = encode(&to, &message);
        prop_assert!(text.chars().all(is_legal_in_xml));
        prop_assert_eq!(decode(&text), Ok(Addressed { to, message }));
    }

    #[test]
    fn arbitrary_text_is_no_message(text in any::<String>()) {
        prop_assert!(decode(&text).is_err());
    }

    #[test]
    fn a_truncated_message_is_malformed(message in messages(), at in any::<Index>()) {
        let text = encode(&[instance(2)], &message);
        let cut = boundary(&text[..text.len() - 1], at);
        prop_assert_eq!(decode(&text[..cut]), Err(WireError::Malformed));
    }

    #[test]
    fn a_garbled_message_stops_nobody(
        message in messages(),
        garbling in vec((any::<Index>(), any::<Index>(), text()), 1..4),
    ) {
        let mut garbled = encode(&[instance(2)], &message);
        for (from, to, by) in garbling {
            let (from, to) = (boundary(&garbled, from), boundary(&garbled, to));
            garbled.replace_range(from.min(to)..from.max(to), &by);
        }
        check_decoded(&garbled)?;
    }

    #[test]
    fn a_message_with_strange_values_stops_nobody(
        message in messages(),
        at in any::<Index>(),
        by in json(),
    ) {
        let mut tree: Value = serde_json::from_str(&encode(&[instance(2)], &message))?;
        let mut paths = Vec::new();
        places(&tree, "", &mut paths);
        let path: &String = at.get(&paths);
        *tree.pointer_mut(path).unwrap() = by;
        check_decoded(&tree.to_string())?;
    }
}

/// Whatever is accepted is a message like any other: it can be written again.
fn check_decoded(text: &str) -> Result<(), TestCaseError> {
    if let Ok(Addressed { to, message }) = decode(text) {
        prop_assert!(encode(&to, &message).chars().all(is_legal_in_xml));
    }
    Ok(())
}
