//! The scenarios of several instances, on each kind of backends.

/// Everything in this process.
mod memory {
    use a2a_testworld::backends::InMemory;

    async fn create() -> Option<InMemory> {
        Some(InMemory::default())
    }

    integration_tests::scenarios!(crate::scenarios::memory::create);
}

/// DynamoDB, SNS and SQS.
mod aws {
    integration_tests::scenarios!(integration_tests::backends::OnAws::create);
}

/// DynamoDB, and a bus in this process.
mod store_on_aws {
    integration_tests::fair_weather_scenarios!(integration_tests::backends::StoreOnAws::create);
}

/// SNS and SQS, and a store in this process.
mod traffic_on_aws {
    integration_tests::fair_weather_scenarios!(integration_tests::backends::TrafficOnAws::create);
}

/// DynamoDB, and no bus.
mod dynamodb_without_a_bus {
    use a2a_testworld::backends::WithoutABus;
    use integration_tests::backends::StoreOnAws;

    async fn create() -> Option<WithoutABus<StoreOnAws>> {
        StoreOnAws::create().await.map(WithoutABus)
    }

    integration_tests::single_fault_scenarios!(crate::scenarios::dynamodb_without_a_bus::create);
}
