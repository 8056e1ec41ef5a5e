//! An agent that shows its whole task: the updates that lead to it, and nothing twice.

use super::*;
use crate::samples::{document, says};

fn shown(change: impl FnOnce(&mut Task)) -> StreamResponse {
    let mut whole = task(TaskState::Working);
    whole.status.timestamp = None;
    change(&mut whole);
    StreamResponse::Task(whole)
}

fn admitted(known: &Task, event: StreamResponse) -> Vec<StreamResponse> {
    admit(known, event, &Clock::new()).unwrap()
}

#[test]
fn a_whole_task_becomes_messages_then_artifacts_then_the_status() {
    let event = shown(|whole| {
        whole.history = Some(vec![says("one", "1")]);
        whole.artifacts = Some(vec![document("a", "x")]);
        whole.status.state = TaskState::Completed;
        whole.status.message = Some(says("done", "."));
        whole.metadata = map([("key", json!(1))]);
    });
    let events = admitted(&task(TaskState::Working), event.clone());
    use StreamResponse::{ArtifactUpdate, Message, StatusUpdate};
    let [Message(_), ArtifactUpdate(artifact), StatusUpdate(_)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((artifact.append, artifact.last_chunk), (None, Some(true)));

    let task = after([event]);
    assert_eq!(task.status.state, TaskState::Completed);
    assert_eq!(task.status.message, Some(says("done", ".")));
    assert_eq!(task.artifacts, Some(vec![document("a", "x")]));
    assert_eq!(history(&task), ["one"]);
    assert_eq!(task.metadata, map([("key", json!(1))]));
}

#[test]
fn what_the_task_has_already_is_not_repeated() {
    let known = after([
        StreamResponse::Message(says("one", "1")),
        StreamResponse::Message(says("two", "2")),
        artifact_update(document("a", "x"), None),
    ]);
    assert_eq!(admitted(&known, StreamResponse::Task(known.clone())), []);
    let unaddressed = |message: &mut Message| (message.task_id, message.context_id) = (None, None);
    let mut sloppy = known.clone();
    sloppy.status.message.iter_mut().for_each(unaddressed);
    sloppy.history.iter_mut().flatten().for_each(unaddressed);
    sloppy.artifacts.iter_mut().flatten().for_each(|artifact| artifact.metadata = map([]));
    assert_eq!(admitted(&known, StreamResponse::Task(sloppy)), []);
}

#[test]
fn an_artifact_that_has_grown_is_extended_by_what_is_new() {
    let known = after([artifact_update(document("a", "x"), None)]);
    let mut grown = document("a", "x");
    grown.parts.extend([a2a::Part::text("y"), a2a::Part::text("z")]);
    let event = shown(|whole| whole.artifacts = Some(vec![grown.clone()]));
    let events = admitted(&known, event);
    let [StreamResponse::ArtifactUpdate(update)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((update.append, update.artifact.parts.len()), (Some(true), 2));
    let mut task = known.clone();
    apply(&mut task, &events[0]);
    assert_eq!(task.artifacts, Some(vec![grown.clone()]));

    let mut changed = grown.clone();
    changed.parts[0] = a2a::Part::text("other");
    changed.parts.push(a2a::Part::text("more"));
    let events = admitted(&task, shown(|whole| whole.artifacts = Some(vec![changed.clone()])));
    apply(&mut task, &events[0]);
    assert_eq!(task.artifacts, Some(vec![changed]));
}

#[test]
fn what_a_whole_task_lacks_is_kept() {
    let known = after([
        StreamResponse::Message(says("one", "1")),
        StreamResponse::Message(says("two", "2")),
        artifact_update(document("a", "x"), None),
    ]);
    let event = shown(|whole| whole.artifacts = Some(vec![document("b", "y")]));
    let mut task = known.clone();
    admitted(&known, event).iter().for_each(|event| apply(&mut task, event));
    assert_eq!(history(&task), ["one", "two"]);
    assert_eq!((texts(&task, "a"), texts(&task, "b")), (vec!["x".to_owned()], vec!["y".to_owned()]));
}

#[test]
fn a_state_that_is_not_given_stays() {
    let stateless = |message| {
        shown(|whole| {
            whole.status.state = TaskState::Unspecified;
            whole.status.message = message;
        })
    };
    let known = after([status_update(TaskState::InputRequired, Some(says("one", "1")))]);
    assert_eq!(admitted(&known, stateless(None)), []);

    let task = after([
        status_update(TaskState::InputRequired, Some(says("one", "1"))),
        stateless(Some(says("two", "2"))),
    ]);
    assert_eq!(task.status.state, TaskState::InputRequired);
    assert_eq!(task.status.message, Some(says("two", "2")));
    assert_eq!(history(&task), ["one"]);
}

#[test]
fn new_metadata_alone_leaves_the_status_message_where_it_is() {
    let said = status_update(TaskState::Working, Some(says("one", "1")));
    let marked = |value: i32| {
        shown(|whole| {
            whole.status.message = Some(says("one", "1"));
            whole.metadata = map([("key", json!(value))]);
        })
    };
    let task = after([said, marked(1), marked(2), marked(2)]);
    assert_eq!(task.status.message, Some(says("one", "1")));
    assert_eq!(history(&task), [""; 0]);
    assert_eq!(task.metadata, map([("key", json!(2))]));
    assert_eq!(admitted(&task, marked(2)), []);
}

#[test]
fn last_words_that_are_in_the_history_as_well_stay_there_once() {
    let both = shown(|whole| {
        whole.history = Some(vec![says("one", "1")]);
        whole.status.message = Some(says("one", "1"));
    });
    let task = after([both, status_update(TaskState::Completed, None)]);
    assert_eq!(history(&task), ["one"]);
}

#[test]
fn a_status_message_that_the_agent_has_moved_into_the_history_is_there_once() {
    let moved = shown(|whole| {
        whole.history = Some(vec![says("one", "1"), says("two", "2")]);
        whole.status.message = Some(says("three", "3"));
    });
    let task = after([status_update(TaskState::Working, Some(says("one", "1"))), moved]);
    let mut ids = history(&task);
    ids.sort_unstable();
    assert_eq!(ids, ["one", "two"]);
    assert_eq!(task.status.message, Some(says("three", "3")));
}

#[test]
fn an_artifact_of_a_task_that_goes_on_is_not_marked_as_complete() {
    let event = shown(|whole| {
        whole.artifacts = Some(vec![document("a", "x")]);
        whole.status.state = TaskState::Working;
    });
    let events = admitted(&task(TaskState::Working), event);
    let [StreamResponse::ArtifactUpdate(artifact)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((artifact.append, artifact.last_chunk), (None, None));
}
