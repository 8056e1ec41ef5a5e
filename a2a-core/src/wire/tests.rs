//! The wire form's shape and bounds, and that it survives anything.

mod bounds;
mod properties;

use std::sync::Arc;

use a2a::{StreamResponse, TaskState};
use serde_json::{Value, json};

use super::*;
use crate::samples::{instance, record, task};
use crate::{CommitId, Tenant};

/// One message of every kind.
fn kinds() -> [News; 10] {
    let commits = (7..9).map(|version| Arc::new(record(version, vec![]))).collect();
    [
        News::Commits(commits),
        News::Changed(Version::new(7)),
        News::Watch { after: Version::ABSENT, reach: Reach::Topic },
        News::Unwatch,
        cancel(None),
        cancel(Some(Box::new(cancel_request()))),
        News::Cancelling(cancel_key()),
        News::CancelRefused(cancel_key()),
        News::Configs,
        News::HandOver,
    ]
}

fn cancel(request: Option<Box<CancelRequest>>) -> News {
    News::Cancel(cancel_key(), request)
}

fn cancel_key() -> CancelKey {
    CancelKey { claim: CommitId::from_uuid(uuid::Uuid::from_u128(7)), request: uuid::Uuid::from_u128(8) }
}

fn cancel_request() -> CancelRequest {
    let headers = std::collections::BTreeMap::from([("x-user".to_owned(), vec!["ann".to_owned()])]);
    let caller = crate::CallerContext { headers, ..Default::default() };
    CancelRequest { metadata: Some([("why".to_owned(), json!([1, null]))].into()), caller }
}

/// Writes and reads without keys: what these do, the seal's own tests show.
fn encode(to: &[InstanceId], message: &BusMessage) -> String {
    super::encode(to, message, &Seal::open())
}

fn decode(text: &str) -> Result<Addressed, WireError> {
    super::decode(text, &Seal::open())
}

fn message(news: News) -> BusMessage {
    let task = TaskKey::new(Tenant::new("acme"), "task");
    BusMessage { from: instance(1), task, news, trace: None }
}

/// A message's envelope as JSON.
fn tree(news: News) -> Value {
    serde_json::from_str(&encode(&[instance(2)], &message(news))).unwrap()
}

/// Decodes a message after a change to its JSON.
fn changed(news: News, change: impl FnOnce(&mut Value)) -> Result<Addressed, WireError> {
    let mut tree = tree(news);
    change(&mut tree);
    decode(&tree.to_string())
}

#[test]
fn every_kind_reads_back_under_its_own_word() {
    for news in kinds() {
        assert_eq!(tree(news.clone())["body"]["kind"], news.kind());
        let decoded = decode(&encode(&[instance(2), instance(3)], &message(news.clone()))).unwrap();
        assert_eq!(decoded, Addressed { to: vec![instance(2), instance(3)], message: message(news) });
    }
}

#[test]
fn the_shape_is_the_documented_one() {
    let expected = json!({
        "v": 2,
        "body": {
            "from": "00000000-0000-0000-0000-000000000001",
            "to": ["00000000-0000-0000-0000-000000000002"],
            "task": { "tenant": "acme", "taskId": "task" },
            "kind": "watch",
            "version": 7,
            "reach": "direct",
        },
    });
    let news = News::Watch { after: Version::new(7), reach: Reach::Direct };
    assert_eq!(tree(news.clone()), expected);

    let keys = crate::Keys::first([7; 32]);
    let signed = super::encode(&[instance(2)], &message(news.clone()), &Seal::new(keys));
    let signed: Value = serde_json::from_str(&signed).unwrap();
    assert_eq!((&signed["key"], &signed["body"]), (&json!(1), &expected["body"]));
    assert!(signed["code"].is_string());
}

#[test]
fn what_no_valid_key_signed_is_dropped() {
    let (ours, theirs) = (Seal::new(crate::Keys::first([1; 32])), Seal::new(crate::Keys::first([2; 32])));
    for news in kinds() {
        let signed = super::encode(&[instance(2)], &message(news.clone()), &ours);
        assert_eq!(super::decode(&signed, &ours).unwrap().message, message(news.clone()));
        assert_eq!(super::decode(&signed, &theirs), Err(WireError::Unproven));
        let unsigned = encode(&[instance(2)], &message(news));
        assert_eq!(super::decode(&unsigned, &ours), Err(WireError::Unproven));
    }
    let forged = super::encode(&[instance(2)], &message(cancel(None)), &ours)
        .replace(&instance(1).to_string(), &instance(3).to_string());
    assert_eq!(super::decode(&forged, &ours), Err(WireError::Unproven));
}

