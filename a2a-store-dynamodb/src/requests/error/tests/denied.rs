//! What is denied, to a handle that was served before and to one that was not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use tokio::time::Instant;

use super::*;

/// Codes of a permission, of credentials, of a clock, of a key and of the table, with their documented status.
const DENIED: [(u16, &str); 20] = [
    (400, "AccessDeniedException"),
    (403, "AccessDenied"),
    (401, "NotAuthorized"),
    (403, "OptInRequired"),
    (400, "ExpiredTokenException"),
    (403, "ExpiredToken"),
    (400, "UnrecognizedClientException"),
    (403, "InvalidClientTokenId"),
    (400, "MissingAuthenticationTokenException"),
    (403, "MissingAuthenticationToken"),
    (400, "IncompleteSignatureException"),
    (403, "IncompleteSignature"),
    (400, "InvalidSignatureException"),
    (403, "SignatureDoesNotMatch"),
    (400, "RequestExpired"),
    (403, "RequestTimeTooSkewed"),
    (400, "KMSDisabledException"),
    (400, "KMSInvalidStateException"),
    (400, "ResourceNotFoundException"),
    (400, "TableNotFoundException"),
];

#[tokio::test(start_paused = true)]
async fn whoever_was_served_once_is_denied_for_now_only() {
    for (status, code) in DENIED {
        for served in [false, true] {
            let calls = calls(answering(served, status, code, "no"), 5);
            if served {
                assert_eq!(calls.get("p", "s").await.unwrap(), None);
            }
            let told = if served { Told::Unavailable } else { Told::Rejected };
            let trouble = served.then_some(Trouble::Denied);
            let began = Instant::now();
            for error in [
                calls.send_put(calls.put(Item::new())).await.unwrap_err(),
                calls.get("p", "s").await.unwrap_err(),
                calls.transact(Vec::new()).await.unwrap_err(),
            ] {
                assert_eq!((kind(&error), error.trouble()), (told, trouble), "{code}, {served}: {error:?}");
                assert!(format!("{error:?}").contains(code), "{error:?}");
            }
            assert!(began.elapsed().is_zero(), "it is not sent again in this call: {code}");
        }
    }
}

#[tokio::test]
async fn a_lost_race_is_an_answer_as_well() {
    let unmet = || {
        let error = ConditionalCheckFailedException::builder();
        PutItemError::ConditionalCheckFailedException(
            error.meta(coded("ConditionalCheckFailedException")).build(),
        )
    };
    let denied = || PutItemError::generic(coded("AccessDeniedException"));
    let rule = mock!(Client::put_item).sequence().error(unmet).error(denied).build();
    let calls = calls(mock_client!(aws_sdk_dynamodb, [&rule]), 5);
    let put = || calls.put(Item::new()).condition_expression("attribute_not_exists(pk)");
    assert!(matches!(calls.send_put(put()).await, Ok(Written::Unmet(None))));
    assert_eq!(kind(&calls.send_put(put()).await.unwrap_err()), Told::Unavailable);
}

#[tokio::test]
async fn a_missing_permission_is_told_by_name() {
    for served in [false, true] {
        let calls = calls(answering(served, 400, "AccessDeniedException", "x may not dynamodb:PutItem"), 1);
        if served {
            assert_eq!(calls.get("p", "s").await.unwrap(), None);
        }
        let error = calls.send_put(calls.put(Item::new())).await.unwrap_err();
        assert!(format!("{error:?}").contains("x may not dynamodb:PutItem"), "{error:?}");
    }
}

/// Has credentials for so many requests, and then says what it is told to.
#[derive(Debug)]
struct Lapsing(AtomicUsize, fn() -> CredentialsError);

impl ProvideCredentials for Lapsing {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let left = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        // Expired at once, so that each request asks anew.
        let given = || Credentials::new("a", "s", None, Some(SystemTime::UNIX_EPOCH), "test");
        let answer = left.map(|_| given()).map_err(|_| (self.1)());
        future::ProvideCredentials::ready(answer)
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_that_cannot_be_provided_are_a_passing_trouble_once_there_were_some() {
    let failures: [fn() -> CredentialsError; 4] = [
        || CredentialsError::not_loaded("no role"),
        || CredentialsError::provider_error("the token service said 503"),
        || CredentialsError::provider_timed_out(Duration::from_secs(5)),
        || CredentialsError::invalid_configuration("a file that is being written"),
    ];
    for failure in failures {
        for served in [false, true] {
            let lapsing = Lapsing(usize::from(served).into(), failure);
            let client = answering(served, 400, "ValidationException", "sent without credentials");
            let config = client.config().to_builder().credentials_provider(lapsing);
            let calls = calls(Client::from_conf(config.build()), 5);
            if served {
                assert_eq!(calls.get("p", "s").await.unwrap(), None);
            }
            let told = if served { Told::Unavailable } else { Told::Rejected };
            for error in [
                calls.send_put(calls.put(Item::new())).await.unwrap_err(),
                calls.get("p", "s").await.unwrap_err(),
            ] {
                assert_eq!(kind(&error), told, "{error:?}");
                assert!(format!("{error:?}").contains("there are no credentials"), "{error:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_denial_after_a_lost_answer_does_not_mean_that_nothing_was_applied() {
    let rule = mock!(Client::put_item)
        .sequence()
        .http_status(500, None)
        .error(|| PutItemError::generic(coded("AccessDeniedException")))
        .build();
    let calls = calls(mock_client!(aws_sdk_dynamodb, RuleMode::Sequential, [&rule]), 4);
    let error = calls.send_put(calls.put(Item::new())).await.unwrap_err();
    assert_eq!((kind(&error), error.trouble()), (Told::Indeterminate, Some(Trouble::Denied)));
    assert_eq!(rule.num_calls(), 2);
}
