//! The client that a store makes for itself, with the patience that its calls need.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder};
use aws_types::SdkConfig;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(2);
/// How long one attempt may take. DynamoDB answers within milliseconds; a beat that hangs must fail well within a
/// lease.
const ATTEMPT: Duration = Duration::from_secs(3);

/// Makes a client of what the environment says of region, credentials and endpoint.
pub(crate) fn of(shared: &SdkConfig) -> Client {
    Client::from_conf(settings(shared).build())
}

fn settings(shared: &SdkConfig) -> Builder {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(ATTEMPT)
        .operation_attempt_timeout(ATTEMPT)
        .build();
    let builder = Builder::from(shared).timeout_config(timeouts);
    match shared.behavior_version() {
        Some(_) => builder,
        // Without one the SDK makes no client.
        None => builder.behavior_version(BehaviorVersion::v2026_01_12()),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::config::{Credentials, Region, SharedCredentialsProvider};
    use aws_smithy_http_client::test_util::{NeverClient, ReplayEvent, StaticReplayClient};
    use aws_smithy_runtime_api::client::http::HttpClient;
    use aws_smithy_types::body::SdkBody;
    use tokio::time::Instant;

    use super::*;
    use crate::DynamoDbConfig;
    use crate::requests::calls::Calls;

    fn calls(http: impl HttpClient + 'static) -> Calls {
        let shared = SdkConfig::builder()
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(http)
            .build();
        Calls::new(of(&shared), "t", &DynamoDbConfig::default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_that_fails_is_sent_again_at_once() {
        let request = || http::Request::builder().uri("http://x/").body(SdkBody::empty()).unwrap();
        let answer = |status| http::Response::builder().status(status).body(SdkBody::from("{}")).unwrap();
        let events = [500, 500, 200].map(|status| ReplayEvent::new(request(), answer(status)));
        let calls = calls(StaticReplayClient::new(events.into()));
        let start = Instant::now();
        assert_eq!(calls.get("p", "s").await.unwrap(), None);
        assert!(start.elapsed() <= Duration::from_millis(150), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_never_answers_is_given_up() {
        let calls = calls(NeverClient::new());
        let start = Instant::now();
        let refused = calls.get("p", "s").await;
        assert!(matches!(refused, Err(a2a_core::BackendError::Unavailable(_))), "{refused:?}");
        assert!((ATTEMPT..ATTEMPT * 3).contains(&start.elapsed()), "{:?}", start.elapsed());
    }

    #[test]
    fn a_client_does_not_wait_for_ever() {
        let patient = TimeoutConfig::builder().operation_timeout(Duration::from_secs(600)).build();
        for shared in [SdkConfig::builder().build(), SdkConfig::builder().timeout_config(patient).build()] {
            let client = of(&shared);
            let timeouts = client.config().timeout_config().unwrap();
            assert_eq!(timeouts.connect_timeout(), Some(CONNECT));
            assert_eq!(timeouts.read_timeout(), Some(ATTEMPT));
            assert_eq!(timeouts.operation_attempt_timeout(), Some(ATTEMPT));
        }
    }
}
