//! The last chapter: an instance is killed in the middle of a stream, and the others deal with it.

use std::sync::OnceLock;
use std::time::Duration;

use a2a::TaskState;
use a2a_cluster::{Config, ExecutorLost};
use chrono::TimeDelta;

use super::chapters::{Chapter, Stage, begun, expect};
use super::error::DemoError;
use super::listener::Listener;
use super::mortal::Mortal;
use super::words::chunk_numbers;

/// Short, so that nobody has to wait, but long enough for a busy machine to evict nobody who lives.
const LEASE: Duration = Duration::from_secs(2);
/// Two leases, mostly; what so much longer takes is no busy machine any more.
const IN_TIME: Duration = Duration::from_secs(30);
const BEAT: Duration = Duration::from_millis(200);

/// The settings of the demo's instances.
pub(super) fn config(resume: bool) -> Config {
    let lost = if resume { ExecutorLost::Resume { max_attempts: 3 } } else { ExecutorLost::Fail };
    Config::default().beat_interval(BEAT).lease(LEASE).executor_lost(lost)
}

impl Stage {
    /// C runs a task and is killed; A and B stream on until the survivors have dealt with it.
    pub(super) async fn an_instance_is_killed(&self, victim: Mortal, resume: bool) -> Chapter {
        const CHUNKS: u32 = 40;
        const LAST_WORDS: u32 = 10;
        let [a, b, c] = &self.peers;
        self.timeline.chapter(
            "5  An instance is killed",
            &format!(
                "C runs it and dies on the way, without a word. After {} s without a sign of life the others {} its task.",
                LEASE.as_secs(),
                if resume { "resume" } else { "fail" },
            ),
        );
        let text = format!("stream {CHUNKS} 50");
        self.timeline.note(c, &format!("SendStreamingMessage \"{text}\""));
        let mut on_c = self.listen(c, c.stream(&text, None).await?).show_every(LAST_WORDS);
        let task = begun(&mut on_c).await?;
        let killed = OnceLock::new();
        let survive = async |peer| {
            let listener: Listener<'_> = self.subscribe(peer, &task.id).await?;
            Ok::<_, DemoError>(listener.show_every(LAST_WORDS).since(&killed).hear_out().await)
        };
        let mut progress = on_c.progress();
        let kill = async {
            // An error means that the stream has ended; what the others hear tells the rest.
            let _ = progress.wait_for(|chunk| *chunk >= LAST_WORDS).await;
            let _ = killed.set(self.env.now());
            victim.kill();
            self.timeline.note(c, "is killed");
        };
        let (_, on_a, on_b, ()) = tokio::join!(on_c.hear_out(), survive(a), survive(b), kill);
        let (on_a, on_b) = (on_a?, on_b?);

        let in_time = TimeDelta::from_std(IN_TIME).map_err(|_| DemoError::wrong("a lease of centuries"))?;
        for heard in [&on_a, &on_b] {
            let moved = heard.moved_after.is_some_and(|after| after < in_time);
            expect(moved, "nobody took the task over in time")?;
        }
        let task = self.get(b, &task.id).await?;
        if resume {
            let whole = chunk_numbers(&task).into_iter().eq(1..=CHUNKS);
            expect(
                task.status.state == TaskState::Completed && whole,
                "the task was not resumed to its end",
            )?;
        } else {
            expect(task.status.state == TaskState::Failed, "the task did not fail")?;
        }
        Ok(vec![on_a, on_b])
    }
}
