//! What becomes of a store whose endpoint goes away and comes back.

use std::net::SocketAddr;
use std::time::Duration;

use a2a::Part;
use a2a_core::{
    BackendError, Beat, Claim, Deployment, Member, Membership, Outcome, PushConfigs, Replay, TaskQuery,
    TaskStore, Tenant, Version,
};
use a2a_store_dynamodb::table::{Protection, Replicas, create_table};
use a2a_store_dynamodb::{DynamoDbConfig, DynamoDbStore};
use a2a_testkit::sample::{TaskModel, commit_id, instance, message};
use dynoxide::{Database, server};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Handle, Runtime};

use crate::place::Setup;

const TABLE: &str = "a2a-test-outage";

/// A server that can be stopped at once, with all of its connections, and started again on the same port.
struct Server {
    database: Database,
    address: SocketAddr,
    /// Keeps the port from being given to another test while the server is stopped.
    _port: TcpSocket,
    running: Option<Runtime>,
}

impl Server {
    fn new() -> Self {
        let port = TcpSocket::new_v4().unwrap();
        port.set_reuseaddr(true).unwrap();
        port.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = port.local_addr().unwrap();
        let mut server =
            Server { database: Database::memory().unwrap(), address, _port: port, running: None };
        server.start();
        server
    }

    fn start(&mut self) {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind(self.address)).unwrap();
        let _served = runtime.spawn(server::serve_on(listener, self.database.clone()));
        self.running = Some(runtime);
    }

    fn stop(&mut self) {
        self.running.take().unwrap().shutdown_timeout(Duration::from_millis(100));
    }
}

fn assert_unavailable<T: std::fmt::Debug>(answer: Result<T, BackendError>) {
    assert!(matches!(answer, Err(BackendError::Unavailable(_))), "{answer:?}");
}

/// Every call of the store says that nothing was applied, and soon.
async fn assert_all_unavailable(store: &DynamoDbStore, model: &TaskModel, me: &Member) {
    let (key, id) = (&model.key, instance());
    let claim = Claim { instance: id, attempt: 1, by: commit_id() };
    let draft = model.draft(vec![message(&model.task, "lost", vec![Part::text("lost")])]);
    assert_unavailable(store.commit(key, draft.commit()).await);
    assert_unavailable(store.load(key).await);
    assert_unavailable(store.head(key).await);
    assert_unavailable(store.commits_after(key, Version::ABSENT).await);
    assert_unavailable(store.watch(key, &id).await);
    assert_unavailable(store.watchers(key).await);
    assert_unavailable(store.unwatch(key, &id).await);
    assert_unavailable(store.release(key, &claim).await);
    assert_unavailable(store.list(&TaskQuery::new(Tenant::default(), None, 5)).await);
    assert_unavailable(store.delete(key).await);
    assert_unavailable(store.beat(me).await);
    assert_unavailable(store.member(&me.id).await);
    assert_unavailable(store.roster(None, 5).await);
    assert_unavailable(store.evict(&me.id, 0).await);
    assert_unavailable(store.executing(&me.id, None).await);
    assert_unavailable(store.list_configs(key).await);
    assert_unavailable(store.given_up(None, 5).await);
    assert_unavailable(store.format().await);
    assert_unavailable(store.keys("bus", [0; 32]).await);
}

/// Says something until it is in the log, and how often that took more than one call.
async fn tell(store: &DynamoDbStore, model: &mut TaskModel, id: &str) -> u32 {
    let draft = model.draft(vec![message(&model.task, id, vec![Part::text(id)])]);
    let mut failures = 0;
    loop {
        match store.commit(&model.key, draft.commit()).await {
            Ok(outcome) => {
                assert_eq!(outcome, Outcome::Applied(model.version.next()));
                model.accept(&draft);
                return failures;
            }
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
        failures += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn a_store_recovers_by_itself_when_its_endpoint_comes_back() {
    let mut server = Server::new();
    let runtime = Runtime::new().unwrap();
    let setup = Setup::at(&format!("http://{}", server.address), TABLE);
    let (store, mut model, mut me) = runtime.block_on(async {
        let client = setup.client().await;
        create_table(&client, TABLE, Protection::default(), Replicas::Refused).await.unwrap();
        let store =
            DynamoDbStore::with_client(client, TABLE).with_config(DynamoDbConfig::default().attempts(3));
        let model = TaskModel::new("t").begin(&store).await;
        let me = Member::joining(instance(), None);
        assert_eq!(store.beat(&me).await.unwrap(), Beat::Alive);
        (store, model, me)
    });
    let mut alive = Vec::new();
    for round in 0..5 {
        // A commit is under way whenever the server stops.
        let before = runtime.block_on(async {
            let telling = async {
                let mut failures = 0;
                for n in 0..30 {
                    failures += tell(&store, &mut model, &format!("{round}-{n}")).await;
                }
                failures
            };
            let outage = async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                tokio::task::block_in_place(|| server.stop());
                tokio::time::sleep(Duration::from_millis(200)).await;
                tokio::task::block_in_place(|| server.start());
            };
            futures::join!(telling, outage).0
        });
        server.stop();
        runtime.block_on(async {
            // A connection that was open tells of its end once; from then on nobody listens.
            let _ended = store.head(&model.key).await;
            assert_all_unavailable(&store, &model, &me).await;
        });
        server.start();
        runtime.block_on(async {
            me.beat += 1;
            assert_eq!(store.beat(&me).await.unwrap(), Beat::Alive, "after {before} failures");
            assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
            alive.push(Handle::current().metrics().num_alive_tasks());
        });
    }
    let log = runtime.block_on(store.commits_after(&model.key, Version::ABSENT)).unwrap();
    assert_eq!(log, Replay::Commits(model.log.clone()), "nothing lost, nothing twice");
    assert!(alive.last() <= alive.first().map(|tasks| tasks + 1).as_ref(), "tasks pile up: {alive:?}");
}
