use std::time::Duration;

use a2a::{TaskState, TaskStatus};
use futures::FutureExt;
use tokio::time::Instant;

use super::*;

fn ctx(text: &str) -> ExecutorContext {
    ExecutorContext {
        message: Some(Message::new(a2a::Role::User, vec![a2a::Part::text(text)])),
        task_id: "t".into(),
        stored_task: None,
        context_id: "c".into(),
        metadata: None,
        user: None,
        service_params: Default::default(),
        tenant: None,
    }
}

/// A context with what a task became, and the messages that led there.
fn after(text: &str, parts: usize, messages: &[&str]) -> ExecutorContext {
    let messages = messages.iter().map(|text| ctx(text).message.unwrap());
    let parts = (0..parts).map(|number| a2a::Part::text(number.to_string())).collect::<Vec<_>>();
    let speaker = Speaker::new("t", "c");
    let Ok(StreamResponse::Task(mut task)) = speaker.event(Said::Task(parts)) else { panic!("a task") };
    task.history = Some(messages.collect());
    task.status = TaskStatus { state: TaskState::Working, message: None, timestamp: None };
    ExecutorContext { stored_task: Some(task), ..ctx(text) }
}

fn outline(said: &Result<StreamResponse, A2AError>) -> String {
    match said {
        Ok(StreamResponse::StatusUpdate(update)) => format!("{:?}", update.status.state),
        Ok(StreamResponse::ArtifactUpdate(update)) => {
            let begin = if update.append == Some(true) { "+" } else { "" };
            let end = if update.last_chunk == Some(true) { "." } else { "" };
            format!("{begin}{}{end}", update.artifact.parts[0].as_text().unwrap_or("data"))
        }
        Ok(StreamResponse::Message(message)) => format!("message {}", message.text().unwrap_or("data")),
        Ok(StreamResponse::Task(task)) => {
            format!("task of {}", task.artifacts.as_ref().unwrap()[0].parts.len())
        }
        Err(error) => format!("{}", error.code),
    }
}

async fn turn(ctx: ExecutorContext) -> Vec<String> {
    ScriptedAgent::default().execute(ctx).map(|said| outline(&said)).collect().await
}

async fn cancel(ctx: ExecutorContext) -> Vec<String> {
    ScriptedAgent::default().cancel(ctx).map(|said| outline(&said)).collect().await
}

#[tokio::test(start_paused = true)]
async fn each_step_and_command_does_what_its_table_says() {
    let table: [(&str, &[&str]); 21] = [
        ("hello there", &["hello there.", "Completed"]),
        ("work; done", &["Working", "Completed"]),
        ("echo hi", &["hi.", "Completed"]),
        ("stream 2 5", &["Working", "0", "+1.", "Completed"]),
        ("stream 1 0 3", &["Working", "000.", "Completed"]),
        ("burst 2", &["Working", "0", "+1.", "Completed"]),
        ("quiet 50", &["done.", "Completed"]),
        ("work; say a; burst 2; fail", &["Working", "a", "+0", "+1.", "Failed"]),
        ("count 1 3; reject", &["1", "+2.", "Rejected"]),
        ("tick 2 100us; auth", &["0", "+1.", "AuthRequired"]),
        ("ask again", &["InputRequired"]),
        ("canceled", &["Canceled"]),
        ("data 3; done", &["data.", "Completed"]),
        ("show 2 10; done", &["task of 1", "task of 2", "Completed"]),
        ("message hi", &["message hi"]),
        ("deep 2", &["message data"]),
        ("stray", &["Working"]),
        ("do sleep 5", &[]),
        ("error no", &["-32603"]),
        ("unsupported", &["-32004"]),
        ("do refuse", &["-32002"]),
    ];
    for (text, expected) in table {
        assert_eq!(turn(ctx(text)).await, expected, "{text}");
    }
}

#[test]
fn a_text_that_begins_with_do_is_a_script_and_nothing_else() {
    assert_eq!(Script::read("walk").unwrap().to_string(), "do say walk; done");
    assert_eq!(Script::read("do walk").unwrap_err().to_string(), "no such step: walk");
    assert_eq!(Script::read("work; walk").unwrap_err().to_string(), "no such step: walk");
    assert_eq!(Script::read("do hang").unwrap().into_steps(), [Step::Hang]);
    assert_eq!(Script::read("talk"), Ok(Script::new().then(Step::Say("talk".into())).done()));
}

#[test]
fn a_script_renders_to_a_text_that_tells_the_same() {
    let every = "do work; ask; auth; done; fail; reject; canceled; say a b; burst 2 0; talk 0 0 7; \
                 tick 3 500us stamp:40; count 1 2 5; data 3; who; show 2 10; message a b; deep 4; stray; \
                 sleep 1500; hang; latch a; block 3; block-once 4; block-again 5; block-at b; panic; panic a b; panic-nastily; bomb; panic-in-call; \
                 error a; unsupported b; refuse; burst 1 prose:9; burst 1 noise:9 / hang";
    let script = Script::read(every).unwrap();
    assert_eq!(script.to_string(), every);
    let typed = Script::new().work().latch("go").talk(2, Duration::ZERO, Text::Noise(8)).done();
    assert_eq!(typed.to_string(), "do work; latch go; talk 2 0 noise:8; done");
    assert_eq!(typed.clone().on_cancel([Step::Refuse]).to_string(), format!("{typed} / refuse"));
}

