//! Tasks and events in short, to be compared at a glance.

use a2a::{Message, Part, StreamResponse, Task};
use a2a_testworld::world::{Events, texts};
use futures::StreamExt;

use super::soon;

/// The next event of a stream.
pub async fn next(events: &mut Events) -> StreamResponse {
    soon(events.next()).await.expect("the stream has ended").unwrap()
}

/// All that is left of a stream.
pub async fn rest(events: Events) -> Vec<StreamResponse> {
    soon(events.map(Result::unwrap).collect()).await
}

/// Events in short: `task WORKING [a b]`, `[c]`, `COMPLETED`.
pub fn outline(events: &[StreamResponse]) -> Vec<String> {
    let tell = |event: &StreamResponse| match event {
        StreamResponse::Task(task) => format!("task {:?} {:?}", task.status.state, texts(task)),
        StreamResponse::StatusUpdate(update) => format!("{:?}", update.status.state),
        StreamResponse::ArtifactUpdate(update) => {
            format!("{:?}", update.artifact.parts.iter().filter_map(Part::as_text).collect::<Vec<_>>())
        }
        StreamResponse::Message(message) => format!("message {}", message.text().unwrap_or_default()),
    };
    events.iter().map(tell).collect()
}

/// The texts of a task's history.
pub fn history(task: &Task) -> Vec<&str> {
    task.history.iter().flatten().filter_map(Message::text).collect()
}
