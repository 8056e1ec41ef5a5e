//! Some processes that are one cluster: they come, go, and are found by what they run.

use std::path::PathBuf;
use std::time::Duration;

use a2a::AgentCard;
use a2a_core::{Env, SystemEnv};
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::bill::Bill;
use super::caller::Caller;
use super::node::Node;
use super::process::Launch;
use super::process_log::ProcessLog;
use super::resources::{Leftovers, Resources};
use crate::endpoint::Aws;
use a2a_testworld::load_balancer::{LoadBalancer, Watch};
use a2a_testworld::{Binding, client};

/// How long a process may take to end, besides its delay and its grace.
const ENDS_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What a cluster is to be.
#[derive(Debug, Clone)]
pub struct Plan {
    /// A program whose arguments are those of `a2a-node`.
    pub program: PathBuf,
    /// How many processes.
    pub nodes: usize,
    /// The seed of a mild day of AWS's between them and the endpoint; `None`: the endpoint as it is.
    pub weather: Option<u64>,
    /// How often each beats.
    pub beat: Duration,
    /// After how long without a beat one counts as dead.
    pub lease: Duration,
    /// What becomes of the tasks of a dead one: they go on elsewhere, or they fail.
    pub resume: bool,
    /// For how long one takes new work, once asked to end.
    pub drain_delay: Duration,
    /// How long one may take over what it does after that.
    pub grace: Duration,
    /// Whether an instance's card leads to the load balancer, and not to itself.
    pub behind_load_balancer: bool,
    /// How often the load balancer asks whether an instance is ready.
    pub looks_every: Duration,
    /// After how much silence the load balancer ends an answer.
    pub idle: Duration,
    /// How long lists may show what is gone.
    pub lists_lag: Duration,
    /// Whether the counters of a process are read before it is killed, for [`Cluster::bill`].
    pub billed: bool,
}

impl Plan {
    /// Three processes of this program, quick to be missed, whose tasks go on elsewhere.
    pub fn of(program: impl Into<PathBuf>) -> Self {
        Plan {
            program: program.into(),
            nodes: 3,
            weather: None,
            beat: Duration::from_millis(400),
            lease: Duration::from_secs(2),
            resume: true,
            drain_delay: Duration::ZERO,
            grace: Duration::from_secs(20),
            behind_load_balancer: true,
            looks_every: Duration::from_millis(200),
            idle: Duration::from_secs(15),
            lists_lag: Duration::ZERO,
            billed: false,
        }
    }
}

impl Plan {
    /// The same in a mild day's weather of this seed, where a beat may take seconds.
    pub fn in_weather(self, seed: u64) -> Self {
        let (beat, lease) = (Duration::from_secs(1), Duration::from_secs(6));
        Plan { weather: Some(seed), beat, lease, ..self }
    }
}

/// Running processes, and the one address by which clients know them.
#[derive(Debug)]
pub struct Cluster {
    plan: Plan,
    launch: Launch,
    resources: Resources,
    balancer: LoadBalancer,
    nodes: Vec<Node>,
    started: usize,
    gone: Vec<(String, ProcessLog)>,
    bill_of_gone: Bill,
    card: AgentCard,
}

impl Cluster {
    /// Starts all processes at once, and waits until each of them serves.
    ///
    /// # Panics
    ///
    /// When one does not.
    pub async fn start(plan: Plan, aws: &Aws) -> Self {
        let resources = Resources::prepare(aws, plan.weather).await;
        Self::start_on(resources, plan).await
    }

