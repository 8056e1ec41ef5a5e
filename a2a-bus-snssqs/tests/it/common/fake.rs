//! A service inside the test, for what needs a paused clock or a certain answer at a certain time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use a2a_bus_snssqs::{Clients, SnsSqsBus, SnsSqsConfig};
use a2a_core::{Endpoint, EventBus};
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

pub(crate) const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:a2a";

type Answer = Pin<Box<dyn Future<Output = Value> + Send>>;
type Behaviour = dyn Fn(&str, Value) -> Answer + Send + Sync;

/// Answers each call of SQS, told by its name and its arguments, with JSON: with 400 where that names an error
/// in `__type`, else with 200. SNS says yes to everything.
#[derive(Clone)]
pub(crate) struct FakeSqs(Arc<Behaviour>);

impl FakeSqs {
    /// Queues are made and deleted without asking; `answer` has the other calls.
    pub(crate) fn new<F: Future<Output = Value> + Send + 'static>(
        answer: impl Fn(&str, Value) -> F + Send + Sync + 'static,
    ) -> Self {
        FakeSqs(Arc::new(move |call, arguments| match call {
            "CreateQueue" => {
                let name = arguments["QueueName"].as_str().unwrap();
                let url = format!("https://sqs.us-east-1.amazonaws.com/123456789012/{name}");
                Box::pin(std::future::ready(json!({ "QueueUrl": url })))
            }
            "DeleteQueue" => Box::pin(std::future::ready(json!({}))),
            _ => Box::pin(answer(call, arguments)),
        }))
    }

    /// A service that never answers.
    pub(crate) fn deaf() -> Self {
        FakeSqs(Arc::new(|_, _| Box::pin(std::future::pending())))
    }

    /// Connects a new instance.
    pub(crate) async fn endpoint(&self, config: SnsSqsConfig) -> Arc<dyn Endpoint> {
        let bus = self.bus().config(config);
        bus.connect(&super::new_instance(), &super::seal()).await.unwrap()
    }

    pub(crate) fn bus(&self) -> SnsSqsBus {
        SnsSqsBus::with_clients(self.clients(), TOPIC).unwrap()
    }

    pub(crate) fn clients(&self) -> Clients {
        let credentials = Credentials::new("key", "secret", None, None, "test");
        let sns = aws_sdk_sns::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials.clone())
            .http_client(self.clone());
        let sqs = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials)
            .http_client(self.clone());
        Clients {
            sns: aws_sdk_sns::Client::from_conf(sns.build()),
            sqs: aws_sdk_sqs::Client::from_conf(sqs.build()),
        }
    }
}

impl fmt::Debug for FakeSqs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeSqs")
    }
}

impl HttpConnector for FakeSqs {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Some(target) = request.headers().get("x-amz-target") else {
            return HttpConnectorFuture::ready(Ok(subscribed()));
        };
        let call = target.rsplit('.').next().unwrap_or_default();
        let arguments = serde_json::from_slice(request.body().bytes().unwrap()).unwrap_or_default();
        let answer = (self.0)(call, arguments);
        HttpConnectorFuture::new(async move {
            let answer = answer.await;
            let status: u16 = if answer.get("__type").is_some() { 400 } else { 200 };
            Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(answer.to_string())))
        })
    }
}

/// What SNS answers to `Subscribe`, and whoever asked anything else reads nothing of.
fn subscribed() -> HttpResponse {
    let body = format!(
        "<SubscribeResponse><SubscribeResult><SubscriptionArn>{TOPIC}:x</SubscriptionArn></SubscribeResult>\
         </SubscribeResponse>"
    );
    HttpResponse::new(200.try_into().unwrap(), SdkBody::from(body))
}

impl HttpClient for FakeSqs {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
