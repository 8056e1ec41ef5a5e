//! What a caller tries with another's task: nothing of it works, and the task looks absent.

use a2a::{A2AError, CancelTaskRequest, GetTaskRequest, SubscribeToTaskRequest, error_code};
use a2a_core::{TaskKey, Tenant};
use a2a_server::RequestHandler;

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
                0 => {
                    let request = GetTaskRequest { id: id.clone(), history_length: None, tenant: None };
                    handler.get_task(params, request).await.map(drop)
                }
                1 => {
                    let request = CancelTaskRequest { id: id.clone(), metadata: None, tenant: None };
                    handler.cancel_task(params, request).await.map(drop)
                }
                2 => {
                    let request = SubscribeToTaskRequest { id: id.clone(), tenant: None };
                    handler.subscribe_to_task(params, request).await.map(drop)
                }
                3 => handler.send_message(params, request.clone()).await.map(drop),
                _ => handler.send_streaming_message(params, request.clone()).await.map(drop),
            }
        };
        if let Some(answer) = self.ask(rng, call).await {
            let error = answer.expect_err("nobody sees another caller's task");
            // Where the store cannot be read, that may come first.
            let key = TaskKey::new(Tenant::default(), id.clone());
            let may_fail = !self.fleet.plan.calm || self.fleet.spoilt.borrow().contains_key(&key);
            let fails = error.code == error_code::INTERNAL_ERROR && may_fail;
            assert!(looks_absent(&error) || fails, "{what}: another's task is not there: {error:?}");
        }
    }
}

fn looks_absent(error: &A2AError) -> bool {
    error.code == error_code::TASK_NOT_FOUND
}