#[tokio::test(start_paused = true)]
async fn a_cancel_obeys_the_last_script() {
    assert_eq!(cancel(after("", 0, &[])).await, ["Canceled"]);
    assert_eq!(cancel(after("", 0, &["work; hang / say bye; canceled", "no script"])).await[0], "bye.");
    assert_eq!(cancel(after("", 0, &["work; hang / say bye; canceled", "ask"])).await, ["Canceled"]);
    assert_eq!(cancel(after("", 0, &["refuse 5"])).await, ["-32002"]);
    let stubborn = cancel(after("", 0, &["stubborn"]));
    assert!(tokio::time::timeout(Duration::from_secs(60), stubborn).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_turn_adds_to_what_is_there_and_count_leaves_it_out() {
    assert_eq!(turn(after("say more; done", 2, &[])).await, ["+more.", "Completed"]);
    assert_eq!(turn(after("count 0 4; done", 2, &[])).await, ["+2", "+3.", "Completed"]);
}

#[tokio::test(start_paused = true)]
async fn paces_and_silences_take_their_time() {
    for (text, millis) in
        [("talk 3 20", 60), ("tick 3 20", 40), ("count 0 2 7", 14), ("sleep 30", 30), ("show 2 4", 8)]
    {
        let begun = Instant::now();
        turn(ctx(text)).await;
        assert_eq!(begun.elapsed().as_millis(), millis, "{text}");
    }
    assert!(turn(ctx("burst 500")).now_or_never().is_some_and(|said| said.len() == 502), "all at once");
    let forever = ScriptedAgent::default().execute(ctx("talk 0 0")).take(1_000).count();
    assert_eq!(forever.await, 1_000);
}

#[tokio::test(start_paused = true)]
async fn gates_open_once_and_for_all_and_say_who_came() {
    let agent = ScriptedAgent::default();
    let mut first = agent.execute(ctx("latch a; say x"));
    assert!(agent.latches().reached("a").now_or_never().is_none());
    assert!(first.next().now_or_never().is_none());
    agent.latches().reached("a").await;
    agent.latches().open("a");
    assert_eq!(first.count().await, 1);
    assert_eq!(agent.execute(ctx("latch a; block-at a; say x")).count().await, 1);
    assert_eq!(agent.turns(), 2);
}

#[tokio::test(start_paused = true)]
async fn only_a_turn_that_was_not_resumed_blocks_once_and_only_one_that_was_blocks_again() {
    let resumed = || Some([("why".to_owned(), json!({ "kind": "resumed", "attempt": 2 }))].into());
    for (script, metadata, blocks) in [
        ("block-once 30; say x", None, true),
        ("block-once 30; say x", resumed(), false),
        ("block-again 30; say x", None, false),
        ("block-again 30; say x", resumed(), true),
    ] {
        let ctx = ExecutorContext { metadata, ..ctx(script) };
        let began = std::time::Instant::now();
        assert_eq!(ScriptedAgent::default().execute(ctx).count().await, 1);
        assert_eq!(began.elapsed() >= Duration::from_millis(30), blocks);
    }
}

#[test]
fn noise_does_not_compress_and_prose_and_numbers_do() {
    let distinct = |text: &str| text.chars().collect::<std::collections::BTreeSet<_>>().len();
    let (noise, prose) = (Text::Noise(4_000).of(1), Text::Prose(4_000).of(1));
    assert_eq!((noise.len(), prose.len()), (4_000, 4_000));
    assert!(distinct(&noise) > 60 && distinct(&prose) < 27);
    assert_ne!(noise, Text::Noise(4_000).of(2));
    let stamp = Text::Stamp(40).of(0);
    assert_eq!((stamp.len(), stamp.as_bytes()[0], stamp.as_bytes()[20]), (40, text::MARK, text::MARK));
}

#[tokio::test]
async fn panics_come_where_they_are_told_to() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let agent = ScriptedAgent::default();
    let in_call = catch_unwind(AssertUnwindSafe(|| agent.execute(ctx("panic-in-call")))).is_err();
    let mut later = agent.execute(ctx("work; panic"));
    let first = later.next().await.is_some();
    let in_poll = AssertUnwindSafe(later.next()).catch_unwind().await.is_err();
    let mut bomb = agent.execute(ctx("bomb; work"));
    bomb.next().await;
    let in_drop = catch_unwind(AssertUnwindSafe(|| drop(bomb))).is_err();
    let nasty = AssertUnwindSafe(agent.execute(ctx("panic-nastily")).next()).catch_unwind().await;
    let in_payload = catch_unwind(AssertUnwindSafe(|| drop(nasty.err()))).is_err();
    assert_eq!([in_call, first, in_poll, in_drop, in_payload], [true; 5]);
}
