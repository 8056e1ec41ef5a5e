//! The language of the scripted agent: `do STEP; STEP; … / STEP; STEP; …`. What follows the slash is what its `cancel` does;
//! without one it cancels.
//!
//! | step | what the agent does |
//! |---|---|
//! | `work`, `ask`, `done`, `fail`, `canceled` | shows this state |
//! | `say X` | adds X to its artifact |
//! | `burst N` | adds N numbers at once |
//! | `talk N MS` | adds N numbers, one each MS; for ever where N is 0 |
//! | `show N MS` | shows its whole task N times, with one more part each MS |
//! | `message X` | says X as a bare message |
//! | `deep N` | says a bare message with data so many levels deep |
//! | `who` | adds what it knows of its caller and its turn |
//! | `sleep MS`, `hang` | says nothing, for so long or for ever |
//! | `block MS`, `block-once MS` | keeps its thread busy; only where the turn was not resumed |
//! | `panic`, `panic-nastily` | panics, with something that panics when it is dropped |
//! | `bomb` | panics when it is dropped, from here on |
//! | `error X`, `refuse` | fails with this error; refuses to cancel |
//! | `panic-in-call` | as the first step: panics before there is a stream |

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use a2a::{A2AError, Artifact, Message, Part, Role, StreamResponse, Task, TaskState, TaskStatus};
use a2a_server::ExecutorContext;
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::agent::Say;

type Said = Result<StreamResponse, A2AError>;

/// What the last message that is a script tells the agent to do.
pub(crate) fn script(ctx: &ExecutorContext) -> Option<String> {
    let said = ctx.stored_task.iter().flat_map(|task| task.history.iter().flatten());
    let all = said.chain(&ctx.message).filter_map(Message::text);
    Some(all.filter_map(|text| text.strip_prefix("do ")).next_back()?.to_owned())
}

pub(crate) fn execute(script: &str, ctx: &ExecutorContext) -> BoxStream<'static, Said> {
    run(script.split(" / ").next().unwrap_or_default(), ctx)
}

pub(crate) fn cancel(script: &str, ctx: &ExecutorContext) -> BoxStream<'static, Said> {
    run(script.split(" / ").nth(1).unwrap_or("canceled"), ctx)
}

fn run(steps: &str, ctx: &ExecutorContext) -> BoxStream<'static, Said> {
    let steps: VecDeque<_> = steps.split("; ").map(str::to_owned).collect();
    assert!(steps[0] != "panic-in-call", "the agent panics, as it was told");
    let run = Run {
        steps,
        ready: VecDeque::new(),
        say: Say { task: ctx.task_id.clone(), context: ctx.context_id.clone() },
        knows: knows(ctx),
        said: 0,
        bomb: None,
    };
    stream::unfold(run, |mut run| async move { Some((run.next().await?, run)) }).boxed()
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

struct Run {
    steps: VecDeque<String>,
    ready: VecDeque<Said>,
    say: Say,
    knows: String,
    said: usize,
    bomb: Option<Bomb>,
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "the agent panics when it is dropped, as it was told");
    }
}

impl Run {
    async fn next(&mut self) -> Option<Said> {
        loop {
            if let Some(said) = self.ready.pop_front() {
                return Some(said);
            }
            let step = self.steps.pop_front()?;
            let (verb, rest) = step.split_once(' ').unwrap_or((&step, ""));
            let number = |n: usize| rest.split(' ').nth(n).and_then(|n| n.parse::<usize>().ok()).unwrap_or(0);
            let pause = |n: usize| Duration::from_millis(number(n) as u64);
            match verb {
                "work" => return Some(self.say.status(TaskState::Working)),
                "ask" => return Some(self.say.status(TaskState::InputRequired)),
                "done" => return Some(self.say.status(TaskState::Completed)),
                "fail" => return Some(self.say.status(TaskState::Failed)),
                "canceled" => return Some(self.say.status(TaskState::Canceled)),
                "say" => return Some(self.say.artifact(rest, true)),
                "who" => return Some(self.say.artifact(&self.knows, true)),
                "burst" => {
                    let numbers = self.said..self.said + number(0);
                    self.said = numbers.end;
                    self.ready = numbers.map(|n| self.say.artifact(&n.to_string(), true)).collect();
                }
                "talk" => {
                    match number(0) {
                        0 => self.steps.push_front(step.clone()),
                        1 => {}
                        more => self.steps.push_front(format!("talk {} {}", more - 1, number(1))),
                    }
                    if number(1) == 0 {
                        tokio::task::yield_now().await
                    } else {
                        sleep(pause(1)).await
                    }
                    self.said += 1;
                    return Some(self.say.artifact(&(self.said - 1).to_string(), true));
                }
                "show" => {
                    if number(0) > 1 {
                        self.steps.push_front(format!("show {} {}", number(0) - 1, number(1)));
                    }
                    sleep(pause(1)).await;
                    self.said += 1;
                    return Some(Ok(StreamResponse::Task(self.whole())));
                }
                "message" => {
                    return Some(Ok(StreamResponse::Message(Message::new(
                        Role::Agent,
                        vec![Part::text(rest)],
                    ))));
                }
                "deep" => {
                    let deep = (0..number(0)).fold(json!(1), |value: Value, _| json!([value]));
                    return Some(Ok(StreamResponse::Message(Message::new(
                        Role::Agent,
                        vec![Part::data(deep)],
                    ))));
                }
                "sleep" => sleep(pause(0)).await,
                "hang" => std::future::pending().await,
                "block" => std::thread::sleep(pause(0)),
                "block-once" if self.knows.contains("\"resumed\"") => {}
                "block-once" => std::thread::sleep(pause(0)),
                "panic" => panic!("the agent panics, as it was told"),
                "panic-nastily" => std::panic::panic_any(Bomb),
                "bomb" => self.bomb = Some(Bomb),
                "error" => return Some(Err(A2AError::internal(rest))),
                "refuse" => return Some(Err(A2AError::task_not_cancelable(&self.say.task))),
                other => panic!("no such step: {other}"),
            }
        }
    }

    fn whole(&self) -> Task {
        let parts = (0..self.said).map(|n| Part::text(n.to_string())).collect();
        let artifact = Artifact {
            artifact_id: "out".into(),
            name: None,
            description: None,
            parts,
            metadata: None,
            extensions: None,
        };
        Task {
            id: self.say.task.clone(),
            context_id: self.say.context.clone(),
            status: TaskStatus { state: TaskState::Working, message: None, timestamp: None },
            artifacts: Some(vec![artifact]),
            history: None,
            metadata: None,
        }
    }
}
