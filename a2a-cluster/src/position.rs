//! Where each event of a task's stream stands in the task's log.

use a2a::{A2AError, SendMessageRequest, StreamResponse, SubscribeToTaskRequest};
use a2a_core::{Generation, Tip, Version};
use a2a_server::{RequestHandler, ServiceParams};
use async_trait::async_trait;
use futures::stream::BoxStream;

/// The place of an event in its task's log: the same on every instance, on every stream, at any time.
///
/// Ordered as streams show events: each position of a stream is greater than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The commit.
    pub version: Version,
    /// Which of the commit's events.
    pub index: EventIndex,
    /// How many events the task's streams have carried with this one: 1 with its creation, one more for each later
    /// one, without holes. A snapshot carries what its task is made of.
    pub generation: Generation,
}

/// Which of a commit's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventIndex {
    /// The event at this index, counting from 0. What streams do not show counts, too: a follow-up's message.
    At(u32),
    /// All of them: the event is a snapshot of the task as the commit left it.
    All,
}

impl Position {
    /// The position of a snapshot of the task at a tip.
    pub(crate) fn of_snapshot(tip: Tip) -> Self {
        Position { version: tip.version, index: EventIndex::All, generation: tip.generation }
    }
}

/// An event of a stream, with its position.
#[derive(Debug, Clone, PartialEq)]
pub struct PositionedEvent {
    /// The event, as streams without positions show it.
    pub event: StreamResponse,
    /// Where it stands. `None` for a message in the place of a task: no log has it.
    pub position: Option<Position>,
}

/// A stream whose events come with their positions. An error has none, and is the last item.
pub type PositionedEvents = BoxStream<'static, Result<PositionedEvent, A2AError>>;

/// A handler whose streams know where each event stands in its task's log.
///
/// Its two methods are the streams of [`RequestHandler`], event by event and error by error, with positions. A
/// handler without a log does not implement it.
///
/// ```
/// use a2a::{A2AError, SubscribeToTaskRequest};
/// use a2a_cluster::{EventIndex, PositionedStreams};
/// use a2a_server::ServiceParams;
/// use futures::StreamExt;
///
/// async fn print(handler: &dyn PositionedStreams, req: SubscribeToTaskRequest) -> Result<(), A2AError> {
///     let mut events = handler.subscribe_positioned(&ServiceParams::new(), req).await?;
///     while let Some(shown) = events.next().await {
///         let Some(position) = shown?.position else { continue };
///         match position.index {
///             EventIndex::At(index) => println!("event {index} of commit {}", position.version),
///             EventIndex::All => println!("the task as commit {} left it", position.version),
///         }
///     }
///     Ok(())
/// }
/// ```
#[async_trait]
pub trait PositionedStreams: RequestHandler {
    /// Sends a message and streams the turn, as `send_streaming_message` does.
    async fn send_positioned(
        &self,
        params: &ServiceParams,
        req: SendMessageRequest,
    ) -> Result<PositionedEvents, A2AError>;

    /// Streams a task until it ends, as `subscribe_to_task` does.
    async fn subscribe_positioned(
        &self,
        params: &ServiceParams,
        req: SubscribeToTaskRequest,
    ) -> Result<PositionedEvents, A2AError>;
}
