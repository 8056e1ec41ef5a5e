//! What every scenario needs: a fleet, a client of it by one binding, and the requests in one line each.

use std::ops::Deref;

use a2a_testworld::{Binding, Fleet, Plan};

pub(crate) use integration_tests::client::{
    TestClient, configuration, everything, history, next, outline, replying, rest, saying, soon, task, texts,
};

/// Where a scenario is played.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) binding: Binding,
    pub(crate) instances: usize,
}

impl Place {
    pub(crate) async fn stage(self) -> Stage {
        self.stage_of(|plan| plan).await
    }

    pub(crate) async fn stage_of(self, change: impl FnOnce(Plan) -> Plan) -> Stage {
        let fleet = change(Plan::of(self.instances)).start().await;
        let client = TestClient { sdk: fleet.client(self.binding, None).await };
        Stage { fleet, client }
    }
}

/// Plays a scenario on three instances, and on one: whatever it says must hold for both.
pub(crate) async fn on_three_and_on_one<F: Future<Output = ()>>(binding: Binding, play: impl Fn(Place) -> F) {
    for instances in [3, 1] {
        play(Place { binding, instances }).await;
    }
}

/// Makes a scenario a test by every binding.
macro_rules! on_every_binding {
    ($(async fn $name:ident($place:ident) $body:block)*) => {
        $(mod $name {
            #[allow(unused_imports)]
            use super::*;
            use crate::behind_a_proxy::stage::{Place, on_three_and_on_one};
            use a2a_testworld::Binding;

            async fn holds($place: Place) $body

            #[tokio::test]
            async fn by_json_rpc() {
                on_three_and_on_one(Binding::JsonRpc, holds).await;
            }

            #[tokio::test]
            async fn by_rest() {
                on_three_and_on_one(Binding::Rest, holds).await;
            }

            #[tokio::test]
            async fn by_grpc() {
                on_three_and_on_one(Binding::Grpc, holds).await;
            }
        })*
    };
}
pub(crate) use on_every_binding;

/// A fleet, and its client.
pub(crate) struct Stage {
    pub(crate) fleet: Fleet,
    pub(crate) client: TestClient,
}

impl Deref for Stage {
    type Target = TestClient;

    fn deref(&self) -> &TestClient {
        &self.client
    }
}

impl Stage {
    pub(crate) async fn leave(self) {
        self.fleet.shutdown().await;
    }
}