#[test]
fn commits_are_written_as_the_log_has_them() {
    let event = StreamResponse::Task(task(TaskState::Working));
    let commit = record(1, vec![event]);
    let written = tree(News::Commits(vec![Arc::new(commit.clone())]));
    assert_eq!(written["body"]["commits"], json!([commit]));
    assert_eq!(written["body"]["commits"][0]["id"], json!(CommitId::from_uuid(uuid::Uuid::from_u128(1))));
}

#[test]
fn unknown_fields_are_ignored() {
    for news in kinds() {
        let decoded = changed(news.clone(), |tree| {
            tree["new"] = json!({ "v": 3, "body": [1] });
            let body = &mut tree["body"];
            body["new"] = json!({ "kind": [1] });
            body["task"]["new"] = json!(1);
            if body["commits"].is_array() {
                body["commits"][0]["new"] = json!(1);
            }
        });
        assert_eq!(decoded.unwrap().message, message(news));
    }
}

#[test]
fn another_format_is_unknown_whatever_its_shape() {
    for text in [r#"{"v":1}"#, r#"{"v":0,"from":1}"#, r#"{"body":{},"key":[],"v":4294967295}"#] {
        assert_eq!(decode(text), Err(WireError::UnknownFormat), "{text}");
    }
    let newer = changed(cancel(None), |tree| tree["v"] = json!(FORMAT + 1));
    assert_eq!(newer, Err(WireError::UnknownFormat));
}

#[test]
fn another_kind_is_unknown() {
    for kind in ["", "Watch", "resume"] {
        let decoded = changed(cancel(None), |tree| tree["body"]["kind"] = json!(kind));
        assert_eq!(decoded, Err(WireError::UnknownKind), "{kind}");
    }
}

#[test]
fn what_is_missing_or_of_the_wrong_type_is_malformed() {
    let watch = || News::Watch { after: Version::new(7), reach: Reach::Direct };
    for path in ["/v", "/body", "/body/from", "/body/to", "/body/task", "/body/kind", "/body/version"] {
        let without = changed(watch(), |tree| {
            let (parent, field) = path.rsplit_once('/').unwrap();
            tree.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(field);
        });
        assert_eq!(without, Err(WireError::Malformed), "without {path}");
        for wrong in [json!(null), json!(-1), json!({}), json!([null])] {
            let decoded = changed(News::Changed(Version::new(7)), |tree| {
                *tree.pointer_mut(path).unwrap() = wrong.clone();
            });
            assert_eq!(decoded, Err(WireError::Malformed), "{path}: {wrong}");
        }
    }
}

#[test]
fn commits_that_are_not_consecutive_are_malformed() {
    let versions = |versions: &[u64]| {
        let commits = versions.iter().map(|version| Arc::new(record(*version, vec![]))).collect();
        decode(&encode(&[], &message(News::Commits(commits)))).map(|_| ())
    };
    for right in [&[1][..], &[1, 2, 3], &[u64::MAX - 1, u64::MAX]] {
        assert_eq!(versions(right), Ok(()), "{right:?}");
    }
    let wrong = [&[][..], &[0], &[0, 1], &[1, 3], &[2, 1], &[1, 1], &[1, 2, 4], &[u64::MAX, u64::MAX]];
    for wrong in wrong {
        assert_eq!(versions(wrong), Err(WireError::Malformed), "{wrong:?}");
    }
}

#[test]
fn the_noncharacters_that_xml_forbids_are_escaped_everywhere() {
    let nasty = "\u{ffff}\\\u{fffe}\"\\\\\u{ffff}";
    let news = News::Commits(vec![Arc::new(record(1, vec![StreamResponse::Task(task(TaskState::Working))]))]);
    let message = BusMessage {
        from: instance(1),
        task: TaskKey::new(Tenant::new(nasty), nasty),
        news,
        trace: Some(nasty.to_owned()),
    };
    let text = encode(&[], &message);
    assert!(!text.contains(['\u{fffe}', '\u{ffff}']));
    assert_eq!(decode(&text).unwrap().message, message);
}
