//! An account of one's own, with a cluster in it that the binary made.

use std::process::Output;
use std::time::Duration;

use a2a_core::SystemEnv;
use a2a_store_dynamodb::DynamoDbStore;
use a2a_testaws::{self as endpoint, Account, Service};
use a2a_testworld::backends::members;
use tokio::process::Command;

use crate::node::{self, Node, soon, text};

/// The names of one cluster, and where it is.
pub(crate) struct Site {
    pub account: Account,
    pub table: String,
    pub topic: String,
    /// What `provision` printed.
    settings: Vec<(String, String)>,
}

/// The settings in what `provision` printed, which must hold nothing else.
pub(crate) fn settings(stdout: &str) -> Vec<(String, String)> {
    let setting = |line: &str| {
        let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    stdout.lines().map(setting).collect()
}

impl Site {
    /// An account in which nothing is made yet. `None` means that the test is to return.
    pub(crate) fn bare() -> Option<Self> {
        let account = endpoint::aws()?.account();
        let name = a2a_core::Env::uuid(&SystemEnv).simple().to_string();
        Some(Self {
            account,
            table: format!("tasks-{name}"),
            topic: format!("events-{name}"),
            settings: Vec::new(),
        })
    }

    /// An account with a cluster in it. `None` means that the test is to return.
    pub(crate) async fn provisioned() -> Option<Self> {
        let mut site = Self::bare()?;
        let output = site.provision(&[]).await;
        assert!(output.status.success(), "{}", text(&output.stderr));
        site.settings = settings(&text(&output.stdout));
        Some(site)
    }

    /// The binary in this account, with the settings of the cluster that is there.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = node::command(arguments);
        command.envs(self.account.environment()).envs(self.settings.clone());
        command
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        soon(self.command(arguments).output()).await.unwrap()
    }

    /// Makes the cluster. With a name for each, so that tests share no table where they share an account.
    pub(crate) async fn provision(&self, flags: &[&str]) -> Output {
        let names = ["provision", "--table", &self.table, "--topic", &self.topic];
        self.run(&[&names, flags].concat()).await
    }

    /// Serves on free ports.
    pub(crate) async fn serve(&self, flags: &[&str]) -> Node {
        Node::start(
            &mut self.command(&[&["serve", "--listen", "127.0.0.1:0", "--drain-delay", "0"], flags].concat()),
        )
        .await
    }

    /// Waits until there are so many queues, subscriptions and members: instances connect, and clean up after others,
    /// in the background.
    pub(crate) async fn becomes(&self, wanted: [usize; 3]) {
        soon(async {
            let mut pause = tokio::time::interval(Duration::from_millis(50));
            while self.leftovers().await != wanted {
                pause.tick().await;
            }
        })
        .await;
    }

    /// The URLs of the cluster's queues.
    pub(crate) async fn queues(&self) -> Vec<String> {
        let sqs = aws_sdk_sqs::Client::new(&self.account.sdk_config(Service::Sqs));
        let listed = sqs.list_queues().queue_name_prefix(&self.topic).send().await.unwrap();
        listed.queue_urls.unwrap_or_default()
    }

    /// How many queues, subscriptions and members there are, those aside whose life is over.
    pub(crate) async fn leftovers(&self) -> [usize; 3] {
        let topic = self.topic_arn();
        let sns = aws_sdk_sns::Client::new(&self.account.sdk_config(Service::Sns));
        let subscriptions = sns.list_subscriptions_by_topic().topic_arn(topic).send().await.unwrap();
        let members = members(&self.store()).await;
        [self.queues().await.len(), subscriptions.subscriptions().len(), members.len()]
    }

    /// The topic.
    pub(crate) fn topic_arn(&self) -> String {
        self.settings.iter().find(|(name, _)| name == "A2A_TOPIC_ARN").unwrap().1.clone()
    }

    /// A handle on the table, past all instances.
    pub(crate) fn store(&self) -> DynamoDbStore {
        DynamoDbStore::new(&self.account.sdk_config(Service::DynamoDb), &self.table)
    }
}
