//! A place of one's own on AWS: a table and a topic; and a look at them past all instances.

use std::sync::Arc;
use std::time::Duration;

use a2a::Task;
use a2a_core::{
    CommitRecord, InstanceId, Member, Membership, Principal, Replay, TaskHead, TaskKey, TaskQuery, TaskStore,
    Tenant, Version,
};
use a2a_store_dynamodb::DynamoDbStore;

use crate::backends::OnAws;
use crate::endpoint::{Aws, wanted};
use a2a_testworld::backends::roster;
use a2a_testworld::weather::{FilterDelay, Meanwhile, SnsWeather, Spread, SqsWeather, Weather, WeatherProxy};
use a2a_testworld::world::key;
use a2a_testworld::{FaultProxy, Passage};
use tokio::sync::{Semaphore, SemaphorePermit};

/// So many clusters of processes run side by side: beside more of them, one that lives may beat too late.
static CLUSTERS: Semaphore = Semaphore::const_new(2);

/// Where the instances of one cluster keep everything.
#[derive(Debug)]
pub struct Resources {
    _turn: SemaphorePermit<'static>,
    place: OnAws,
    store: DynamoDbStore,
    fault_proxies: Option<FaultProxies>,
    _weather: Option<WeatherProxy>,
}

/// What can be shut before the endpoint.
#[derive(Debug)]
pub struct FaultProxies {
    /// The way to the table.
    pub table: FaultProxy,
    /// The way to topic and queues.
    pub bus: FaultProxy,
}

impl FaultProxies {
    /// Says what becomes of all connections from now on.
    pub fn set(&self, passage: Passage) {
        self.table.set(passage);
        self.bus.set(passage);
    }
}

/// What is left of instances that are gone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leftovers {
    /// URLs of queues.
    pub queues: Vec<String>,
    /// ARNs of subscriptions.
    pub subscriptions: Vec<String>,
    /// Ids of members that may still live. The records of others stay for a while.
    pub members: Vec<String>,
}

impl Leftovers {
    /// Tells whether nothing is left.
    pub fn is_nothing(&self) -> bool {
        *self == Leftovers::default()
    }
}

/// A day on which clients with retries notice nothing but time. Filters take effect within ten seconds, not 15 minutes, so that
/// a trial sees what is before and after, and what is deleted is gone at once, for it is looked for.
async fn mild(endpoint: &str, seed: u64) -> WeatherProxy {
    let after = Spread::between(Duration::ZERO, Duration::from_secs(10));
    let filter_delay = Some(FilterDelay { after, meanwhile: Meanwhile::Nothing });
    let proxy = WeatherProxy::before(endpoint, seed).await.unwrap();
    let sns = SnsWeather { filter_delay, ..SnsWeather::usual() };
    proxy.set(Weather::mild().sns(sns).sqs(SqsWeather { deletion: None, ..SqsWeather::usual() }));
    proxy
}

impl Resources {
    /// Waits for its turn. Makes table and topic in an account that nobody else uses, with fault proxies before the
    /// endpoint where it is one socket without TLS, and between these and the endpoint a mild day of AWS's, of this seed, if
    /// there is to be any weather.
    ///
    /// # Panics
    ///
    /// When they cannot be made.
    pub async fn prepare(aws: &Aws, weather: Option<u64>) -> Self {
        let turn = CLUSTERS.acquire().await.unwrap();
        let place = OnAws::create_in(aws.account()).await;
        let weather = match (weather, aws.socket()) {
            (Some(seed), Some(address)) => Some(mild(&format!("http://{address}"), seed).await),
            (Some(_), None) => panic!("weather needs an endpoint of one socket without TLS"),
            (None, _) => None,
        };
        let fault_proxies = match weather.as_ref().map(WeatherProxy::address).or(aws.socket()) {
            Some(address) => Some(FaultProxies {
                table: FaultProxy::before(address).await.unwrap(),
                bus: FaultProxy::before(address).await.unwrap(),
            }),
            None => None,
        };
        Resources { _turn: turn, store: place.store(), place, fault_proxies, _weather: weather }
    }

    /// Waits for its turn. Takes a table and a topic that are there, with nothing before them.
    ///
    /// # Panics
    ///
    /// Never: the turns have no end.
    pub async fn of(place: OnAws) -> Self {
        let turn = CLUSTERS.acquire().await.unwrap();
        Resources { _turn: turn, store: place.store(), place, fault_proxies: None, _weather: None }
    }

