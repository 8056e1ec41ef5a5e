//! One request from its arrival to its end: what the network and the service do to it, and who handles it.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use serde_json::{Map, Value, json};

use super::call::{self, Call, Service};
use super::dice::{Dice, Draws};
use super::endpoint::{Endpoint, Head, Said};
use super::line::table_name;
use super::locks::Locks;
use super::messaging::{self, Messaging};
use super::refusal::ServiceError;
use super::settings::Weather;
use super::sky::Sky;
use super::wire::{self, Answer};

/// Everything that requests need.
#[derive(Debug)]
pub(super) struct Station {
    pub(super) sky: Sky,
    pub(super) dice: Dice,
    pub(super) endpoint: Endpoint,
    /// Held while an item is written: what it was before and is after belongs to one write.
    pub(super) locks: Locks,
    /// What is remembered of topics and queues.
    pub(super) messaging: Messaging,
}

/// What becomes of a request in the end.
#[derive(Debug)]
pub(super) enum End {
    Answer(Answer),
    /// Its connection is reset.
    Reset,
    /// It is never answered.
    Silence,
}

impl Station {
    /// Changes the weather from now on.
    pub(super) fn set(&self, weather: Weather) {
        self.messaging.set(&weather);
        self.sky.set(weather);
    }

    /// Handles one request; `None` is one of no service that is played.
    pub(super) async fn handle(self: Arc<Self>, call: Option<Call>, head: Head, body: Bytes) -> End {
        let Some(call) = call else {
            // Health checks, other services of the same emulator.
            return self.pass(&head, body).await.map_or(End::Reset, |said| End::Answer(whole(said)));
        };
        let mut draws = self.dice.next();
        self.sky.count(|counts| counts.outcome(&call.operation, |of| of.requests += 1));
        let end = self.meet(&call, &head, body, &mut draws).await;
        self.sky.count(|counts| {
            counts.outcome(&call.operation, |of| match &end {
                End::Answer(answer) if answer.status().is_success() => of.succeeded += 1,
                _ => {}
            });
        });
        end
    }

    async fn meet(&self, call: &Call, head: &Head, body: Bytes, draws: &mut Draws) -> End {
        let network = self.sky.network(call);
        let note = |note: fn(&mut super::counts::Outcomes)| {
            self.sky.count(|counts| counts.outcome(&call.operation, note));
        };
        if draws.is_reset(network.resets) {
            note(|of| of.reset += 1);
            return End::Reset;
        }
        if draws.is_unanswered(network.unanswered) {
            note(|of| of.unanswered += 1);
            if draws.applied {
                self.serve(call, head, body, draws).await;
            }
            return End::Silence;
        }
        let refusal = self.sky.refusal(call, draws);
        tokio::time::sleep(self.sky.latency(call.service, draws)).await;
        if let Some(error) = refusal {
            note(|of| of.refused += 1);
            let answer = refuse(call, error, &body, None);
            if error == ServiceError::InternalServerError && draws.applied {
                note(|of| of.refused_after_applying += 1);
                self.serve(call, head, body, draws).await;
            }
            return End::Answer(answer);
        }
        if let Some(action) = self.sky.forbidden(call, &body) {
            note(|of| of.refused += 1);
            let message = format!("the weather: no policy allows the action {action}");
            return End::Answer(refuse(call, ServiceError::AccessDenied, &body, Some(&message)));
        }
        if !self.sky.is_within_rates(call, &call::access_key(&head.headers)) {
            note(|of| of.throttled += 1);
            return End::Answer(refuse(call, ServiceError::Throttling, &body, None));
        }
        let end = self.serve(call, head, body, draws).await;
        if draws.is_lost(network.lost_answers) {
            note(|of| of.lost += 1);
            return End::Reset;
        }
        end
    }

    /// What the service itself makes of a request.
    async fn serve(&self, call: &Call, head: &Head, body: Bytes, draws: &mut Draws) -> End {
        if call.service != Service::DynamoDb {
            return self.message(call, head, body, draws).await.map_or(End::Reset, End::Answer);
        }
        let request: Option<Map<String, Value>> = serde_json::from_slice(&body).ok();
        let handled = match request {
            Some(request) => self.understood(&call.operation, head, request, draws).await,
            None => self.pass(head, body).await.map(whole),
        };
        handled.map_or(End::Reset, End::Answer)
    }

    async fn understood(
        &self,
        operation: &str,
        head: &Head,
        request: Map<String, Value>,
        draws: &mut Draws,
    ) -> Option<Answer> {
        match operation {
            "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems" | "BatchWriteItem" => {
                self.write(operation, head, request, draws).await
            }
            "GetItem" | "BatchGetItem" | "TransactGetItems" | "Query" | "Scan" => {
                self.read(operation, head, request, draws).await
            }
            "ExecuteStatement" | "BatchExecuteStatement" | "ExecuteTransaction" => {
                self.statement(operation, head, request).await
            }
            _ => {
                let said = self.pass(head, body_from(&request)).await?;
                if matches!(operation, "CreateTable" | "UpdateTable" | "DeleteTable")
                    && let Some(table) = request.get("TableName").and_then(Value::as_str)
                {
                    self.endpoint.forget(table_name(table));
                }
                self.failed_unless_ok(operation, &said);
                Some(whole(said))
            }
        }
    }

    /// Passes a request on; `None` where the endpoint's connection broke, as then the client's does.
    pub(super) async fn pass(&self, head: &Head, body: Bytes) -> Option<Said> {
        self.endpoint.pass(head, body).await.ok()
    }

    /// Counts an error of the endpoint of which nothing else is known.
    pub(super) fn failed_unless_ok(&self, operation: &str, said: &Said) {
        if !said.status.is_success() {
            self.sky.count(|counts| counts.outcome(operation, |of| of.failed += 1));
        }
    }
}

/// An error for an operation: each service has its way to say it, and transactions have their own for some.
fn refuse(call: &Call, error: ServiceError, body: &Bytes, message: Option<&str>) -> Answer {
    if let Some(answer) = messaging::refused(call.service, error, message) {
        return answer;
    }
    let actions = actions(body);
    match error.form().reason {
        // The first action is the guilty one.
        Some(code) if actions > 0 => {
            let codes: Vec<_> = (0..actions).map(|action| (action == 0).then_some(code)).collect();
            wire::cancelled(&codes)
        }
        _ => wire::refused(error, message),
    }
}

/// How many actions a transaction has; none, where the request is none.
fn actions(body: &Bytes) -> usize {
    let request: Option<Map<String, Value>> = serde_json::from_slice(body).ok();
    request.and_then(|request| request.get("TransactItems")?.as_array().map(Vec::len)).unwrap_or(0)
}

/// The body of a request that was changed.
pub(super) fn body_from(request: &Map<String, Value>) -> Bytes {
    Bytes::from(json!(request).to_string())
}

/// An answer as the endpoint gave it.
pub(super) fn whole(said: Said) -> Answer {
    let mut answer = Answer::new(Full::new(said.body));
    (*answer.status_mut(), *answer.headers_mut()) = (said.status, said.headers);
    answer
}

/// An answer whose body was changed.
pub(super) fn changed(mut said: Said, body: &Map<String, Value>) -> Answer {
    // The checksum is one of the body that the endpoint wrote.
    said.headers.remove("x-amz-crc32");
    said.body = body_from(body);
    whole(said)
}
