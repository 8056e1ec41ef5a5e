//! The chapters of the demo: each drives a task through several instances and returns the streams it read.

use std::sync::Arc;

use a2a::{Task, TaskState};
use a2a_core::Env;

use super::error::DemoError;
use super::listener::{Heard, Listener};
use super::peer::{Events, Peer};
use super::timeline::Timeline;
use super::words::{chunk_numbers, summary};

/// What a chapter works with.
pub(crate) struct Stage {
    /// The three instances.
    pub(crate) peers: [Peer; 3],
    /// What the user reads.
    pub(crate) timeline: Timeline,
    /// The clock that delays are measured with.
    pub(crate) env: Arc<dyn Env>,
}

pub(super) type Chapter = Result<Vec<Heard>, DemoError>;

impl Stage {
    pub(super) fn listen<'a>(&'a self, peer: &'a Peer, events: Events) -> Listener<'a> {
        Listener::new(peer, &self.timeline, self.env.as_ref(), events)
    }

    pub(super) async fn subscribe<'a>(
        &'a self,
        peer: &'a Peer,
        task: &str,
    ) -> Result<Listener<'a>, DemoError> {
        self.timeline.note(peer, "SubscribeToTask");
        Ok(self.listen(peer, peer.subscribe(task).await?))
    }

    pub(super) async fn get(&self, peer: &Peer, task: &str) -> Result<Task, DemoError> {
        let task = peer.get(task).await?;
        self.timeline.note(peer, &format!("GetTask says {}", summary(&task)));
        Ok(task)
    }

    /// A task runs on A; B and C stream it, and every instance gets and lists it.
    pub(crate) async fn one_task_everywhere(&self) -> Chapter {
        const CHUNKS: u32 = 12;
        let [a, b, c] = &self.peers;
        self.timeline.chapter(
            "1  One task, three instances",
            "A runs it. B subscribes at its beginning, C on the way. Each stream begins with the Task as it is.",
        );
        let text = format!("stream {CHUNKS} 150");
        self.timeline.note(a, &format!("SendStreamingMessage \"{text}\""));
        let mut on_a = self.listen(a, a.stream(&text, None).await?);
        let task = begun(&mut on_a).await?;
        let mut progress = on_a.progress();
        let on_the_way = async {
            // An error means that the stream has ended: then what C finds tells the rest.
            let _ = progress.wait_for(|chunk| *chunk >= CHUNKS / 3).await;
            self.get(c, &task.id).await?;
            Ok(self.subscribe(c, &task.id).await?.hear_out().await)
        };
        let at_once = async { Ok(self.subscribe(b, &task.id).await?.hear_out().await) };
        let (on_a, on_b, on_c): (_, Result<_, DemoError>, Result<_, DemoError>) =
            tokio::join!(on_a.hear_out(), at_once, on_the_way);
        let heard = vec![on_a, on_b?, on_c?];

        self.every_instance_has(&task, CHUNKS).await?;
        let listed = c.list(&task.context_id).await?;
        self.timeline.note(c, &format!("ListTasks finds {} task in this context", listed.total_size));
        expect(listed.tasks.iter().any(|listed| listed.id == task.id), "C does not list the task")?;
        Ok(heard)
    }

    /// A busy task: a chunk a millisecond, which leaves others the time to subscribe before it is over.
    pub(crate) async fn a_busy_task(&self) -> Chapter {
        const CHUNKS: u32 = 1000;
        let [a, b, c] = &self.peers;
        self.timeline.chapter(
            "2  A thousand chunks in a second",
            "B runs it, all three stream it. Every 250th chunk is shown, every one is counted.",
        );
        let text = format!("stream {CHUNKS} 1");
        self.timeline.note(b, &format!("SendStreamingMessage \"{text}\""));
        let mut on_b = self.listen(b, b.stream(&text, None).await?).show_every(250);
        let task = begun(&mut on_b).await?;
        let follow = async |peer| {
            let listener: Listener<'_> = self.subscribe(peer, &task.id).await?;
            Ok::<_, DemoError>(listener.show_every(250).hear_out().await)
        };
        let (on_b, on_a, on_c) = tokio::join!(on_b.hear_out(), follow(a), follow(c));
        self.every_instance_has(&task, CHUNKS).await?;
        Ok(vec![on_b, on_a?, on_c?])
    }

    /// A task parks on A, is answered through B, and C streams it from the question to the end.
    pub(crate) async fn follow_up_elsewhere(&self) -> Chapter {
        let [a, b, c] = &self.peers;
        self.timeline.chapter(
            "3  A question, answered elsewhere",
            "A asks for input and parks the task. The answer goes to B, which runs the task from then on; C watches.",
        );
        self.timeline.note(a, "SendMessage \"ask\"");
        let task = a.send("ask").await?;
        self.timeline.note(a, &format!("answers with a task that is {}", summary(&task)));
        expect(task.status.state == TaskState::InputRequired, "the task is not parked")?;

        let mut on_c = self.subscribe(c, &task.id).await?;
        begun(&mut on_c).await?;
        self.timeline.note(b, "SendStreamingMessage \"forty-two\" to the same task");
        let on_b = self.listen(b, b.stream("forty-two", Some(&task)).await?);
        let (on_b, on_c) = tokio::join!(on_b.hear_out(), on_c.hear_out());
        let task = self.get(a, &task.id).await?;
        expect(task.status.state == TaskState::Completed, "the answered task is not completed")?;
        Ok(vec![on_b, on_c])
    }

    /// A works for ten minutes; a cancel through B ends it, and C sees it end.
    pub(crate) async fn cancel_elsewhere(&self) -> Chapter {
        let [a, b, c] = &self.peers;
        self.timeline.chapter(
            "4  A cancel that lands elsewhere",
            "A would work for ten minutes. The cancel goes to B; the streams on A and C both end.",
        );
        self.timeline.note(a, "SendStreamingMessage \"wait 600\"");
        let mut on_a = self.listen(a, a.stream("wait 600", None).await?);
        let task = begun(&mut on_a).await?;
        let mut on_c = self.subscribe(c, &task.id).await?;
        begun(&mut on_c).await?;
        let cancel = async {
            self.timeline.note(b, "CancelTask");
            let task = b.cancel(&task.id).await?;
            self.timeline.note(b, &format!("answers with a task that is {}", summary(&task)));
            expect(task.status.state == TaskState::Canceled, "the task is not cancelled")
        };
        let (on_a, on_c, canceled) = tokio::join!(on_a.hear_out(), on_c.hear_out(), cancel);
        canceled?;
        Ok(vec![on_a, on_c])
    }

    async fn every_instance_has(&self, task: &Task, chunks: u32) -> Result<(), DemoError> {
        for peer in &self.peers {
            let task = self.get(peer, &task.id).await?;
            let complete =
                task.status.state == TaskState::Completed && chunk_numbers(&task).into_iter().eq(1..=chunks);
            expect(
                complete,
                &format!("{} does not have all chunks of the completed task in order", peer.name),
            )?;
        }
        Ok(())
    }
}

pub(super) async fn begun(listener: &mut Listener<'_>) -> Result<Task, DemoError> {
    listener.snapshot().await.ok_or_else(|| DemoError::wrong("a stream does not begin with its task"))
}

pub(super) fn expect(holds: bool, otherwise: &str) -> Result<(), DemoError> {
    if holds { Ok(()) } else { Err(DemoError::wrong(otherwise)) }
}
