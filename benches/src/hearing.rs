//! What a client of instances without a network does with streams, in few words.

use a2a::{Message, Part, Role, SendMessageRequest, StreamResponse, SubscribeToTaskRequest};
use a2a_cluster::ClusterHandler;
use a2a_server::{RequestHandler, ServiceParams};
use futures::stream::{BoxStream, StreamExt};

use crate::Error;

/// A stream as a handler gives it.
pub(crate) type Stream = BoxStream<'static, Result<StreamResponse, a2a::A2AError>>;

/// The message that has an agent play a script.
pub(crate) fn request(script: &str) -> SendMessageRequest {
    let message = Message::new(Role::User, vec![Part::text(script)]);
    SendMessageRequest { message, configuration: None, metadata: None, tenant: None }
}

/// Has an agent play a script, and returns the task's id and what follows it on its stream.
pub(crate) async fn begin(handler: &ClusterHandler, script: &str) -> Result<(String, Stream), Error> {
    let mut stream = handler.send_streaming_message(&ServiceParams::new(), request(script)).await?;
    match stream.next().await.ok_or("the stream ended at once")?? {
        StreamResponse::Task(task) => Ok((task.id, stream)),
        _ => Err("the stream did not begin with the task".into()),
    }
}

/// Opens a stream of a task, and returns what follows the task on it.
pub(crate) async fn join(handler: &ClusterHandler, task: &str) -> Result<Stream, Error> {
    let request = SubscribeToTaskRequest { id: task.to_owned(), tenant: None };
    let mut stream = handler.subscribe_to_task(&ServiceParams::new(), request).await?;
    stream.next().await.ok_or("a watcher's stream ended at once")??;
    Ok(stream)
}

/// Reads a stream to its end, which must be that of its task, and returns how many events came.
pub(crate) async fn read(mut stream: Stream) -> Result<usize, Error> {
    let (mut events, mut is_terminal) = (0, false);
    while let Some(event) = stream.next().await {
        events += 1;
        if let StreamResponse::StatusUpdate(update) = event? {
            is_terminal = update.status.state.is_terminal();
        }
    }
    if is_terminal { Ok(events) } else { Err("a stream was cut".into()) }
}
