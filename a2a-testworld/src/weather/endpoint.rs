//! The endpoint behind the weather: requests that are passed on, and the weather's own, which nobody counts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Map, Value, json};

use super::call::{self, Service};
use super::item::Item;
use super::schema::Schema;

/// An endpoint of some services.
#[derive(Debug)]
pub(super) struct Endpoint {
    url: String,
    client: reqwest::Client,
    schemas: Mutex<HashMap<String, Arc<Schema>>>,
}

/// A request as it arrived, but for its body.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: String,
    pub(super) headers: HeaderMap,
}

/// What the endpoint said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Said {
    /// The body as JSON.
    pub(super) fn json(&self) -> Option<Map<String, Value>> {
        serde_json::from_slice(&self.body).ok()
    }
}

impl Endpoint {
    pub(super) fn new(url: &str) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let url = url.trim_end_matches('/').to_owned();
        Ok(Endpoint { url, client, schemas: Mutex::default() })
    }

    /// Passes a request on. An error is one of the connection: what became of the request is unknown.
    pub(super) async fn pass(&self, head: &Head, body: Bytes) -> reqwest::Result<Said> {
        let mut headers = head.headers.clone();
        // What belongs to the client's connection; and answers must not be compressed, for they are read here.
        for name in [
            header::HOST,
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
            header::CONNECTION,
            header::EXPECT,
            header::ACCEPT_ENCODING,
        ] {
            headers.remove(name);
        }
        let url = format!("{}{}", self.url, head.path);
        let answer = self.client.request(head.method.clone(), url).headers(headers).body(body).send().await?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
            headers.remove(name);
        }
        Ok(Said { status, headers, body: answer.bytes().await? })
    }

    /// Reads an item, consistently; with the credentials of a request, for emulators have an account for each key.
    pub(super) async fn item(&self, head: &Head, table: &str, key: &Item) -> Option<Item> {
        let request = json!({ "TableName": table, "Key": key, "ConsistentRead": true });
        let answer = self.own(head, Service::DynamoDb, "GetItem", &request).await?;
        answer.get("Item").and_then(Value::as_object).cloned()
    }

    /// The schema of a table, from memory or by `DescribeTable`; `None` where there is no such table.
    pub(super) async fn schema(&self, head: &Head, table: &str) -> Option<Arc<Schema>> {
        if let Some(known) = self.schemas().get(table) {
            return Some(Arc::clone(known));
        }
        let answer =
            self.own(head, Service::DynamoDb, "DescribeTable", &json!({ "TableName": table })).await?;
        let schema = Arc::new(Schema::read(answer.get("Table")?)?);
        self.schemas().insert(table.to_owned(), Arc::clone(&schema));
        Some(schema)
    }

    /// Asks SQS something, with the credentials of a request; `None` where the answer is an error.
    pub(super) async fn queue_request(
        &self,
        head: &Head,
        operation: &str,
        request: &Value,
    ) -> Option<Map<String, Value>> {
        self.own(head, Service::Sqs, operation, request).await
    }

    /// Forgets what is known of a table.
    pub(super) fn forget(&self, table: &str) {
        self.schemas().remove(table);
    }

    async fn own(
        &self,
        head: &Head,
        service: Service,
        operation: &str,
        request: &Value,
    ) -> Option<Map<String, Value>> {
        let mut head = head.clone();
        call::set_operation(&mut head.headers, service, operation);
        let said = self.pass(&head, Bytes::from(request.to_string())).await.ok()?;
        said.status.is_success().then(|| said.json())?
    }

    fn schemas(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Schema>>> {
        self.schemas.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
