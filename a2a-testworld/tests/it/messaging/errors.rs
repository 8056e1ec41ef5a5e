//! Errors as SNS and SQS name them.

use a2a_testworld::weather::{Refusal, ServiceError, Weather};
use aws_sdk_sqs::operation::RequestId;

use super::place::{Place, code, publish};
use crate::place::seconds;

/// A status and a code.
type Told = (u16, &'static str);

/// An error, and what each of the two services says: status and code.
const ERRORS: [(ServiceError, Told, Told); 10] = [
    (ServiceError::AccessDenied, (403, "AuthorizationError"), (403, "AccessDenied")),
    (ServiceError::ExpiredToken, (403, "ExpiredToken"), (403, "ExpiredToken")),
    (ServiceError::UnrecognizedClient, (403, "InvalidClientTokenId"), (403, "InvalidClientTokenId")),
    (ServiceError::KmsAccessDenied, (400, "KMSAccessDenied"), (400, "KMS.AccessDeniedException")),
    (ServiceError::KmsDisabled, (400, "KMSDisabled"), (400, "KMS.DisabledException")),
    (ServiceError::KmsThrottled, (400, "KMSThrottling"), (400, "KMS.ThrottlingException")),
    (ServiceError::NotFound, (404, "NotFound"), (400, "AWS.SimpleQueueService.NonExistentQueue")),
    (ServiceError::InternalServerError, (500, "InternalError"), (500, "InternalFailure")),
    (ServiceError::ServiceUnavailable, (503, "ServiceUnavailable"), (503, "ServiceUnavailable")),
    (ServiceError::Throttling, (400, "Throttling"), (400, "RequestThrottled")),
];

#[tokio::test(start_paused = true)]
async fn errors_have_the_names_of_each_service() {
    let Some(place) = Place::new().await else { return };
    let (topic, queue) = (place.topic().await, place.queue("queue").await);
    for (error, of_sns, of_sqs) in ERRORS {
        place.proxy.set(Weather::clear().refuse(Refusal::of(error)));
        let said = publish(&place.sns, &topic, "text", "a").send().await.unwrap_err();
        let status = said.raw_response().unwrap().status().as_u16();
        assert_eq!((status, code(&said).as_deref()), (of_sns.0, Some(of_sns.1)), "{error:?}");
        assert_eq!(said.request_id(), Some("weather"));
        let said = place.sqs.send_message().queue_url(&queue).message_body("text").send().await.unwrap_err();
        let status = said.raw_response().unwrap().status().as_u16();
        assert_eq!((status, code(&said).as_deref()), (of_sqs.0, Some(of_sqs.1)), "{error:?}");
        assert_eq!(said.request_id(), Some("weather"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_sdk_knows_the_kinds_of_error() {
    let Some(place) = Place::new().await else { return };
    let (topic, queue) = (place.topic().await, place.queue("queue").await);
    let published = async |error| {
        place.proxy.set(Weather::clear().refuse(Refusal::of(error)));
        publish(&place.sns, &topic, "text", "a").send().await.unwrap_err().into_service_error()
    };
    assert!(published(ServiceError::AccessDenied).await.is_authorization_error_exception());
    assert!(published(ServiceError::NotFound).await.is_not_found_exception());
    assert!(published(ServiceError::KmsDisabled).await.is_kms_disabled_exception());
    let received = async |error| {
        place.proxy.set(Weather::clear().refuse(Refusal::of(error)));
        place.sqs.receive_message().queue_url(&queue).send().await.unwrap_err().into_service_error()
    };
    assert!(received(ServiceError::NotFound).await.is_queue_does_not_exist());
    assert!(received(ServiceError::KmsAccessDenied).await.is_kms_access_denied());
    assert!(received(ServiceError::Throttling).await.is_request_throttled());
}

#[tokio::test(start_paused = true)]
async fn a_queue_and_a_topic_are_gone_for_a_while() {
    let Some(place) = Place::new().await else { return };
    let (topic, queue) = (place.topic().await, place.queue("queue").await);
    let gone = |operations: &str| Refusal::of(ServiceError::NotFound).on([operations]).lasting(seconds(10.0));
    place.proxy.set(Weather::clear().refuse(gone("sqs:*")).refuse(gone("sns:Publish")));
    let send = || place.sqs.send_message().queue_url(&queue).message_body("text").send();
    let publish = || publish(&place.sns, &topic, "text", "a").send();
    assert!(send().await.unwrap_err().into_service_error().is_queue_does_not_exist());
    assert!(publish().await.unwrap_err().into_service_error().is_not_found_exception());
    place.sns.get_topic_attributes().topic_arn(&topic).send().await.unwrap();
    tokio::time::advance(seconds(10.1)).await;
    send().await.unwrap();
    publish().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_only_dynamodb_says_does_not_strike_others() {
    let Some(place) = Place::new().await else { return };
    let queue = place.queue("queue").await;
    place.proxy.set(Weather::clear().refuse(Refusal::of(ServiceError::TransactionConflict)));
    place.sqs.send_message().queue_url(&queue).message_body("text").send().await.unwrap();
}
