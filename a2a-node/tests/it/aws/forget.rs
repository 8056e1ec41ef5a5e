//! `forget` removes what it is told to, when it is told to.

use a2a::{StreamResponse, Task, TaskState, TaskStatus};
use a2a_core::{Commit, CommitId, Env, Outcome, SystemEnv, TaskKey, TaskStore, Tenant, Tip, Version};
use a2a_testworld::world::{at_once, expect_task, request};
use serde_json::Value;

use super::site::Site;
use crate::callers::{HEADER, called_by, get, send, transports};
use crate::node::{soon, text};

fn rows(stdout: &[u8]) -> Vec<Value> {
    text(stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn forget_shows_a_callers_tasks_and_removes_them_only_when_told_to() {
    let Some(site) = Site::provisioned().await else { return };
    let node = site.serve(&["--principal-header", HEADER]).await;
    let transport = &*transports(&node).await[0];
    let done = send(transport, Some("ann")).await.unwrap();
    let mut at_work = request("stream 100000 20");
    at_work.configuration = at_once();
    let at_work =
        expect_task(soon(transport.send_message(&called_by(Some("ann")), &at_work)).await.unwrap()).id;
    let bobs = send(transport, Some("bob")).await.unwrap();

    let shown = site.run(&["forget", "--caller", "ann"]).await;
    let (lines, said) = (text(&shown.stdout), text(&shown.stderr));
    assert!(shown.status.success(), "{said}");
    assert!(lines.contains(&format!("would forget task {done} (TASK_STATE_COMPLETED)")), "{lines}");
    assert!(lines.contains(&format!("would forget task {at_work} ")), "{lines}");
    assert!(lines.contains("its agent at work") && !lines.contains(&bobs), "{lines}");
    assert!(said.contains("2 tasks would be forgotten, agents at work on 1"), "{said}");
    assert!(said.contains("nothing was changed"), "{said}");
    assert_eq!(get(transport, Some("ann"), &done).await.unwrap(), done);

    let applied = site.run(&["forget", "--caller", "ann", "--json", "--apply"]).await;
    assert!(applied.status.success(), "{}", text(&applied.stderr));
    let mut found = rows(&applied.stdout);
    found.sort_by_key(|row| row["runs"].as_bool());
    assert_eq!((&found[0]["task"], &found[0]["applied"]), (&done.as_str().into(), &true.into()));
    assert_eq!((&found[1]["task"], &found[1]["mark"]), (&at_work.as_str().into(), &true.into()));
    assert_eq!(found.len(), 2);
    for gone in [&done, &at_work] {
        get(transport, Some("ann"), gone).await.unwrap_err();
    }
    assert_eq!(get(transport, Some("bob"), &bobs).await.unwrap(), bobs);
    let nothing = site.run(&["forget", "--caller", "ann", "--apply"]).await;
    assert!(nothing.status.success() && nothing.stdout.is_empty(), "{}", text(&nothing.stdout));
    assert!(text(&nothing.stderr).contains("found no task"), "{}", text(&nothing.stderr));
}

#[tokio::test]
async fn one_task_is_forgotten_and_what_clients_chose_is_escaped() {
    let Some(site) = Site::provisioned().await else { return };
    let (store, key) = (site.store(), TaskKey::new(Tenant::new("acme\u{7}"), "t\u{1b}[31m"));
    let status = TaskStatus { state: TaskState::Completed, message: None, timestamp: Some(SystemEnv.now()) };
    let id = key.task_id.clone();
    let task = Task { id, context_id: "c".into(), status, artifacts: None, history: None, metadata: None };
    let tip = Tip { version: Version::ABSENT, ..Tip::default() };
    let commit =
        Commit::new(tip, CommitId::generate(&SystemEnv), vec![StreamResponse::Task(task.clone())], &task);
    assert_eq!(store.commit(&key, commit).await.unwrap(), Outcome::Applied(Version::new(1)));
    let flags = ["forget", "--tenant", "acme\u{7}", "--task", "t\u{1b}[31m"];
    let shown = text(&site.run(&flags).await.stdout);
    assert!(shown.contains(r"would forget task t\u{1b}[31m of tenant acme\u{7} "), "{shown:?}");
    assert!(!shown.contains(['\u{1b}', '\u{7}']), "{shown:?}");
    let done = site.run(&[&flags[..], &["--apply"]].concat()).await;
    assert!(done.status.success() && text(&done.stdout).starts_with("did forget"), "{}", text(&done.stderr));
    assert_eq!(store.load(&key).await.unwrap(), None);
}

#[tokio::test]
async fn a_table_that_cannot_be_read_is_an_error() {
    let Some(site) = Site::bare() else { return };
    let output = site.run(&["forget", "--table", "tables-of-others", "--nobody"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("the tasks cannot be read"), "{}", text(&output.stderr));
}
