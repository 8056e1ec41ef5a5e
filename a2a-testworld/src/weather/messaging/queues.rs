//! Queues that come and go: usable a while after they were created, gone a while after they were deleted, and with a name
//! that is blocked for another while.

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::fault;
use super::later::{Task, What};
use super::names::Queue;
use crate::weather::dice::Draws;
use crate::weather::endpoint::Head;
use crate::weather::station::{Station, body_from, whole};
use crate::weather::wire::{self, Answer};

impl Station {
    pub(super) async fn create_queue(
        &self,
        head: &Head,
        queue: Queue,
        request: &Map<String, Value>,
        draws: &mut Draws,
    ) -> Option<Answer> {
        let blocked = {
            let mut state = self.messaging.state();
            state.names.is_blocked(&queue, Instant::now()) || state.later.deletes(&queue)
        };
        if blocked {
            self.sky.count(|counts| counts.messaging.names_blocked += 1);
            return Some(fault::QUEUE_DELETED_RECENTLY.answer());
        }
        let usable = self.sky.weather().sqs.usable_after.map(|after| after.draw(&mut draws.more));
        // A queue that is there already stays usable.
        let is_new = usable.is_some() && !self.exists(head, &queue).await;
        let said = self.pass(head, body_from(request)).await?;
        self.failed_unless_ok("CreateQueue", &said);
        if let Some(usable) = usable.filter(|_| is_new && said.status.is_success()) {
            self.messaging.state().names.created(queue, Instant::now() + usable);
        }
        Some(whole(said))
    }

    pub(super) async fn delete_queue(
        &self,
        head: &Head,
        queue: Queue,
        request: &Map<String, Value>,
        draws: &mut Draws,
    ) -> Option<Answer> {
        let weather = self.sky.weather().sqs;
        let free = weather.name_blocked.map(|blocked| Instant::now() + blocked);
        let delay = weather.deletion.map(|deletion| deletion.draw(&mut draws.more));
        if self.messaging.state().later.deletes(&queue) {
            return Some(wire::answer(200, &json!({})));
        }
        if let Some(delay) = delay
            && self.exists(head, &queue).await
        {
            let (due, what) = (Instant::now() + delay, What::Deletion(queue.clone()));
            self.later(Task { due, head: head.clone(), body: body_from(request), what });
            self.sky.count(|counts| counts.messaging.deletions_delayed += 1);
            if let Some(free) = free {
                self.messaging.state().names.deleted(queue, free);
            }
            return Some(wire::answer(200, &json!({})));
        }
        let said = self.pass(head, body_from(request)).await?;
        self.failed_unless_ok("DeleteQueue", &said);
        if said.status.is_success() {
            let mut state = self.messaging.state();
            state.mailbox.forget(&queue);
            if let Some(free) = free {
                state.names.deleted(queue, free);
            }
        }
        Some(whole(said))
    }

    /// Whether the endpoint has a queue.
    async fn exists(&self, head: &Head, queue: &Queue) -> bool {
        let request = json!({ "QueueName": queue.name });
        self.endpoint.queue_request(head, "GetQueueUrl", &request).await.is_some()
    }
}
