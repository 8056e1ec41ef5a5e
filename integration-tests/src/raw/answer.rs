//! What came back, read by the rules of its binding. Whatever breaks them fails the test.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::failure::Failure;
use super::grpc;
use super::operation::Operation;
use super::request::ID;
use a2a_testworld::Binding;

/// A whole answer, as it came.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(super) binding: Binding,
    pub(super) operation: Operation,
    /// The HTTP status; 200 for whatever gRPC says.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    pub(super) trailers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// The one result of an operation that does not stream, in its JSON form.
    ///
    /// # Errors
    ///
    /// The failure that came instead.
    pub fn result(&self) -> Result<Value, Failure> {
        match self.binding {
            Binding::JsonRpc => self.rpc_result(&self.json()),
            Binding::Rest if self.status.is_success() => {
                assert_eq!(self.content_type(), "application/a2a+json", "{self:?}");
                Ok(self.json())
            }
            Binding::Rest => Err(Failure::of_rest(self.status, self.content_type(), &self.json())),
            Binding::Grpc => {
                let mut results = self.grpc_results()?;
                assert_eq!(results.len(), 1, "{self:?}");
                Ok(results.remove(0))
            }
        }
    }

    /// The events of an operation that streams, in their JSON form.
    ///
    /// # Errors
    ///
    /// The failure that came instead, or after them.
    pub fn events(&self) -> Result<Vec<Value>, Failure> {
        if self.binding == Binding::Grpc {
            return self.grpc_results();
        }
        if self.content_type() != "text/event-stream" {
            return self.result().map(|result| panic!("a result instead of a stream: {result}"));
        }
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        self.server_sent()
            .map(|event| match self.binding {
                Binding::JsonRpc => self.rpc_result(&event),
                _ => Ok(event),
            })
            .collect()
    }

    /// The failure that must have come.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn failure(&self) -> Failure {
        let streams = matches!(self.operation, Operation::SendStreamingMessage | Operation::SubscribeToTask);
        let failure = if streams { self.events().map(Value::Array) } else { self.result() };
        match failure {
            Err(failure) => failure,
            Ok(value) => panic!("{:?} by {:?} should have failed: {value}", self.operation, self.binding),
        }
    }

    /// The status that gRPC says, whether or not an A2A error is in it.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn grpc_code(&self) -> Code {
        self.grpc_status().code()
    }

    /// All of an answer that a client can see but for the time, with `id` masked.
    ///
    /// # Panics
    ///
    /// When the answer breaks the rules of its binding.
    pub fn visible(&self, id: &str) -> String {
        let status = format!("{:?} {}", self.binding, self.status);
        let heads = [lines(&self.headers), lines(&self.trailers)].concat().join("\n");
        let body = match serde_json::from_slice::<Value>(&self.body) {
            Ok(mut json) => {
                mask_times(&mut json);
                // The order of an object's fields says nothing, and differs from one answer to the next.
                json.sort_all_objects();
                json.to_string()
            }
            Err(_) => String::from_utf8_lossy(&self.body).into_owned(),
        };
        let rpc = match self.binding {
            Binding::Grpc => {
                let status = self.grpc_status();
                format!("{:?} {} {:?}", status.code(), status.message(), status.get_error_details())
            }
            Binding::JsonRpc | Binding::Rest => String::new(),
        };
        [status, heads, body, rpc].join("\n\n").replace(id, "ID")
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn content_type(&self) -> &str {
        self.headers.get(CONTENT_TYPE).map_or("", |value| value.to_str().unwrap())
    }

    fn rpc_result(&self, envelope: &Value) -> Result<Value, Failure> {
        assert_eq!(envelope["jsonrpc"], "2.0", "{envelope}");
        match (envelope.get("result"), envelope.get("error")) {
            (Some(result), None) => {
                assert_eq!((self.status, &envelope["id"]), (StatusCode::OK, &Value::from(ID)), "{envelope}");
                Ok(result.clone())
            }
            (None, Some(error)) => Err(Failure::of_json_rpc(self.status, envelope, error)),
            _ => panic!("neither result nor error, or both: {envelope}"),
        }
    }

    /// The `data` of all events, in which this server needs no second line.
    fn server_sent(&self) -> impl Iterator<Item = Value> {
        let text = std::str::from_utf8(&self.body).unwrap();
        text.lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|data| serde_json::from_str(data).unwrap())
    }

    fn grpc_status(&self) -> Status {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        let status =
            Status::from_header_map(&self.trailers).or_else(|| Status::from_header_map(&self.headers));
        status.unwrap_or_else(|| panic!("no status: {self:?}"))
    }

    fn grpc_results(&self) -> Result<Vec<Value>, Failure> {
        let status = self.grpc_status();
        match status.code() {
            Code::Ok => {
                let messages = grpc::unframe(self.body.clone());
                Ok(messages.iter().map(|message| grpc::decode(self.operation, message)).collect())
            }
            _ => Err(Failure::of_status(&status)),
        }
    }
}

/// Headers whose text does not depend on the time. What gRPC says in its own is told apart.
fn lines(headers: &HeaderMap) -> Vec<String> {
    let of_time = ["date", "content-length", "grpc-message", "grpc-status-details-bin"];
    let told = headers.iter().filter(|(name, _)| !of_time.contains(&name.as_str()));
    let mut lines: Vec<_> =
        told.map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))).collect();
    lines.sort();
    lines
}

fn mask_times(json: &mut Value) {
    match json {
        Value::Object(fields) => {
            if let Some(time) = fields.get_mut("timestamp") {
                *time = "TIME".into();
            }
            fields.values_mut().for_each(mask_times);
        }
        Value::Array(items) => items.iter_mut().for_each(mask_times),
        _ => {}
    }
}
