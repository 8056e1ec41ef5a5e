//! What a caller tries with another's task: nothing of it works, and the task looks absent.

use a2a::{A2AError, error_code};
use a2a_server::RequestHandler;
use a2a_testworld::world::{cancel, get, key, subscribe};

use crate::client::Client;
use crate::fleet::Node;
use crate::words::to_task;

impl Client {
    /// Tries something with a task of another caller.
    pub(crate) async fn trespass(&self, rng: &mut fastrand::Rng) {
        let Some(id) = self.foreign_task(rng) else { return };
        let what = rng.u8(0..5);
        let request = to_task(rng, &self.fleet, &id);
        let call = async |node: &Node| {
            let (handler, params) = (&node.handler, &self.params);
            match what {
                0 => handler.get_task(params, get(&id)).await.map(drop),
                1 => handler.cancel_task(params, cancel(&id)).await.map(drop),
                2 => handler.subscribe_to_task(params, subscribe(&id)).await.map(drop),
                3 => handler.send_message(params, request.clone()).await.map(drop),
                _ => handler.send_streaming_message(params, request.clone()).await.map(drop),
            }
        };
        if let Some(answer) = self.ask(rng, call).await {
            let error = answer.expect_err("nobody sees another caller's task");
            // Where the store cannot be read, that may come first.
            let key = key(&id);
            let may_fail = !self.fleet.plan.calm || self.fleet.spoilt.borrow().contains_key(&key);
            let fails = error.code == error_code::INTERNAL_ERROR && may_fail;
            assert!(looks_absent(&error) || fails, "{what}: another's task is not there: {error:?}");
        }
    }
}

fn looks_absent(error: &A2AError) -> bool {
    error.code == error_code::TASK_NOT_FOUND
}
