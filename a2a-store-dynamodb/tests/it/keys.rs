//! Keys over a bad network: whatever answers are lost, one is made, and one renewal counts.

use a2a_core::{Deployment, Keys, Result};
use a2a_store_dynamodb::{DynamoDbConfig, DynamoDbStore};
use futures::future::join_all;

use crate::place::Place;
use crate::place::faults::BadNetwork;

/// Asks until it is told.
async fn told(call: impl AsyncFn() -> Result<Keys>) -> Keys {
    loop {
        match call().await {
            Ok(keys) => return keys,
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
    }
}

#[test]
fn of_many_who_make_and_renew_a_key_over_a_network_that_loses_answers_one_does() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let mut stores = Vec::new();
        for seed in 0..8 {
            let network = BadNetwork::new(seed, 10, 40);
            let client = place.client_with(|builder| builder.interceptor(network)).await;
            let store = DynamoDbStore::with_client(client, &place.table);
            stores.push(store.with_config(DynamoDbConfig::default().attempts(2)));
        }
        let made = join_all(
            stores
                .iter()
                .zip(1_u8..)
                .map(async |(store, secret)| told(async || store.keys("bus", [secret; 32]).await).await),
        );
        let made = made.await;
        assert!(made.iter().all(|keys| *keys == made[0] && keys.current.number == 1), "{made:?}");
        for number in 1..5 {
            let before = told(async || stores[0].keys("bus", [0; 32]).await).await;
            let renewed = join_all(stores.iter().zip(100_u8..).map(async |(store, secret)| {
                told(async || store.renew_key("bus", number, [secret; 32]).await).await
            }));
            let renewed = renewed.await;
            assert!(renewed.iter().all(|keys| *keys == renewed[0]), "{renewed:?}");
            assert_eq!(renewed[0].current.number, number + 1);
            assert_eq!(renewed[0].previous, Some(before.current));
        }
    });
}
