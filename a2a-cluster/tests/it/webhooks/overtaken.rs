//! A turn that begins while a webhook is being given up for the one before it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use a2a::{A2AError, StreamResponse, TaskState};
use a2a_cluster::{WebhookAnswer, WebhookFailure, WebhookRequest, WebhookTransport};
use a2a_core::reduce;
use a2a_server::RequestHandler;
use a2a_testkit::async_trait;
use http::StatusCode;
use tokio::sync::Semaphore;

use super::{config, start};
use crate::world::{self, World, eventually, expect_task, follow_up, on_every_bus, params, state};

/// A webhook that refuses its caller as long as it is told to, and answers a question's second call when it is let.
#[derive(Debug)]
struct Reluctant {
    states: Mutex<Vec<TaskState>>,
    refuses: AtomicBool,
    may_answer: Semaphore,
}

impl Reluctant {
    fn calls_with(&self, state: &TaskState) -> usize {
        self.states.lock().unwrap().iter().filter(|told| *told == state).count()
    }
}

#[async_trait]
impl WebhookTransport for Reluctant {
    fn check_url(&self, _: &str) -> Result<(), A2AError> {
        Ok(())
    }

    async fn post(&self, request: WebhookRequest) -> Result<WebhookAnswer, WebhookFailure> {
        let event = serde_json::from_slice(&request.body).unwrap();
        let event: StreamResponse = a2a_pb::protojson_conv::from_value(event).unwrap();
        let status = if self.refuses.load(Ordering::SeqCst) { StatusCode::GONE } else { StatusCode::OK };
        if let Some(state) = reduce::state_of(&event) {
            self.states.lock().unwrap().push(state.clone());
            if *state == TaskState::InputRequired && status == StatusCode::GONE {
                self.may_answer.acquire().await.unwrap().forget();
            }
        }
        Ok(WebhookAnswer { status, retry_after: None })
    }
}

on_every_bus! {
    #[tokio::test]
    async fn the_end_of_the_next_turn_is_told_whenever_that_begins(bus) {
        let webhook = Arc::new(Reluctant {
            states: Mutex::default(),
            refuses: AtomicBool::new(true),
            may_answer: Semaphore::new(0),
        });
        let world = World::build(1, bus, |builder| builder.config(config()).webhooks(webhook.clone())).await;
        let task = start(&world.nodes[0], "ask", world::webhook("https://example.com/")).await;
        // It refuses whatever comes; how the turn ended it is told once more, and is about to refuse that, too.
        eventually("the question", || async { webhook.calls_with(&TaskState::InputRequired) > 0 }).await;
        let done = world.on(0).send_message(&params(), follow_up(&task, "more")).await.unwrap();
        assert_eq!(state(&expect_task(done)), TaskState::Completed);
        webhook.refuses.store(false, Ordering::SeqCst);
        webhook.may_answer.add_permits(9);
        eventually("the end", || async { webhook.calls_with(&TaskState::Completed) > 0 }).await;
        world.shutdown().await;
    }
}
