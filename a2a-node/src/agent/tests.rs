use std::collections::HashMap;
use std::time::Duration;

use a2a::TaskStatus;
use a2a_core::{SystemEnv, reduce};
use tokio::time::Instant;

use super::chunk::{self, Chunk};
use super::*;

fn agent() -> BuiltIn {
    BuiltIn::new(Arc::new(SystemEnv))
}

/// A first message with this text, as a server hands it to the agent.
pub(crate) fn saying(text: &str) -> ExecutorContext {
    ExecutorContext {
        message: Some(Message::new(Role::User, vec![Part::text(text)])),
        task_id: "t1".into(),
        stored_task: None,
        context_id: "c1".into(),
        metadata: None,
        user: None,
        service_params: HashMap::new(),
        tenant: None,
    }
}

fn on_task(state: TaskState, text: &str) -> ExecutorContext {
    let status = TaskStatus { state, message: None, timestamp: None };
    let task = Task {
        id: "t1".into(),
        context_id: "c1".into(),
        status,
        artifacts: None,
        history: None,
        metadata: None,
    };
    ExecutorContext { stored_task: Some(task), ..saying(text) }
}

async fn played(ctx: ExecutorContext) -> Vec<StreamResponse> {
    agent().execute(ctx).map(Result::unwrap).collect().await
}

fn outline(events: &[StreamResponse]) -> Vec<String> {
    events.iter().map(line).collect()
}

fn line(event: &StreamResponse) -> String {
    match event {
        StreamResponse::StatusUpdate(update) => format!("{:?}", update.status.state),
        StreamResponse::ArtifactUpdate(update) => {
            format!("artifact {}", update.artifact.parts[0].as_text().unwrap())
        }
        StreamResponse::Message(message) => format!("message {}", message.text().unwrap()),
        StreamResponse::Task(_) => "task".into(),
    }
}

