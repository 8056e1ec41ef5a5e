//! Many deliveries at once, some of which hang; and one that is slow. In virtual time, to webhooks that are none.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use a2a::{A2AError, StreamResponse, TaskState};
use a2a_cluster::{Config, WebhookAnswer, WebhookFailure, WebhookRequest, WebhookTransport, Webhooks};
use a2a_core::{PushConfigs, reduce};
use a2a_server::{RequestHandler, ServiceParams};
use a2a_testkit::async_trait;
use a2a_testworld::principal::{PRINCIPAL, PrincipalIfAny};
use http::StatusCode;
use tokio::time::{Instant, sleep};

use super::request_with;
use crate::world::{self, Bus, World, eventually, expect_task, visible};

/// Webhooks, by host: "silent" ones never answer, "slow" ones take 50 ms, others nothing.
#[derive(Debug, Default)]
struct Hosts(Mutex<BTreeMap<String, Vec<Seen>>>);

/// When a notification came, what it told, and its id.
type Seen = (Instant, StreamResponse, String);

impl Hosts {
    fn seen(&self, host: &str) -> Vec<Seen> {
        self.0.lock().unwrap().get(host).cloned().unwrap_or_default()
    }
}

#[async_trait]
impl WebhookTransport for Hosts {
    fn check_url(&self, _: &str) -> Result<(), A2AError> {
        Ok(())
    }

    async fn post(&self, request: WebhookRequest) -> Result<WebhookAnswer, WebhookFailure> {
        let host = request.url.split('/').nth(2).unwrap().to_owned();
        if host.starts_with("slow") {
            sleep(Duration::from_millis(50)).await;
        }
        let event = serde_json::from_slice(&request.body).unwrap();
        let event = a2a_pb::protojson_conv::from_value(event).unwrap();
        let id = request.headers["webhook-id"].to_str().unwrap().to_owned();
        self.0.lock().unwrap().entry(host.clone()).or_default().push((Instant::now(), event, id));
        if host.starts_with("silent") {
            std::future::pending::<()>().await;
        }
        Ok(WebhookAnswer { status: StatusCode::OK, retry_after: None })
    }
}

fn called_by(name: &str) -> ServiceParams {
    ServiceParams::from([(PRINCIPAL.to_owned(), vec![name.to_owned()])])
}

async fn world_of(hosts: &Arc<Hosts>, policy: Webhooks) -> World {
    let config = Config::default().max_agents(5_000).webhooks(policy);
    World::build(1, Bus::Plugged, |builder| {
        builder.config(config.clone()).callers(Arc::new(PrincipalIfAny)).webhooks(hosts.clone())
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn thousands_of_deliveries_that_hang_delay_no_other_callers_first_call() {
    // All to one host, or each to a host of its own; of one caller, or of many.
    for (callers, silent) in [(1, 1), (1, 2_500), (20, 2_500)] {
        let hosts = Arc::new(Hosts::default());
        let world = world_of(&hosts, Webhooks::default()).await;
        for n in 0..2_500 {
            let url = format!("https://silent-{}/", n % silent);
            let request = request_with("echo x", world::webhook(&url), true);
            world.on(0).send_message(&called_by(&format!("ann-{}", n % callers)), request).await.unwrap();
        }
        sleep(Duration::from_secs(1)).await;
        let began = Instant::now();
        let request = request_with("echo x", world::webhook("https://good/"), false);
        world.on(0).send_message(&called_by("ben"), request).await.unwrap();
        eventually("a call", || async { !hosts.seen("good").is_empty() }).await;
        let took = hosts.seen("good")[0].0 - began;
        assert!(took < Duration::from_millis(250), "{took:?} beside {callers} with {silent}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_hangs_is_called_less_and_less() {
    let hosts = Arc::new(Hosts::default());
    let world = world_of(&hosts, Webhooks::default()).await;
    for _ in 0..500 {
        let request = request_with("echo x", world::webhook("https://silent/"), true);
        world.on(0).send_message(&called_by("ann"), request).await.unwrap();
    }
    sleep(Duration::from_secs(10)).await;
    assert_eq!(hosts.seen("silent").len(), 32);
    sleep(Duration::from_secs(60)).await;
    let first_minute = hosts.seen("silent").len();
    sleep(Duration::from_secs(60)).await;
    assert!(hosts.seen("silent").len() - first_minute <= 8, "one at a time, for as long as a call may take");
}

#[tokio::test]
async fn whoever_waits_for_a_host_that_hangs_is_given_up_no_later_for_that() {
    let hosts = Arc::new(Hosts::default());
    let policy = Webhooks::default()
        .keep_trying(Duration::from_secs(1))
        .retry_min(Duration::from_millis(5))
        .retry_max(Duration::from_millis(20))
        .timeout(Duration::from_millis(500));
    let world = world_of(&hosts, policy).await;
    for _ in 0..200 {
        let request = request_with("echo x", world::webhook("https://silent/"), true);
        world.on(0).send_message(&called_by("ann"), request).await.unwrap();
    }
    let given_up = || async { world.store.given_up(None, 1_000).await.unwrap().len() == 200 };
    eventually("the end of all deliveries", given_up).await;
    let called = hosts.seen("silent").len();
    assert!(called < 200, "each would have waited for its turn: {called}");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_long_stream_reaches_a_slow_webhook_soon_and_nothing_is_missing() {
    let hosts = Arc::new(Hosts::default());
    let world = world_of(&hosts, Webhooks::default()).await;
    let request = request_with("stream 5000 1", world::webhook("https://slow/"), false);
    let task = expect_task(world.on(0).send_message(&called_by("ann"), request).await.unwrap());
    let ended = Instant::now();
    let arrived = || async {
        let seen = hosts.seen("slow");
        seen.iter().any(|(_, event, _)| reduce::state_of(event) == Some(&TaskState::Completed))
    };
    eventually("the end", arrived).await;
    assert!(ended.elapsed() < Duration::from_secs(10), "{:?}", ended.elapsed());
    let mut folded = None;
    let mut last = 0;
    for (_, event, id) in hosts.seen("slow") {
        let numbers = id.rsplit('/').next().unwrap().split_once('-').unwrap();
        let (first, ends): (u64, u64) = (numbers.0.parse().unwrap(), numbers.1.parse().unwrap());
        assert!(first == last + 1 || first == 1, "{id} after {last}");
        last = ends;
        match (&mut folded, event) {
            (folded, StreamResponse::Task(whole)) => *folded = Some(whole),
            (Some(folded), event) => reduce::apply(folded, &event),
            (None, event) => panic!("it begins with {event:?}"),
        }
    }
    assert_eq!(visible(&folded.unwrap()), visible(&task));
}
