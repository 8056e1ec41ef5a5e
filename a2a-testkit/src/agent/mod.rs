//! The one agent of all tests and benches: it does what its message tells it to.
//!
//! A message's text is a *script*: steps, separated by `; `, that the agent takes in a turn. What follows ` / ` are the
//! steps that it takes when it is asked to cancel; without them it cancels. [`Script`] makes such texts from typed
//! steps. A cancel obeys the last script in the task's history.
//!
//! | step | what the agent does |
//! |---|---|
//! | `work`, `ask`, `auth`, `done`, `fail`, `reject`, `canceled` | shows this state, and goes on |
//! | `say X` | adds X to its artifact |
//! | `burst N [TEXT]` | adds N chunks at once |
//! | `talk N PAUSE [TEXT]` | adds N chunks, with a pause before each; for ever where N is 0 |
//! | `tick N EVERY [TEXT]` | adds N chunks by the clock: the first at once, and those that are late catch up |
//! | `count FROM TO [PAUSE]` | adds these numbers, but for those that an attempt before has added |
//! | `data N` | adds data that is nested N levels deep |
//! | `who` | adds what it knows of its caller and its turn |
//! | `show N PAUSE` | shows its whole task N times, with one more part each time |
//! | `message X`, `deep N` | answers with a bare message: a text, or data N levels deep |
//! | `stray` | shows a state of a task that is another's |
//! | `sleep TIME`, `hang` | is silent for so long, or for ever |
//! | `latch NAME` | is silent until a test [opens](Latches::open) that latch |
//! | `block TIME` | keeps its thread busy for so long |
//! | `block-once TIME`, `block-again TIME` | does so where the turn was not resumed; where it was |
//! | `block-at NAME` | keeps its thread busy until that latch is open |
//! | `panic [X]`, `panic-nastily` | panics; with something that panics when it is dropped |
//! | `bomb` | panics when it is dropped, from here on |
//! | `panic-in-call` | as the first step: panics before there is a stream |
//! | `error X`, `unsupported X` | fails with an internal error; says that it does not do this |
//! | `refuse` | refuses to cancel |
//!
//! A time is a number of milliseconds, or of microseconds with `us` behind it. A pause of 0 lets others run. TEXT is what
//! a chunk says: a number as wide as this (`3` makes `007`), or so many bytes of a kind: `prose:120` compresses as
//! prose does, `noise:120` does not compress, and in `stamp:120` stands [when it was said](stamp).
//!
//! A text of one step may also be a command, which stands for a whole script:
//!
//! | command | script |
//! |---|---|
//! | `echo X` | `say X; done` |
//! | `stream N PAUSE [TEXT]` | `work; talk N PAUSE TEXT; done` |
//! | `burst N [TEXT]` | `work; burst N TEXT; done` |
//! | `quiet TIME` | `sleep TIME; say done; done` |
//! | `hang` | `work; hang` |
//! | `stubborn` | `work; hang / hang` |
//! | `refuse [TIME]` | `work; hang / refuse`, or `work; sleep TIME; done / refuse` |
//!
//! Any other text is said back, and the task completed. A text that begins with `do ` is a script and nothing else: a
//! word in it that is no step fails the agent.

mod event;
mod latches;
mod parse;
mod play;
mod render;
mod script;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use a2a::{A2AError, Message, StreamResponse};
use a2a_server::{AgentExecutor, ExecutorContext};
use futures::stream::{BoxStream, Stream, StreamExt};
use serde_json::json;

pub use event::{ARTIFACT_ID, STRAY, Speaker};
pub use latches::Latches;
pub use parse::Misuse;
pub use play::{Played, Said, play};
pub use script::{Script, Step};
pub use text::{MARK, Text, stamp};

/// Does what its messages say. Clones share their latches and their count of turns.
#[derive(Debug, Clone, Default)]
pub struct ScriptedAgent {
    latches: Latches,
    turns: Arc<AtomicUsize>,
}

impl ScriptedAgent {
    /// Makes an agent that waits at these latches.
    pub fn at(latches: Latches) -> Self {
        ScriptedAgent { latches, ..ScriptedAgent::default() }
    }

    /// What it waits at.
    pub fn latches(&self) -> &Latches {
        &self.latches
    }

    /// How many turns it has begun.
    pub fn turns(&self) -> usize {
        self.turns.load(Ordering::Relaxed)
    }

    fn take(&self, steps: Vec<Step>, ctx: &ExecutorContext) -> impl Stream<Item = Said> + Send + use<> {
        let stored = ctx.stored_task.iter().flat_map(|task| task.artifacts.iter().flatten());
        let stored = stored.filter(|artifact| artifact.artifact_id == ARTIFACT_ID);
        let parts = stored.map(|artifact| artifact.parts.len()).sum();
        let knows = if steps.contains(&Step::Who) { knows(ctx) } else { String::new() };
        let resumed = ctx.metadata.iter().flatten().any(|(_, value)| value["kind"] == "resumed");
        play(steps, self.latches.clone(), Played { parts, knows, resumed })
    }
}

impl AgentExecutor for ScriptedAgent {
    fn execute(&self, ctx: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
        self.turns.fetch_add(1, Ordering::Relaxed);
        let text = ctx.message.as_ref().and_then(Message::text).unwrap_or_default();
        let script = Script::read(text).unwrap_or_else(|misuse| panic!("{misuse}"));
        let said = self.take(script.turn, &ctx);
        let speaker = Speaker::new(ctx.task_id, ctx.context_id);
        said.map(move |said| speaker.event(said)).boxed()
    }

    fn cancel(&self, ctx: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
        let history = ctx.stored_task.iter().flat_map(|task| task.history.iter().flatten());
        let texts = history.chain(&ctx.message).filter_map(Message::text);
        let script = texts.filter_map(Script::written).next_back().unwrap_or_default();
        let said = self.take(script.cancel, &ctx);
        let speaker = Speaker::new(ctx.task_id, ctx.context_id);
        said.map(move |said| speaker.event(said)).boxed()
    }
}

/// What an agent can know of its caller and its turn.
fn knows(ctx: &ExecutorContext) -> String {
    let user = ctx.user.as_ref();
    let attributes: BTreeMap<_, _> = user.iter().flat_map(|user| &user.attributes).collect();
    let metadata: BTreeMap<_, _> = ctx.metadata.iter().flatten().collect();
    let params: BTreeMap<_, _> = ctx.service_params.iter().collect();
    let name = user.map(|user| &user.name);
    json!({ "name": name, "claims": attributes, "params": params, "metadata": metadata }).to_string()
}

#[cfg(test)]
mod tests;
