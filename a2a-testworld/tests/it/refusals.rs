//! Permissions, credentials, keys, and errors of the service itself.

use a2a_testworld::weather::{Refusal, ServiceError, Weather};

use crate::place::{Place, TABLE, item, key, seconds};

#[tokio::test(start_paused = true)]
async fn an_action_is_denied_for_a_while_and_then_not() {
    let place = Place::new().await;
    let denied = Refusal::of(ServiceError::AccessDenied).on(["PutItem"]).lasting(seconds(10.0));
    place.proxy.set(Weather::clear().refuse(denied));
    let put = || place.put(item("p", "1", &[]));
    assert_eq!(put().await.unwrap_err().code.as_deref(), Some("AccessDeniedException"));
    place.client.get_item().table_name(TABLE).set_key(Some(key("p", "1"))).send().await.unwrap();
    tokio::time::advance(seconds(9.9)).await;
    put().await.unwrap_err();
    assert!(place.has("p", "1").await.is_none());
    tokio::time::advance(seconds(0.2)).await;
    put().await.unwrap();
    let outcomes = place.counts().operation("PutItem");
    assert_eq!((outcomes.requests, outcomes.refused, outcomes.succeeded), (3, 2, 1));
    assert_eq!(place.counts().table(TABLE).units.written, 1.0);
}

#[tokio::test(start_paused = true)]
async fn everything_is_denied_from_now_on_until_the_weather_changes() {
    let place = Place::new().await;
    place.proxy.set(Weather::clear().refuse(Refusal::of(ServiceError::AccessDenied)));
    tokio::time::advance(seconds(100_000.0)).await;
    place.put(item("p", "1", &[])).await.unwrap_err();
    place.client.describe_table().table_name(TABLE).send().await.unwrap_err();
    place.proxy.set(Weather::clear());
    place.put(item("p", "1", &[])).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn errors_have_the_names_of_aws() {
    let place = Place::new().await;
    let names = [
        (ServiceError::ExpiredToken, "ExpiredTokenException"),
        (ServiceError::UnrecognizedClient, "UnrecognizedClientException"),
        (ServiceError::KmsAccessDenied, "AccessDeniedException"),
        (ServiceError::KmsDisabled, "KMSDisabledException"),
        (ServiceError::InternalServerError, "InternalServerError"),
        (ServiceError::ServiceUnavailable, "ServiceUnavailable"),
        (ServiceError::Throttling, "ThrottlingException"),
        (ServiceError::ProvisionedThroughputExceeded, "ProvisionedThroughputExceededException"),
        (ServiceError::RequestLimitExceeded, "RequestLimitExceeded"),
        (ServiceError::TransactionConflict, "TransactionConflictException"),
    ];
    for (error, name) in names {
        place.proxy.set(Weather::clear().refuse(Refusal::of(error)));
        assert_eq!(place.put(item("p", "1", &[])).await.unwrap_err().code.as_deref(), Some(name));
    }
}

#[tokio::test(start_paused = true)]
async fn half_of_the_writes_that_get_a_500_were_applied() {
    let place = Place::new().await;
    place.proxy.set(Weather::clear().refuse(Refusal::of(ServiceError::InternalServerError)));
    let mut applied = 0;
    for n in 0..60 {
        place.put(item("p", &n.to_string(), &[])).await.unwrap_err();
        applied += u64::from(place.has("p", &n.to_string()).await.is_some());
    }
    assert!((15..=45).contains(&applied), "{applied} of 60");
    let counts = place.counts();
    assert_eq!(counts.operation("PutItem").refused_after_applying, applied);
    assert_eq!(counts.table(TABLE).units.written, 1.0 * applied as f64);
}

#[tokio::test(start_paused = true)]
async fn transactions_say_throttling_and_conflicts_in_their_own_way() {
    let place = Place::new().await;
    let codes = [
        (ServiceError::Throttling, "ThrottlingError"),
        (ServiceError::TransactionConflict, "TransactionConflict"),
    ];
    for (error, code) in codes {
        place.proxy.set(Weather::clear().refuse(Refusal::of(error)));
        let get = |sk: &str| {
            let get = aws_sdk_dynamodb::types::Get::builder().table_name(TABLE).set_key(Some(key("p", sk)));
            aws_sdk_dynamodb::types::TransactGetItem::builder().get(get.build().unwrap()).build()
        };
        let sent =
            place.client.transact_get_items().transact_items(get("1")).transact_items(get("2")).send().await;
        let error = sent.unwrap_err().into_service_error();
        let aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError::TransactionCanceledException(cancelled) = error
        else {
            panic!("{error:?}")
        };
        let codes: Vec<_> =
            cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap()).collect();
        assert_eq!(codes, [code, "None"]);
    }
}
