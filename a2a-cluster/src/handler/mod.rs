//! The SDK's `RequestHandler`: each operation of the specification, on whichever instance it lands.

mod card;
mod check;
mod duplicate;
mod fingerprint;
mod push;
mod read;
mod send;
mod subscribe;

use std::sync::Arc;

use a2a::{
    A2AError, AgentCard, CancelTaskRequest, DeleteTaskPushNotificationConfigRequest,
    GetExtendedAgentCardRequest, GetTaskPushNotificationConfigRequest, GetTaskRequest,
    ListTaskPushNotificationConfigsRequest, ListTaskPushNotificationConfigsResponse, ListTasksRequest,
    ListTasksResponse, SendMessageRequest, SendMessageResponse, StreamResponse, SubscribeToTaskRequest, Task,
    TaskPushNotificationConfig,
};
use a2a_server::{RequestHandler, ServiceParams};
use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::cancel;
use crate::instance::Instance;
use crate::telemetry::operation;

/// Serves A2A requests for one instance of a cluster.
///
/// Give it to the SDK's transports, or to [`bindings`](crate::bindings), which keep the specification where
/// those do not.
#[derive(Debug, Clone)]
pub struct ClusterHandler {
    pub(crate) instance: Arc<Instance>,
}

#[async_trait]
impl RequestHandler for ClusterHandler {
    async fn send_message(
        &self,
        params: &ServiceParams,
        req: SendMessageRequest,
    ) -> Result<SendMessageResponse, A2AError> {
        let sending = send::blocking(&self.instance, params, req);
        operation(&self.instance, "SendMessage", params, sending).await
    }

    async fn send_streaming_message(
        &self,
        params: &ServiceParams,
        req: SendMessageRequest,
    ) -> Result<BoxStream<'static, Result<StreamResponse, A2AError>>, A2AError> {
        check::streaming(&self.instance.card)?;
        let sending = send::streaming(&self.instance, params, req);
        operation(&self.instance, "SendStreamingMessage", params, sending).await
    }

    async fn get_task(&self, params: &ServiceParams, req: GetTaskRequest) -> Result<Task, A2AError> {
        let reading = read::get(&self.instance, params, req);
        operation(&self.instance, "GetTask", params, reading).await
    }

    async fn list_tasks(
        &self,
        params: &ServiceParams,
        req: ListTasksRequest,
    ) -> Result<ListTasksResponse, A2AError> {
        let reading = read::list(&self.instance, params, req);
        operation(&self.instance, "ListTasks", params, reading).await
    }

    async fn cancel_task(&self, params: &ServiceParams, req: CancelTaskRequest) -> Result<Task, A2AError> {
        let cancelling = async {
            let caller = check::caller(&self.instance, params, req.tenant.as_deref())?;
            let head = check::own_task(&self.instance, &caller, &req.id).await?;
            if head.state.is_terminal() && head.state != a2a::TaskState::Canceled {
                return Err(A2AError::task_not_cancelable(&req.id));
            }
            cancel::cancel(&self.instance, &caller.key(&req.id)).await
        };
        operation(&self.instance, "CancelTask", params, cancelling).await
    }

    async fn subscribe_to_task(
        &self,
        params: &ServiceParams,
        req: SubscribeToTaskRequest,
    ) -> Result<BoxStream<'static, Result<StreamResponse, A2AError>>, A2AError> {
        let subscribing = subscribe::stream(&self.instance, params, req);
        operation(&self.instance, "SubscribeToTask", params, subscribing).await
    }

    async fn create_push_config(
        &self,
        params: &ServiceParams,
        req: TaskPushNotificationConfig,
    ) -> Result<TaskPushNotificationConfig, A2AError> {
        let creating = push::create(&self.instance, params, req);
        operation(&self.instance, "CreateTaskPushNotificationConfig", params, creating).await
    }

    async fn get_push_config(
        &self,
        params: &ServiceParams,
        req: GetTaskPushNotificationConfigRequest,
    ) -> Result<TaskPushNotificationConfig, A2AError> {
        let reading = push::get(&self.instance, params, req);
        operation(&self.instance, "GetTaskPushNotificationConfig", params, reading).await
    }

    async fn list_push_configs(
        &self,
        params: &ServiceParams,
        req: ListTaskPushNotificationConfigsRequest,
    ) -> Result<ListTaskPushNotificationConfigsResponse, A2AError> {
        let reading = push::list(&self.instance, params, req);
        operation(&self.instance, "ListTaskPushNotificationConfigs", params, reading).await
    }

    async fn delete_push_config(
        &self,
        params: &ServiceParams,
        req: DeleteTaskPushNotificationConfigRequest,
    ) -> Result<(), A2AError> {
        let deleting = push::delete(&self.instance, params, req);
        operation(&self.instance, "DeleteTaskPushNotificationConfig", params, deleting).await
    }

    async fn get_extended_agent_card(
        &self,
        params: &ServiceParams,
        req: GetExtendedAgentCardRequest,
    ) -> Result<AgentCard, A2AError> {
        check::caller(&self.instance, params, req.tenant.as_deref())?;
        card::extended(&self.instance, params)
    }
}
