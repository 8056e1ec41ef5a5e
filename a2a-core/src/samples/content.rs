//! Generators of content, as hostile as the types allow.
//!
//! Boxed where they nest: their state lies on the stack otherwise, and overflows it.

use std::collections::HashMap;

use a2a::{Artifact, Message, Part, PartContent, Role};
use proptest::collection::{hash_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

/// Text that tends to break encoders.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z]{0,6}",
        2 => any::<String>().prop_map(|text| text.chars().take(6).collect()),
        2 => select(NASTY).prop_map(str::to_owned),
    ]
}

const NASTY: &[&str] = &[
    "",
    "\u{fffe}\u{ffff}",
    "\\ufffe\\\u{ffff}\"",
    "\0\u{1}\u{8}\u{b}\u{1f}",
    "\t\r\n",
    "\u{7f}\u{85}\u{2028}\u{2029}\u{feff}",
    "\u{10ffff}\u{1fffe}🦀",
    "</data>]]>&amp;<!--",
    "null",
    "$serde_json::private::RawValue",
    "$serde_json::private::Number",
];

/// Any JSON value, nested a little.
pub(crate) fn json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        let fields = vec((text(), inner.clone()), 0..3);
        prop_oneof![
            vec(inner, 0..3).prop_map(Value::from),
            fields.prop_map(|fields| Value::from(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
    .boxed()
}

/// Metadata: absent, empty or not.
pub(crate) fn metadata() -> BoxedStrategy<Option<HashMap<String, Value>>> {
    option::of(hash_map(text(), json(), 0..3)).boxed()
}

fn names() -> impl Strategy<Value = Option<Vec<String>>> {
    option::of(vec(text(), 0..3))
}

fn part() -> BoxedStrategy<Part> {
    let content = prop_oneof![
        3 => text().prop_map(PartContent::Text),
        1 => vec(any::<u8>(), 0..6).prop_map(PartContent::Raw),
        1 => text().prop_map(PartContent::Url),
        1 => json().prop_map(PartContent::Data),
    ];
    (content, option::of(text()), option::of(text()), metadata())
        .prop_map(|(content, filename, media_type, metadata)| Part {
            content,
            filename,
            media_type,
            metadata,
        })
        .boxed()
}

/// A message whose id is one of a few, or absent, and which may claim to belong anywhere.
pub(crate) fn message() -> BoxedStrategy<Message> {
    let role = select(&[Role::Unspecified, Role::User, Role::Agent][..]);
    let id = select(&["", "m1", "m2", "m3", "m4", "m5"][..]);
    let owner = option::of(select(&["", "task", "other"][..]).prop_map(str::to_owned));
    (id, owner, role, vec(part(), 0..3), metadata(), names(), names())
        .prop_map(|(id, owner, role, parts, metadata, extensions, reference_task_ids)| Message {
            message_id: id.to_owned(),
            context_id: owner.clone(),
            task_id: owner,
            role,
            parts,
            metadata,
            extensions,
            reference_task_ids,
        })
        .boxed()
}

/// An artifact, or a chunk of one, under one of a few ids.
pub(crate) fn artifact() -> BoxedStrategy<Artifact> {
    let id = select(&["a", "b", "\u{ffff}"][..]);
    let parts = vec(part(), 0..3);
    (id, option::of(text()), option::of(text()), parts, metadata(), names())
        .prop_map(|(id, name, description, parts, metadata, extensions)| Artifact {
            artifact_id: id.to_owned(),
            name,
            description,
            parts,
            metadata,
            extensions,
        })
        .boxed()
}

/// A chunk of text for one of a few artifacts, and whether it appends.
pub(crate) fn chunk() -> impl Strategy<Value = (Artifact, Option<bool>)> {
    let append = prop_oneof![6 => Just(Some(true)), 1 => Just(None), 1 => Just(Some(false))];
    let id = select(&["a", "b", "c"][..]);
    let parts = vec(text().prop_map(Part::text), 0..3);
    let artifact = (id, parts).prop_map(|(id, parts)| Artifact { parts, ..super::document(id, "") });
    (artifact, append)
}
