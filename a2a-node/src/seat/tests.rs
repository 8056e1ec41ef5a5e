use a2a_cluster::ExecutorLost;
use a2a_core::Eviction;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use http_body_util::BodyExt;

use super::*;
use crate::card::{Addresses, card};

/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);

async fn seat() -> Arc<Seat> {
    let mut config = Config::default();
    config.beat_interval = Duration::from_millis(20);
    // Else the instance fails its task itself, which ends the stream just as well.
    config.executor_lost = ExecutorLost::Resume { max_attempts: 3 };
    let blueprint = Blueprint {
        card: card(&Addresses { http: "http://h:1".into(), grpc: None }),
        backends: Backends::in_memory(),
        config,
        callers: Callers::One,
        allow_local_webhooks: false,
        label: "here".to_owned(),
    };
    Seat::take(blueprint).await.unwrap()
}

/// Declares the seat's instance dead, as an observer does.
async fn evict(seat: &Seat) {
    let (store, id) = (&seat.blueprint.backends.members, seat.id());
    loop {
        let roster = store.roster(None, 10).await.unwrap();
        let beat = roster.iter().find(|member| member.id == id).unwrap().beat;
        if store.evict(&id, beat).await.unwrap() == Eviction::Evicted {
            return;
        }
    }
}

async fn call(routes: &Router, path: &str, body: &'static str) -> Response {
    let request = Request::post(path).header("a2a-version", "1.0").header("content-type", "application/json");
    routes.clone().call(request.body(Body::from(body)).unwrap()).await.unwrap()
}

const SENT: &str = r#"{"message":{"messageId":"m1","role":"ROLE_USER","parts":[{"text":"wait 3600"}]}}"#;
const ECHOED: &str = r#"{"message":{"messageId":"m2","role":"ROLE_USER","parts":[{"text":"echo hi"}]}}"#;

#[tokio::test]
async fn an_evicted_instance_ends_its_streams_and_another_takes_its_place_behind_the_same_routes() {
    let seat = seat().await;
    let (routes, before) = (seat.http(), seat.id());
    let mut stream = call(&routes, "/message:stream", SENT).await.into_body();
    let begun = stream.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(String::from_utf8_lossy(&begun).contains("\"task\""), "{begun:?}");

    evict(&seat).await;
    let rest = tokio::time::timeout(PATIENCE, stream.collect()).await.unwrap();
    let rest = rest.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&rest).contains("lost its place in the cluster"), "{rest:?}");

    let replaced = async {
        let mut pause = tokio::time::interval(Duration::from_millis(5));
        while seat.id() == before {
            pause.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, replaced).await.unwrap();
    assert!(seat.readiness().is_ready());
    let answer = call(&routes, "/message:send", ECHOED).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let members = seat.blueprint.backends.store.roster(None, 10).await.unwrap();
    assert!(members.iter().any(|member| member.id == seat.id()));
    seat.leave(Duration::ZERO).await;
}

#[tokio::test]
async fn an_instance_that_stopped_takes_no_requests_until_another_has_its_place() {
    let seat = seat().await;
    // As while the backends are away: nobody takes the place.
    seat.leaving.cancel();
    seat.keeper.close();
    seat.keeper.wait().await;
    evict(&seat).await;
    assert!(seat.occupant().cluster.stopped().await);
    assert!(!seat.readiness().is_ready());
    let answer = call(&seat.http(), "/message:send", ECHOED).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    seat.leave(Duration::ZERO).await;
}

#[tokio::test]
async fn a_seat_that_was_left_stays_empty() {
    let seat = seat().await;
    let id = seat.id();
    seat.leave(Duration::ZERO).await;
    assert_eq!(seat.id(), id);
    assert!(!seat.readiness().is_ready());
    assert_eq!(seat.blueprint.backends.store.roster(None, 10).await.unwrap(), []);
}
