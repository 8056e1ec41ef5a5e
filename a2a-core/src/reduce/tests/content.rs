//! Artifact updates: first chunk, append, replace, last chunk.

use a2a::{Artifact, Part, TaskArtifactUpdateEvent};

use super::*;
use crate::samples::document;

fn admitted(task: &Task, event: StreamResponse) -> TaskArtifactUpdateEvent {
    let events = admit(task, event, &Clock::new()).unwrap();
    let [StreamResponse::ArtifactUpdate(update)] = &events[..] else { panic!("{events:?}") };
    update.clone()
}

#[test]
fn the_first_chunk_creates_the_artifact_also_where_it_appends() {
    for append in [None, Some(false), Some(true)] {
        let first = artifact_update(document("a", "x"), append);
        assert_eq!(admitted(&task(TaskState::Working), first.clone()).append, None);
        assert_eq!(texts(&after([first]), "a"), ["x"]);
    }
}

#[test]
fn an_appended_chunk_extends_the_artifact() {
    let said = [
        artifact_update(document("a", "1"), None),
        artifact_update(document("b", "other"), None),
        artifact_update(document("a", "2"), Some(true)),
        artifact_update(document("a", ""), Some(true)),
        artifact_update(document("a", "3"), Some(true)),
    ];
    let task = after(said);
    assert_eq!(texts(&task, "a"), ["1", "2", "", "3"]);
    assert_eq!(texts(&task, "b"), ["other"]);
    assert_eq!(admitted(&task, artifact_update(document("a", "4"), Some(true))).append, Some(true));
}

#[test]
fn a_chunk_that_does_not_append_replaces_the_artifact() {
    for append in [None, Some(false)] {
        let old = Artifact { name: Some("old".into()), ..document("a", "1") };
        let new = artifact_update(document("a", "2"), append);
        let task = after([artifact_update(old, None), new.clone()]);
        assert_eq!(task.artifacts, Some(vec![document("a", "2")]));
        assert_eq!(admitted(&task, new).append, None);
    }
}

#[test]
fn artifacts_keep_the_order_in_which_they_began() {
    let said = ["b", "a", "b", "c", "a"].map(|id| artifact_update(document(id, "x"), None));
    let artifacts = after(said).artifacts.unwrap();
    assert_eq!(artifacts.iter().map(|a| a.artifact_id.as_str()).collect::<Vec<_>>(), ["b", "a", "c"]);
}

#[test]
fn an_appended_chunk_merges_what_describes_the_artifact() {
    let first = Artifact {
        name: Some("name".into()),
        description: Some("old".into()),
        metadata: map([("kept", json!(1)), ("replaced", json!(1))]),
        extensions: Some(vec!["x".into()]),
        ..document("a", "1")
    };
    let second = Artifact {
        name: None,
        description: Some("new".into()),
        metadata: map([("replaced", json!(2))]),
        extensions: Some(vec!["x".into(), "y".into()]),
        ..document("a", "2")
    };
    let task = after([artifact_update(first, None), artifact_update(second, Some(true))]);
    let expected = Artifact {
        name: Some("name".into()),
        description: Some("new".into()),
        metadata: map([("kept", json!(1)), ("replaced", json!(2))]),
        extensions: Some(vec!["x".into(), "y".into()]),
        parts: vec![Part::text("1"), Part::text("2")],
        ..document("a", "")
    };
    assert_eq!(task.artifacts, Some(vec![expected]));
}

#[test]
fn an_empty_name_does_not_rename_an_artifact() {
    let named = Artifact { name: Some("name".into()), ..document("a", "1") };
    let unnamed = Artifact { name: Some(String::new()), ..document("a", "2") };
    let task = after([artifact_update(named, None), artifact_update(unnamed, Some(true))]);
    assert_eq!(task.artifacts.unwrap()[0].name.as_deref(), Some("name"));
}

#[test]
fn the_last_chunk_is_marked_in_the_event_and_closes_nothing() {
    let last = |is_last| {
        let StreamResponse::ArtifactUpdate(update) = artifact_update(document("a", "x"), Some(true)) else {
            unreachable!()
        };
        StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent { last_chunk: is_last, ..update })
    };
    let known = task(TaskState::Working);
    assert_eq!(admitted(&known, last(Some(true))).last_chunk, Some(true));
    assert_eq!(admitted(&known, last(Some(false))).last_chunk, None);
    assert_eq!(texts(&after([last(None), last(Some(true)), last(None)]), "a"), ["x", "x", "x"]);
}