    /// The same on resources that are there already, whose weather is theirs.
    ///
    /// # Panics
    ///
    /// When a process does not serve.
    pub async fn start_on(resources: Resources, plan: Plan) -> Self {
        let watch = Watch { readiness: Some(plan.looks_every), idle: Some(plan.idle) };
        let balancer = LoadBalancer::start(watch).await.unwrap();
        let seconds = |time: Duration| time.as_secs_f64().to_string();
        let mut arguments = vec![
            ["serve".to_owned(), "--listen=127.0.0.1:0".to_owned()],
            ["--grpc-listen".to_owned(), "127.0.0.1:0".to_owned()],
            ["--beat-interval".to_owned(), seconds(plan.beat)],
            ["--lease".to_owned(), seconds(plan.lease)],
            ["--executor-lost".to_owned(), if plan.resume { "resume" } else { "fail" }.to_owned()],
            ["--max-attempts".to_owned(), "1000".to_owned()],
            ["--drain-delay".to_owned(), seconds(plan.drain_delay)],
            ["--shutdown-grace".to_owned(), seconds(plan.grace)],
            ["--log-format".to_owned(), "json".to_owned()],
        ];
        if plan.behind_load_balancer {
            arguments.push(["--public-url".to_owned(), balancer.sockets().url()]);
            arguments.push(["--public-grpc-url".to_owned(), format!("http://{}", balancer.sockets().grpc)]);
        }
        let mut environment = resources.environment();
        environment.push(("A2A_ALLOW_LOCAL_WEBHOOKS".to_owned(), "true".to_owned()));
        let launch = Launch {
            program: plan.program.clone(),
            environment,
            arguments: arguments.into_iter().flatten().collect(),
        };
        let nodes = (1..=plan.nodes).map(|number| {
            let launch = launch.clone();
            async move { launch.start(&format!("n{number}")).await.unwrap_or_else(|why| panic!("{why}")) }
        });
        let nodes = futures::future::join_all(nodes).await;
        nodes.iter().for_each(|node| balancer.add(node.name(), node.sockets()));
        let card = client::card_at(&balancer.sockets().url()).await;
        let started = plan.nodes;
        Cluster {
            plan,
            launch,
            resources,
            balancer,
            nodes,
            started,
            gone: Vec::new(),
            bill_of_gone: Bill::default(),
            card,
        }
    }

    /// What it was to be.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What clients know of it.
    pub fn card(&self) -> &AgentCard {
        &self.card
    }

    /// Where its data is.
    pub fn resources(&self) -> &Resources {
        &self.resources
    }

    /// The load balancer.
    pub fn load_balancer(&self) -> &LoadBalancer {
        &self.balancer
    }