#[tokio::test(start_paused = true)]
async fn each_command_plays_out_as_its_manual_says() {
    let table: [(&str, &[&str]); 7] = [
        ("echo hello", &["artifact hello", "Completed"]),
        ("hello there", &["artifact hello there", "Completed"]),
        ("ask", &["InputRequired"]),
        ("wait 30", &["Working", "Completed"]),
        ("fail", &["Failed"]),
        ("message hello", &["message hello"]),
        ("stream 1", &["Rejected"]),
    ];
    for (text, expected) in table {
        assert_eq!(outline(&played(saying(text)).await), expected, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn stream_emits_numbered_chunks_of_one_artifact_at_the_asked_pace() {
    let begun = Instant::now();
    let events = played(saying("stream 5 100")).await;
    assert_eq!(begun.elapsed(), Duration::from_millis(400));

    assert_eq!(line(&events[0]), "Working");
    assert_eq!(line(&events[6]), "Completed");
    for (number, event) in (1..).zip(&events[1..6]) {
        let StreamResponse::ArtifactUpdate(update) = event else { panic!("{event:?}") };
        let text = update.artifact.parts[0].as_text().unwrap();
        assert_eq!(text.len(), chunk::LENGTH);
        assert_eq!(Chunk::decode(text).unwrap().number, number);
        assert_eq!(update.artifact.artifact_id, chunk::ARTIFACT_ID);
        assert_eq!(update.append, (number > 1).then_some(true));
        assert_eq!(update.last_chunk, (number == 5).then_some(true));
    }
}

#[tokio::test]
async fn stream_without_a_pause_still_lets_others_run() {
    let mut events = agent().execute(saying("stream 2 0"));
    assert_eq!(line(&events.next().await.unwrap().unwrap()), "Working");
    let mut polls = 0;
    std::future::poll_fn(|cx| {
        polls += 1;
        events.poll_next_unpin(cx)
    })
    .await;
    assert!(polls > 1, "a chunk is only ready after the runtime was given a turn");
}

#[tokio::test]
async fn big_makes_one_artifact_of_that_size() {
    let events = played(saying("big 3")).await;
    let StreamResponse::ArtifactUpdate(update) = &events[0] else { panic!() };
    assert_eq!(update.artifact.parts[0].as_text().unwrap().len(), 3 * 1024);
    assert_eq!(line(&events[1]), "Completed");
}

#[tokio::test]
async fn the_answer_to_ask_becomes_the_artifact_even_if_it_reads_like_a_command() {
    let events = played(on_task(TaskState::InputRequired, "stream 3 4")).await;
    assert_eq!(outline(&events), ["artifact stream 3 4", "Completed"]);
}

#[tokio::test]
async fn a_task_that_was_stored_but_not_parked_runs_its_command() {
    let events = played(on_task(TaskState::Submitted, "fail")).await;
    assert_eq!(outline(&events), ["Failed"]);
}

#[tokio::test(start_paused = true)]
async fn cancel_stops_the_running_turn_and_says_canceled() {
    let agent = agent();
    for text in ["wait 3600", "stream 100000 0", "stream 10 60000"] {
        let mut running = agent.execute(saying(text));
        assert_eq!(line(&running.next().await.unwrap().unwrap()), "Working");
        let begun = Instant::now();
        let said: Vec<_> = agent.cancel(saying("")).map(Result::unwrap).collect().await;
        assert_eq!(outline(&said), ["Canceled"]);
        assert!(running.next().await.is_none(), "{text} stopped");
        assert_eq!(begun.elapsed(), Duration::ZERO, "{text} stopped at once");
    }
}

#[tokio::test(start_paused = true)]
async fn cancel_before_the_first_event_stops_the_turn_too() {
    let agent = agent();
    let mut running = agent.execute(saying("wait 3600"));
    drop(agent.cancel(saying("")));
    assert!(running.next().await.is_none());
}

/// The context of a run that takes over from one which got as far as these events.
fn after(text: &str, events: &[StreamResponse]) -> ExecutorContext {
    let mut ctx = on_task(TaskState::Submitted, text);
    let task = ctx.stored_task.as_mut().unwrap();
    events.iter().for_each(|event| reduce::apply(task, event));
    ctx
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_over_says_nothing_twice_and_leaves_nothing_out() {
    for text in ["stream 5 100", "stream 1 0", "wait 30", "echo hello", "big 1", "ask", "fail"] {
        let whole = outline_without_time(&played(saying(text)).await);
        for got in 0..whole.len() {
            let first: Vec<_> = agent().execute(saying(text)).take(got).map(Result::unwrap).collect().await;
            let rest = played(after(text, &first)).await;
            let told = [outline_without_time(&first), outline_without_time(&rest)].concat();
            assert_eq!(told, whole, "{text} after {got} events");
            let StreamResponse::ArtifactUpdate(next) = &rest[0] else { continue };
            assert_eq!(next.append, (text.starts_with("stream") && got > 1).then_some(true), "{text}");
        }
    }
}

fn outline_without_time(events: &[StreamResponse]) -> Vec<String> {
    outline(events).into_iter().map(|line| line.chars().take("artifact 000001".len()).collect()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_taken_over_starts_over() {
    let first: Vec<_> = agent().execute(saying("wait 30")).take(1).map(Result::unwrap).collect().await;
    let begun = Instant::now();
    assert_eq!(outline(&played(after("wait 30", &first)).await), ["Completed"]);
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
}

#[tokio::test]
async fn an_answer_stays_an_answer_when_its_run_is_taken_over() {
    let mut ctx = on_task(TaskState::Working, "stream 3 4");
    let asked = Message::new(Role::User, vec![Part::text("ask")]);
    ctx.stored_task.as_mut().unwrap().history = Some(vec![asked, ctx.message.clone().unwrap()]);
    assert_eq!(outline(&played(ctx).await), ["artifact stream 3 4", "Completed"]);
}