    /// The fault proxies before the endpoint. `None` means that a test which shuts them is to return: the reason was printed.
    ///
    /// # Panics
    ///
    /// Where there are none although `CI` is set.
    pub fn fault_proxies(&self) -> Option<&FaultProxies> {
        let why = "the endpoint is not one socket without TLS";
        wanted("fault proxies before the AWS endpoint", self.fault_proxies.as_ref().ok_or(why))
    }

    /// What an instance finds in its environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        let url = |proxy: &FaultProxy| format!("http://{}", proxy.address());
        self.place.environment(
            self.fault_proxies.as_ref().map(|FaultProxies { table, bus }| [url(table), url(bus)]),
        )
    }

    /// Reads the whole log of a task.
    ///
    /// # Panics
    ///
    /// When it cannot be read, or is no longer kept.
    pub async fn log(&self, task: &str) -> Vec<Arc<CommitRecord>> {
        let key = key(task);
        let mut log: Vec<Arc<CommitRecord>> = Vec::new();
        loop {
            let after = log.last().map_or(Version::ABSENT, |commit| commit.version);
            match self.store.commits_after(&key, after).await.unwrap() {
                Replay::Commits(commits) if commits.is_empty() => return log,
                Replay::Commits(commits) => log.extend(commits),
                Replay::Snapshot(_) => panic!("the log of {task} is no longer kept"),
            }
        }
    }

    /// Reads who runs a task, and its state. `None` where there is no such task.
    ///
    /// # Panics
    ///
    /// When it cannot be read.
    pub async fn head(&self, task: &str) -> Option<TaskHead> {
        self.store.head(&key(task)).await.unwrap()
    }

    /// The ids of all members, evicted ones included.
    ///
    /// # Panics
    ///
    /// When they cannot be read.
    pub async fn members(&self) -> Vec<Member> {
        roster(&self.store).await
    }

    /// How many tasks nobody in particular has.
    ///
    /// # Panics
    ///
    /// When they cannot be listed.
    pub async fn tasks(&self) -> usize {
        let query = TaskQuery::new(Tenant::default(), None, 1);
        usize::try_from(self.store.list(&query).await.unwrap().total).unwrap()
    }

    /// All tasks of a principal.
    ///
    /// # Panics
    ///
    /// When they cannot be listed.
    pub async fn tasks_of(&self, principal: &str) -> Vec<Task> {
        let mut query = TaskQuery::new(Tenant::default(), Some(Principal::new(principal)), 100);
        let mut tasks = Vec::new();
        loop {
            let page = self.store.list(&query).await.unwrap();
            tasks.extend(page.tasks);
            match page.next {
                Some(next) => query.after = Some(next),
                None => return tasks,
            }
        }
    }

    /// The tasks that instances hold, those of evicted instances included.
    ///
    /// # Panics
    ///
    /// When they cannot be read.
    pub async fn held(&self) -> Vec<TaskKey> {
        self.held_by_each().await.into_iter().flat_map(|(_, held)| held).collect()
    }

    /// The tasks that each instance holds: it runs them, or has something of them to deliver.
    ///
    /// # Panics
    ///
    /// When they cannot be read.
    pub async fn held_by_each(&self) -> Vec<(InstanceId, Vec<TaskKey>)> {
        let mut by_each = Vec::new();
        for member in self.members().await {
            let (mut held, mut after) = (Vec::new(), None);
            loop {
                let page = self.store.executing(&member.id, after.as_ref()).await.unwrap();
                held.extend(page.tasks);
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            by_each.push((member.id, held));
        }
        by_each
    }

    /// The number of the last event of a task that is over, as streams count them. `None` where there is no such task.
    ///
    /// # Panics
    ///
    /// When it cannot be read.
    pub async fn last_event(&self, task: &str) -> Option<u64> {
        Some(self.head(task).await?.generation.get())
    }

    /// Looks for what instances have made and not removed.
    ///
    /// # Panics
    ///
    /// When one cannot look.
    pub async fn leftovers(&self) -> Leftovers {
        let members = self.members().await.into_iter().filter(|member| !member.state.is_final());
        let members = members.map(|member| member.id.to_string()).collect();
        let (queues, subscriptions) = tokio::join!(self.place.queues(), self.place.subscriptions());
        Leftovers { queues, subscriptions, members }
    }
}