    /// The processes that run, frozen ones included.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Finds a process by its name.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn node(&self, name: &str) -> &Node {
        self.nodes.iter().find(|node| node.name() == name).expect("no such process")
    }

    /// Makes a client that goes through the load balancer.
    ///
    /// # Panics
    ///
    /// When the SDK refuses to make one.
    pub async fn caller(&self, binding: Binding, resumes: bool) -> Caller {
        let caller = if resumes {
            Caller::resuming(&self.card, binding).await
        } else {
            Caller::plain(&self.card, binding).await
        };
        caller.unwrap()
    }

    /// Makes a client that knows one process only.
    ///
    /// # Panics
    ///
    /// When the SDK refuses to make one.
    pub async fn caller_at(&self, node: &str, binding: Binding) -> Caller {
        let node = self.node(node);
        let mut card = self.card.clone();
        card.supported_interfaces = node.sockets().interfaces();
        Caller::plain(&card, binding).await.unwrap()
    }

    /// The process that runs a task now. `None` where none does, or one that is gone.
    pub async fn executor_of(&self, task: &str) -> Option<&Node> {
        let executor = self.resources.head(task).await?.claim?.instance.to_string();
        self.nodes.iter().find(|node| node.id() == executor)
    }

    /// The tasks among these whose recorded executor is an instance.
    pub async fn executed_by(&self, instance: &str, tasks: &[String]) -> Vec<String> {
        let mut executed = Vec::new();
        for task in tasks {
            let claim = self.resources.head(task).await.and_then(|head| head.claim);
            if claim.is_some_and(|claim| claim.instance.to_string() == instance) {
                executed.push(task.clone());
            }
        }
        executed
    }

    /// What all processes have counted, those that were killed included, until just before: see [`Plan::billed`]. Those that
    /// were retired are left out.
    ///
    /// # Panics
    ///
    /// When one does not answer.
    pub async fn bill(&self) -> Bill {
        let mut bill = self.bill_of_gone.clone();
        bill += Bill::of(self).await;
        bill
    }

    /// How many processes there were in all.
    pub fn started(&self) -> usize {
        self.started
    }

    /// Starts one more process, under a new name, and sends it requests.
    ///
    /// # Panics
    ///
    /// When it does not serve.
    pub async fn add(&mut self) -> String {
        self.started += 1;
        let name = format!("n{}", self.started);
        let node = self.launch.start(&name).await.unwrap_or_else(|why| panic!("{why}"));
        self.balancer.add(&name, node.sockets());
        self.nodes.push(node);
        name
    }

    /// Kills a process with SIGKILL; returns when that was. The load balancer has to find out by itself.
    ///
    /// # Panics
    ///
    /// When there is none of this name.
    pub async fn kill(&mut self, name: &str) -> DateTime<Utc> {
        let node = self.take(name);
        if self.plan.billed {
            self.bill_of_gone += Bill::of_node(&node).await;
        }
        let at = SystemEnv.now();
        let log = node.kill().await;
        self.gone.push((name.to_owned(), log));
        at
    }

    /// Sends SIGTERM to a process and waits until it has drained.
    ///
    /// # Panics
    ///
    /// When it does not end in time, or not well.
    pub async fn retire(&mut self, name: &str) {
        let node = self.take(name);
        node.terminate();
        let (status, log) = node
            .ended(self.plan.drain_delay + self.plan.grace + ENDS_WITHIN)
            .await
            .unwrap_or_else(|why| panic!("{why}{}", self.words()));
        assert!(status.success(), "{name} ended with {status}; its last words:\n{}", log.tail());
        self.gone.push((name.to_owned(), log));
        self.balancer.remove(name);
    }

    /// Waits until the survivors have evicted those that were killed, and removed what these left on the bus.
    ///
    /// # Panics
    ///
    /// When they do not.
    pub async fn cleaned_up(&self) {
        let living = self.nodes.len();
        let until = Instant::now() + self.plan.lease * 4 + ENDS_WITHIN + self.plan.lists_lag;
        loop {
            let Leftovers { queues, subscriptions, members } = self.resources.leftovers().await;
            if [queues.len(), subscriptions.len(), members.len()] == [living; 3] {
                return;
            }
            let left = [queues, subscriptions, members];
            assert!(Instant::now() < until, "{living} live, and there is {left:?}{}", self.words());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Removes a process that is gone from the load balancer.
    pub fn forget(&self, name: &str) {
        self.balancer.remove(name);
    }

    /// Retires all processes at once; returns what is left of them.
    ///
    /// # Panics
    ///
    /// When one does not end in time, or not well.
    pub async fn shutdown(mut self) -> Leftovers {
        self.nodes.iter().for_each(|node| node.terminate());
        for node in std::mem::take(&mut self.nodes) {
            let name = node.name().to_owned();
            let (status, log) = node
                .ended(self.plan.drain_delay + self.plan.grace + ENDS_WITHIN)
                .await
                .unwrap_or_else(|why| panic!("{why}"));
            assert!(status.success(), "{name} ended with {status}; its last words:\n{}", log.tail());
            self.gone.push((name, log));
        }
        let panicked: Vec<_> = self.gone.iter().filter(|(_, log)| log.panicked()).collect();
        assert!(panicked.is_empty(), "{}", self.words());
        let until = Instant::now() + self.plan.lists_lag;
        loop {
            let left = self.resources.leftovers().await;
            if left.is_nothing() || Instant::now() >= until {
                return left;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The last words of every process, for whoever looks at a failure.
    pub fn words(&self) -> String {
        let running = self.nodes.iter().map(|node| (node.name(), node.log()));
        let gone = self.gone.iter().map(|(name, log)| (name.as_str(), log));
        gone.chain(running).map(|(name, log)| format!("\n{name} said last:\n{}", log.tail())).collect()
    }

    fn take(&mut self, name: &str) -> Node {
        let place = self.nodes.iter().position(|node| node.name() == name).expect("no such process");
        self.nodes.remove(place)
    }
}
