//! An endpoint that denies operations: requests for them are answered before anything is sent.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

/// What is denied, in which words; the same for all clones.
#[derive(Debug, Clone)]
pub(crate) struct Permissions {
    inner: SharedHttpClient,
    denied: Arc<Mutex<Denied>>,
}

#[derive(Debug, Default)]
struct Denied {
    code: &'static str,
    operations: &'static [&'static str],
    answered: usize,
}

impl Permissions {
    /// Denies nothing.
    pub(crate) fn new() -> Self {
        let inner = aws_smithy_http_client::Builder::new().build_http();
        Permissions { inner, denied: Arc::default() }
    }

    /// Denies these operations from now on, and no other; all of them where none is named.
    pub(crate) fn deny(&self, code: &'static str, operations: &'static [&'static str]) {
        *self.denied.lock().unwrap() = Denied { code, operations, answered: 0 };
    }

    /// Denies nothing any more. Returns how often it denied something.
    pub(crate) fn allow(&self) -> usize {
        std::mem::take(&mut *self.denied.lock().unwrap()).answered
    }

    /// How often something was denied since the last change.
    pub(crate) fn denials(&self) -> usize {
        self.denied.lock().unwrap().answered
    }
}

impl HttpClient for Permissions {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Guarded { inner, denied: Arc::clone(&self.denied) })
    }
}

#[derive(Debug)]
struct Guarded {
    inner: SharedHttpConnector,
    denied: Arc<Mutex<Denied>>,
}

impl HttpConnector for Guarded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let operation = target.rsplit('.').next().unwrap_or_default();
        let mut denied = self.denied.lock().unwrap();
        let is_meant = denied.operations.is_empty() || denied.operations.contains(&operation);
        if denied.code.is_empty() || !is_meant {
            drop(denied);
            return self.inner.call(request);
        }
        denied.answered += 1;
        let body = format!(
            r#"{{"__type":"com.amazon.coral.service#{}","message":"somebody is not authorized to perform: dynamodb:{operation}"}}"#,
            denied.code
        );
        let status = http::StatusCode::BAD_REQUEST.into();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
    }
}
