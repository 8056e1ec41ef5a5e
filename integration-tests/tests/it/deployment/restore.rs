//! The runbook of a restore, followed step by step with the declared roles, on a copy that is not of one moment.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use a2a::TaskState;
use a2a_core::{
    BackendError, Beat, ClaimChange, InstanceId, Member, MemberState, Membership, Reach, SystemEnv, TaskKey,
    TaskStore,
};
use a2a_store_dynamodb::DynamoDbStore;
use a2a_testkit::sample::{TaskModel, at, chunk, claim, noise, status};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, BillingMode, GlobalSecondaryIndex};
use integration_tests::endpoint::{self, Account, Service};
use rustix::process::{Pid, Signal, kill_process};

use super::files::read;
use super::role::Role;

type Item = HashMap<String, AttributeValue>;

/// The names of a cluster, and where it is.
struct Site {
    account: Account,
    table: String,
    topic: String,
    arn: String,
}

fn node(account: &Account, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trials"));
    command.args(arguments).envs(account.environment());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What the node says on stdout, where it ends well.
fn run(account: &Account, arguments: &[&str]) -> String {
    let output = node(account, arguments).spawn().unwrap().wait_with_output().unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{arguments:?}: {said}");
    said
}

/// The commands of the runbook, and the role that each is for.
fn runbook() -> Vec<(String, Vec<String>)> {
    let readme = read("a2a-store-dynamodb/README.md");
    let section =
        readme.split("\n## ").find(|section| section.starts_with("Restoring from a backup")).unwrap();
    let section = section.split_whitespace().collect::<Vec<_>>().join(" ");
    let steps = section.split("As ").skip(1).filter_map(|step| {
        let (role, rest) = step.split_once(": `a2a-node ")?;
        let words = rest.split('`').next()?.split_whitespace().map(str::to_owned).collect();
        Some((role.to_owned(), words))
    });
    steps.collect()
}

async fn scan(client: &Client, table: &str) -> Vec<Item> {
    let pages = client.scan().table_name(table).into_paginator().items().send();
    pages.collect::<Result<Vec<_>, _>>().await.unwrap()
}

fn is(item: &Item, task: &str, begins: &str) -> bool {
    item["pk"].as_s().unwrap() == &format!("T##{task}") && item["sk"].as_s().unwrap().starts_with(begins)
}

/// A member that served when the backup was taken.
async fn serving(store: &DynamoDbStore) -> InstanceId {
    let id = InstanceId::generate(&SystemEnv);
    let joining = Member::joining(id, None);
    assert_eq!(store.beat(&joining).await.unwrap(), Beat::Alive);
    let serves = Member { beat: 1, state: MemberState::Serving, reach: Reach::Direct, ..joining };
    assert_eq!(store.beat(&serves).await.unwrap(), Beat::Alive);
    id
}

async fn working(store: &DynamoDbStore, id: &str, by: InstanceId) -> TaskModel {
    let mut model = TaskModel::new(id).begin(store).await;
    let event = status(&model.task, TaskState::Working, at(1));
    model.tell_with(store, vec![event], claim(by)).await;
    model
}

/// What a table holds whose instances were at work, and what its backup has of that: items that lie moments apart.
async fn backup(client: &Client, table: &str) -> Vec<Item> {
    let store = DynamoDbStore::with_client(client.clone(), table);
    let member = serving(&store).await;
    let mut done = working(&store, "done", member).await;
    let large = chunk(&done.task, "a", vec![a2a::Part::text(noise(1, 600_000))], false);
    done.tell(&store, vec![large]).await;
    let end = status(&done.task, TaskState::Completed, at(2));
    done.tell_with(&store, vec![end], ClaimChange::End).await;
    let mut parked = working(&store, "parked", member).await;
    let asks = status(&parked.task, TaskState::InputRequired, at(2));
    parked.tell_with(&store, vec![asks], ClaimChange::End).await;
    working(&store, "at-work", member).await;
    // Of one the log is longer than its head says; of another the head names a commit that is missing.
    let mut longer = working(&store, "longer", member).await;
    let shorter = TaskModel::new("shorter").begin(&store).await;
    let before = scan(client, table).await;
    let end = status(&longer.task, TaskState::Completed, at(2));
    longer.tell_with(&store, vec![end], ClaimChange::End).await;
    let mut shorter = shorter;
    let event = status(&shorter.task, TaskState::Working, at(1));
    shorter.tell_with(&store, vec![event], claim(member)).await;
    let mut items = scan(client, table).await;
    items.retain(|item| !is(item, "longer", "H") && !is(item, "shorter", "C#"));
    items.extend(before.into_iter().filter(|item| is(item, "longer", "H")));
    items
}

/// Makes a table as a restore does: with its indexes, without TTL, and with these items.
async fn restore(client: &Client, like: &str, name: &str, items: Vec<Item>) {
    let like = client.describe_table().table_name(like).send().await.unwrap().table.unwrap();
    let indexes = like.global_secondary_indexes().iter().map(|index| {
        let made = GlobalSecondaryIndex::builder().set_index_name(index.index_name.clone());
        let made = made.set_key_schema(index.key_schema.clone()).set_projection(index.projection.clone());
        made.build().unwrap()
    });
    let create = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(like.attribute_definitions.clone())
        .set_key_schema(like.key_schema.clone())
        .set_global_secondary_indexes(Some(indexes.collect()));
    create.send().await.unwrap();
    for item in items {
        client.put_item().table_name(name).set_item(Some(item)).send().await.unwrap();
    }
}

fn key(id: &str) -> TaskKey {
    TaskKey::new(Default::default(), id)
}

/// Serves from a table, as a role. Ends when told so.
fn serve(site: &Site, role: &Role, table: &str) -> Child {
    let flags =
        ["serve", "--listen", "127.0.0.1:0", "--beat-interval", "0.2", "--lease", "1", "--drain-delay", "0"];
    let names = ["--table", table, "--topic-arn", &site.arn];
    let mut command = node(&role.account, &[&flags[..], &names].concat());
    let mut serving = command.stderr(Stdio::inherit()).spawn().unwrap();
    let mut announced = String::new();
    BufReader::new(serving.stdout.take().unwrap()).read_line(&mut announced).unwrap();
    assert!(announced.contains("instances"), "{announced}");
    serving
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_runbook_of_a_restore_can_be_followed_with_the_declared_roles() {
    let Some(aws) = endpoint::aws() else { return };
    let account = aws.account();
    let name = format!("a2a-{}", std::process::id());
    let (table, topic) = (format!("{name}-tasks"), format!("{name}-events"));
    let made = run(&account, &["provision", "--table", &table, "--topic", &topic]);
    let arn = made.lines().find_map(|line| line.strip_prefix("export A2A_TOPIC_ARN=")).unwrap().to_owned();
    let site = Site { account: account.clone(), table, topic, arn };
    let client = Client::new(&site.account.sdk_config(Service::DynamoDb));
    let items = backup(&client, &site.table).await;
    let restored = format!("{}-restored-1", site.table);
    restore(&client, &site.table, &restored, items).await;
    let store = DynamoDbStore::with_client(client.clone(), &restored);

    let steps = runbook();
    let commands: Vec<_> = steps.iter().map(|(role, words)| (&**role, &*words[0])).collect();
    let expected =
        [("provisioner", "provision"), ("janitor", "reap"), ("runtime", "doctor"), ("runtime", "forget")];
    assert_eq!(commands, expected);
    for (role, words) in steps {
        let put = |word: &String| match word.as_str() {
            "NEW" => restored.clone(),
            "TOPIC" => site.topic.clone(),
            "ARN" => site.arn.clone(),
            "ID" => "shorter".to_owned(),
            _ => word.clone(),
        };
        let words: Vec<_> = words.iter().map(put).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let role = Role::of(&role, &site.table, &site.account).await;
        if words[0] == "forget" {
            takes_over(&site, &restored, &store).await;
            let read = store.load(&key("shorter")).await;
            assert!(matches!(read, Err(BackendError::Corrupt { .. })), "{read:?}");
        }
        let said = run(&role.account, &words);
        // What is left over is the janitor's to find: the checkup says so, and no instance needs it.
        let janitors = |what: &String| words[0] == "doctor" && what.contains("\"sqs:ListQueues\"");
        let denied: Vec<_> = role.denied().into_iter().filter(|what| !janitors(what)).collect();
        assert_eq!(denied, [""; 0], "{words:?}: {said}");
    }
    assert_eq!(store.load(&key("shorter")).await.unwrap(), None);
    let ttl = client.describe_time_to_live().table_name(&restored).send().await.unwrap();
    assert_eq!(ttl.time_to_live_description.unwrap().attribute_name.as_deref(), Some("x"));
}

/// Step 6: instances start on the new table, and go on with what was at work.
async fn takes_over(site: &Site, restored: &str, store: &DynamoDbStore) {
    let role = Role::of("runtime", &site.table, &site.account).await;
    let mut serving = serve(site, &role, restored);
    let state = async |id: &str| store.load(&key(id)).await.unwrap().unwrap().task.status.state;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while state("at-work").await != TaskState::Failed {
        assert!(tokio::time::Instant::now() < deadline, "{:?}", role.denied());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(state("done").await, TaskState::Completed);
    assert_eq!(state("parked").await, TaskState::InputRequired);
    assert_eq!(state("longer").await, TaskState::Completed, "its log says more than its head");
    kill_process(Pid::from_child(&serving), Signal::TERM).unwrap();
    let stdin = serving.stdin.take();
    assert!(serving.wait().unwrap().success());
    drop(stdin);
    assert_eq!(role.denied(), [""; 0]);
}
