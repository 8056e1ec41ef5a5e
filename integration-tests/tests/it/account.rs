//! The trial of an account, as whoever has one runs it, in a short form and at an emulator.

use std::process::{Output, Stdio};
use std::time::Duration;

use a2a_testaws::{self as endpoint, Account, Service};
use a2a_testworld::weather::ServiceError::AccessDenied;
use a2a_testworld::weather::{FilterDelay, Meanwhile, Refusal, SnsWeather, Spread, Weather, WeatherProxy};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

/// A trial that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(240);
const LOOKS_EVERY: Duration = Duration::from_millis(50);

/// The program, in an account.
fn trials(account: &Account, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trials"));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("AWS_") {
            command.env_remove(variable);
        }
    }
    command.arg("account").args(arguments).envs(account.environment());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

async fn ended(mut command: Command) -> (Option<i32>, String) {
    let Output { status, stdout, .. } = timeout(PATIENCE, command.output()).await.unwrap().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap())
}

/// Everything that there is in an account of the trial whose name is said first.
async fn left(account: &Account, said: &str) -> Vec<String> {
    let name = said.split_whitespace().find(|word| word.starts_with("a2a-trial-")).unwrap();
    let name = name.trim_end_matches(',');
    let sns = aws_sdk_sns::Client::new(&account.sdk_config(Service::Sns));
    let sqs = aws_sdk_sqs::Client::new(&account.sdk_config(Service::Sqs));
    let dynamodb = aws_sdk_dynamodb::Client::new(&account.sdk_config(Service::DynamoDb));
    let topics = sns.list_topics().send().await.unwrap().topics.unwrap_or_default();
    let topics = topics.into_iter().filter_map(|topic| topic.topic_arn);
    let subscriptions = sns.list_subscriptions().send().await.unwrap().subscriptions.unwrap_or_default();
    let subscriptions = subscriptions.into_iter().filter_map(|one| one.topic_arn);
    let queues = sqs.list_queues().send().await.unwrap().queue_urls.unwrap_or_default();
    let tables = dynamodb.list_tables().send().await.unwrap().table_names.unwrap_or_default();
    let all = topics.chain(subscriptions).chain(queues).chain(tables);
    all.filter(|one| one.contains(name)).collect()
}

/// The actions that the page says are enough.
fn documented_actions() -> Vec<String> {
    let page = include_str!("../../../docs/account.md");
    let policy = page.split("```json").nth(1).and_then(|rest| rest.split("```").next()).expect("a policy");
    let policy: Value = serde_json::from_str(policy).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let actions = statements.iter().flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

/// Has the weather heed the denials that a policy of a topic holds, as AWS does and emulators do not. Never returns.
async fn heed_policies(proxy: &WeatherProxy, account: &Account, usual: &Weather) {
    let sns = aws_sdk_sns::Client::new(&account.sdk_config(Service::Sns));
    let denying = Refusal::of(AccessDenied).on(["sns:Publish", "sqs:SendMessage"]);
    loop {
        let mut denies = false;
        for topic in sns.list_topics().send().await.unwrap().topics.unwrap_or_default() {
            let asked = sns.get_topic_attributes().topic_arn(topic.topic_arn.unwrap_or_default()).send();
            // Topics go while they are looked at.
            let attributes = asked.await.ok().and_then(|told| told.attributes).unwrap_or_default();
            denies |= attributes.get("Policy").is_some_and(|policy| policy.contains("TheTrialDenies"));
        }
        proxy.set(if denies { usual.clone().refuse(denying.clone()) } else { usual.clone() });
        sleep(LOOKS_EVERY).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_that_may_do_what_its_page_says_plays_every_phase_and_leaves_nothing() {
    let Some(aws) = endpoint::aws() else { return };
    let account = aws.account();
    let actions = documented_actions();
    let allowed = Weather::clear().allow_only(actions.iter().map(String::as_str));
    let tables = WeatherProxy::before(aws.url(Service::DynamoDb), 22).await.unwrap();
    tables.set(allowed.clone());
    let messages = WeatherProxy::before(aws.url(Service::Sns), 22).await.unwrap();
    // So long that instances are seen which the topic does not reach yet.
    let after = Spread::between(Duration::from_secs(2), Duration::from_secs(3));
    let filter_delay = Some(FilterDelay { after, meanwhile: Meanwhile::Nothing });
    let usual = allowed.sns(SnsWeather { filter_delay, ..SnsWeather::default() });
    messages.set(usual.clone());
    let reached = account.clone().through(&tables.url(), &messages.url());
    // Of a store and of a bus.
    let only = ["--max-usd", "1", "--yes", "--kills", "1", "--seed", "22", "--sentences", "is_idempotent"];
    let (code, said) = tokio::select! {
        ended = ended(trials(&reached, &only)) => ended,
        () = heed_policies(&messages, &account, &usual) => unreachable!("it heeds them for ever"),
    };
    assert_eq!(code, Some(0), "{said}");
    for phase in ["provision", "suites", "kills", "filters", "denial"] {
        assert!(said.contains(&format!("  {phase} ok: ")), "{phase}: {said}");
    }
    for sight in [
        "2 sentences of stores, 2 of buses",
        "ok: 1 kills",
        "publishing is denied",
        "left: 0 tables, 0 topics, 0 subscriptions, 0 queues",
        "together US$ 0.0",
    ] {
        assert!(said.contains(sight), "{sight}: {said}");
    }
    assert!(!said.contains("WRONG"), "{said}");
    assert_eq!(left(&account, &said).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_that_is_too_small_for_the_next_phase_ends_a_trial_and_leaves_nothing() {
    let Some(aws) = endpoint::aws() else { return };
    let account = aws.account();
    let (code, said) = ended(trials(&account, &["--max-usd", "0.01", "--yes"])).await;
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("provision ok: ") && said.contains("budget spent: suites"), "{said}");
    assert!(said.contains("removed 2 things") && !said.contains("WRONG"), "{said}");
    assert_eq!(left(&account, &said).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_trial_left_is_removed_by_its_name() {
    let Some(aws) = endpoint::aws() else { return };
    let account = aws.account();
    let mut trial =
        trials(&account, &["--max-usd", "1", "--yes", "--sentences", "no such one"]).spawn().unwrap();
    let mut lines = BufReader::new(trial.stdout.take().unwrap()).lines();
    let mut said = String::new();
    let until_it_runs = async {
        while !said.contains("  kills\n") {
            said.push_str(&lines.next_line().await.unwrap().unwrap());
            said.push('\n');
        }
    };
    timeout(PATIENCE, until_it_runs).await.unwrap();
    trial.kill().await.unwrap();
    assert_ne!(left(&account, &said).await, Vec::<String>::new());
    let name = said.lines().find_map(|line| line.split("--tear-down ").nth(1)).unwrap();
    let (code, said) = ended(trials(&account, &["--tear-down", name])).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(left(&account, name).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_trial_that_nobody_agreed_to_makes_nothing() {
    let Some(aws) = endpoint::aws() else { return };
    let account = aws.account();
    let (code, said) = ended(trials(&account, &["--max-usd", "1"])).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("nothing was made") && said.contains(account.region()), "{said}");
    assert!(!said.contains(account.access_key()), "a key is told: {said}");
    assert_eq!(left(&account, &said).await, Vec::<String>::new());
}
