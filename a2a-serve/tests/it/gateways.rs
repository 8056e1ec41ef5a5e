//! Callers as a gateway's header names them: on every binding alike, whatever its bytes.

use std::sync::Arc;
use std::time::Duration;

use a2a_pb::proto::ListTasksRequest;
use a2a_pb::proto::a2a_service_client::A2aServiceClient;
use a2a_serve::GatewayHeader;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Request};

use super::server::start;
use super::wire::message;

const HEADER: HeaderName = HeaderName::from_static("x-user");

fn named(names: &[&[u8]]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.append("a2a-version", HeaderValue::from_static("1.0"));
    for name in names {
        headers.append(HEADER, HeaderValue::from_bytes(name).unwrap());
    }
    headers
}

/// An agent, asked with headers of any bytes.
struct Agent {
    url: String,
    http: reqwest::Client,
    grpc: A2aServiceClient<Channel>,
}

impl Agent {
    /// How many tasks whoever these headers name has, by REST; `None` for whoever is refused.
    async fn by_rest(&self, headers: HeaderMap) -> Option<u64> {
        let answer = self.http.get(format!("{}/tasks", self.url)).headers(headers).send().await.unwrap();
        listed(answer, &["totalSize"]).await
    }

    async fn by_json_rpc(&self, headers: HeaderMap) -> Option<u64> {
        listed(self.call("ListTasks", json!({}), headers).await, &["result", "totalSize"]).await
    }

    async fn by_grpc(&self, headers: HeaderMap) -> Option<u64> {
        let mut request = Request::new(ListTasksRequest::default());
        *request.metadata_mut() = MetadataMap::from_headers(headers);
        match self.grpc.clone().list_tasks(request).await {
            Ok(answer) => Some(answer.into_inner().total_size.try_into().unwrap()),
            Err(status) => {
                assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
                None
            }
        }
    }

    async fn call(&self, method: &str, params: Value, headers: HeaderMap) -> reqwest::Response {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = self.http.post(&self.url).headers(headers).header("content-type", "application/json");
        request.body(body.to_string()).send().await.unwrap()
    }
}

async fn listed(answer: reqwest::Response, path: &[&str]) -> Option<u64> {
    if answer.status() == 401 {
        return None;
    }
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.unwrap();
    let total = path.iter().fold(&body, |body, name| &body[name]);
    Some(total.as_u64().unwrap_or_else(|| panic!("{body}")))
}

#[tokio::test]
async fn a_gateways_header_counts_on_every_binding_whatever_its_bytes() {
    let serving = start(|server| server.callers(Arc::new(GatewayHeader::new(HEADER)))).await;
    let url = format!("http://{}", serving.address());
    let grpc = A2aServiceClient::connect(url.clone()).await.unwrap();
    let agent = Agent { url, http: reqwest::Client::new(), grpc };
    let jose = "josé".as_bytes();
    let sent = agent.call("SendMessage", json!({ "message": message() }), named(&[jose])).await;
    assert_eq!(sent.status(), 200);
    for (names, tasks) in [
        (&[&b"ann"[..]][..], Some(0)),
        (&[jose], Some(1)),
        (&[b" jos\xc3\xa9\t"], Some(1)),
        (&["jose\u{301}".as_bytes()], Some(0)),
        (&[], None),
        (&[b""], None),
        (&[b" "], None),
        (&[b"ann", b"ben"], None),
        (&[b"ann", b"ann"], None),
        (&[b"ann", jose], None),
        (&[b"\xff"], None),
        (&[b"jos\xe9"], None),
        (&[b"ann", b"\xff"], None),
    ] {
        let all = [
            agent.by_rest(named(names)).await,
            agent.by_json_rpc(named(names)).await,
            agent.by_grpc(named(names)).await,
        ];
        assert_eq!(all, [tasks; 3], "{names:?}");
    }
    serving.shutdown(Duration::ZERO, Duration::ZERO).await;
}
