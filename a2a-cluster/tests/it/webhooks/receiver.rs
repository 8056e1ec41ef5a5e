//! A webhook that remembers what it got, and answers as it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use a2a::{StreamResponse, Task};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::world::eventually;

/// How a webhook answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answers {
    Well,
    /// Well, after this time.
    Slowly(Duration),
    /// With this status, and these headers.
    With(StatusCode, Vec<(&'static str, String)>),
    /// So many times with this status, then well.
    FirstWith(usize, StatusCode),
    /// Well, but for larger bodies: these with a status.
    LargeWith(usize, StatusCode),
    /// Well, but for bodies that hold these words: these with a status.
    HoldingWith(&'static str, StatusCode),
    Never,
}

#[derive(Debug)]
struct Seen {
    answers: Answers,
    requests: usize,
    accepted: Vec<(HeaderMap, StreamResponse)>,
}

pub(crate) struct Receiver {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    server: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Receiver {
    pub(crate) async fn new(answers: Answers) -> Self {
        let seen = Arc::new(Mutex::new(Seen { answers, requests: 0, accepted: Vec::new() }));
        let app = Router::new().fallback(receive).with_state(Arc::clone(&seen));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Receiver { address, seen, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub(crate) fn answer(&self, answers: Answers) {
        self.seen.lock().unwrap().answers = answers;
    }

    /// All requests, accepted or not.
    pub(crate) fn requests(&self) -> usize {
        self.seen.lock().unwrap().requests
    }

    pub(crate) fn headers(&self) -> Vec<HeaderMap> {
        self.seen.lock().unwrap().accepted.iter().map(|(headers, _)| headers.clone()).collect()
    }

    /// The events that it accepted, in order.
    pub(crate) fn events(&self) -> Vec<StreamResponse> {
        self.seen.lock().unwrap().accepted.iter().map(|(_, event)| event.clone()).collect()
    }

    /// The texts in the artifacts' updates, in order.
    pub(crate) fn chunks(&self) -> Vec<String> {
        let events = self.events();
        let updates = events.iter().filter_map(|event| match event {
            StreamResponse::ArtifactUpdate(update) => Some(&update.artifact.parts),
            _ => None,
        });
        updates.flatten().filter_map(|part| part.as_text().map(str::to_owned)).collect()
    }

    /// What a client believes that only sees this webhook; events that came again are left out.
    pub(crate) fn fold(&self) -> Option<Task> {
        let mut task: Option<Task> = None;
        for event in self.events() {
            match (&mut task, event) {
                (_, StreamResponse::Task(whole)) => task = Some(whole),
                (Some(task), event) => a2a_core::reduce::apply(task, &event),
                (None, _) => return None,
            }
        }
        task
    }

    /// Waits until a state has arrived.
    pub(crate) async fn sees(&self, state: a2a::TaskState) {
        let arrived = || {
            let arrived = self.events().iter().any(|event| a2a_core::reduce::state_of(event) == Some(&state));
            async move { arrived }
        };
        eventually(&format!("the arrival of {state:?}"), arrived).await;
    }
}

async fn receive(State(seen): State<Arc<Mutex<Seen>>>, headers: HeaderMap, body: Bytes) -> Response {
    let answers = {
        let mut seen = seen.lock().unwrap();
        seen.requests += 1;
        let answers = match &mut seen.answers {
            Answers::FirstWith(left, _) if *left == 0 => Answers::Well,
            Answers::FirstWith(left, status) => {
                *left -= 1;
                Answers::With(*status, Vec::new())
            }
            Answers::LargeWith(most, status) if body.len() > *most => Answers::With(*status, Vec::new()),
            Answers::LargeWith(..) => Answers::Well,
            Answers::HoldingWith(words, status) if String::from_utf8_lossy(&body).contains(*words) => {
                Answers::With(*status, Vec::new())
            }
            Answers::HoldingWith(..) => Answers::Well,
            answers => answers.clone(),
        };
        if let Answers::Well | Answers::Slowly(_) = answers {
            let event = serde_json::from_slice(&body).unwrap();
            let event = a2a_pb::protojson_conv::from_value(event).unwrap();
            seen.accepted.push((headers, event));
        }
        answers
    };
    match answers {
        Answers::Well | Answers::FirstWith(..) | Answers::LargeWith(..) | Answers::HoldingWith(..) => {
            StatusCode::NO_CONTENT.into_response()
        }
        Answers::Slowly(after) => {
            sleep(after).await;
            StatusCode::NO_CONTENT.into_response()
        }
        Answers::With(status, headers) => {
            let mut response = status.into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Answers::Never => std::future::pending().await,
    }
}
