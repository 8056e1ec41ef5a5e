//! The SDK's `RequestHandler`: each operation of the specification, on whichever instance it lands.

mod cancel;
mod card;
mod check;
mod idempotency;
mod new_task;
mod push;
mod read;
mod send;
mod subscribe;
mod turn;

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use a2a::{
    A2AError, AgentCard, CancelTaskRequest, DeleteTaskPushNotificationConfigRequest,
    GetExtendedAgentCardRequest, GetTaskPushNotificationConfigRequest, GetTaskRequest,
    ListTaskPushNotificationConfigsRequest, ListTaskPushNotificationConfigsResponse, ListTasksRequest,
    ListTasksResponse, SendMessageRequest, SendMessageResponse, StreamResponse, SubscribeToTaskRequest, Task,
    TaskPushNotificationConfig,
};
use a2a_core::Tenant;
use a2a_server::{RequestHandler, ServiceParams};
use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use tokio::time::timeout;

use crate::admission::Held;
use crate::caller::{Caller, CallerResolver, TenantCaller};
use crate::ground::give_way;
use crate::ground::refusals::unavailable;
use crate::ground::telemetry::operation;
use crate::instance::{Current, Instance};
use crate::position::{PositionedEvent, PositionedEvents, PositionedStreams};

/// Serves A2A requests for one instance of a cluster.
///
/// Give it to the SDK's transports, or to those of `a2a-serve`, which keep the specification where those do not.
#[derive(Debug, Clone)]
pub struct ClusterHandler {
    current: Arc<Current>,
    /// Who calls, where that is known already.
    caller: Option<Caller>,
    /// What one request holds until an agent has its message.
    held: Option<Arc<Mutex<Option<Held>>>>,
}

impl ClusterHandler {
    pub(crate) fn new(current: Arc<Current>) -> Self {
        ClusterHandler { current, caller: None, held: None }
    }

    /// Answers with a handler for one request, for which something is held: room for its bytes, for instance. It is dropped once
    /// an agent has the message that the request sends, however long the agent works, and else with the handler. For transports
    /// that bound what all requests hold together.
    #[must_use]
    pub fn holding(&self, held: impl Any + Send) -> Self {
        let held: Held = Box::new(held);
        ClusterHandler { held: Some(Arc::new(Mutex::new(Some(held)))), ..self.clone() }
    }

    /// Passes on what is held for the request.
    fn held(&self) -> Option<Held> {
        self.held.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Finds out who calls, and answers with the handler for this caller: it does not ask again. For transports, before they
    /// read what is asked for. Cancel safe.
    ///
    /// # Errors
    ///
    /// What the [`CallerResolver`](crate::CallerResolver) says, and `InvalidParams` for a name of more than
    /// [`Principal::MAX_BYTES`](a2a_core::Principal::MAX_BYTES). Without a resolver, everybody is one caller.
    pub async fn for_caller(self: &Arc<Self>, params: &ServiceParams) -> Result<Arc<Self>, A2AError> {
        match (&self.caller, &self.current.get().service.callers) {
            (None, Some(callers)) => {
                let caller = Some(resolve(&self.current.get(), &**callers, params).await?);
                Ok(Arc::new(ClusterHandler { current: Arc::clone(&self.current), caller, held: None }))
            }
            _ => Ok(Arc::clone(self)),
        }
    }

    /// Every operation begins here: who asks, in which tenant, and whether they declare what the card requires.
    async fn caller(
        &self,
        instance: &Instance,
        params: &ServiceParams,
        tenant: Option<&str>,
    ) -> Result<TenantCaller, A2AError> {
        let callers = instance.service.callers.as_deref();
        let caller = match (&self.caller, callers) {
            (Some(known), _) => known.clone(),
            (None, Some(callers)) => resolve(instance, callers, params).await?,
            (None, None) => Caller::default(),
        };
        check::required_extensions(&instance.service.card, params)?;
        let requested = tenant.unwrap_or_default();
        check::tenant(requested, &instance.ground.config)?;
        let tenant = match callers {
            Some(callers) => callers.tenant(&caller, requested)?,
            None => Tenant::new(requested),
        };
        Ok(TenantCaller::new(tenant, caller))
    }

    async fn send_stream(
        &self,
        params: &ServiceParams,
        req: SendMessageRequest,
    ) -> Result<impl Stream<Item = Result<PositionedEvent, A2AError>> + Send + use<>, A2AError> {
        let instance = self.current.get();
        let caller = self.caller(&instance, params, req.tenant.as_deref()).await?;
        give_way().await;
        let sending = send::streaming(&instance, params, caller, req, self.held());
        operation(&instance.ground, "SendStreamingMessage", params, sending).await
    }

    async fn subscription(
        &self,
        params: &ServiceParams,
        req: SubscribeToTaskRequest,
    ) -> Result<impl Stream<Item = Result<PositionedEvent, A2AError>> + Send + use<>, A2AError> {
        let instance = self.current.get();
        let caller = self.caller(&instance, params, req.tenant.as_deref()).await?;
        let subscribing = subscribe::stream(&instance, params, caller, req);
        operation(&instance.ground, "SubscribeToTask", params, subscribing).await
    }
}

/// Asks who calls, for as long as a caller waits for anything.
async fn resolve(
    instance: &Instance,
    callers: &dyn CallerResolver,
    params: &ServiceParams,
) -> Result<Caller, A2AError> {
    let patience = instance.ground.config.request_patience;
    let resolved = timeout(patience, callers.resolve(params)).await;
    check::nameable(resolved.unwrap_or_else(|_| Err(unavailable(patience)))?)
}

/// A stream without its positions.
fn events(
    positioned: impl Stream<Item = Result<PositionedEvent, A2AError>> + Send + 'static,
) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
    positioned.map(|shown| shown.map(|shown| shown.event)).boxed()
}

#[async_trait]
impl PositionedStreams for ClusterHandler {
    async fn send_positioned(
        &self,
        params: &ServiceParams,
        req: SendMessageRequest,
    ) -> Result<PositionedEvents, A2AError> {
        Ok(self.send_stream(params, req).await?.boxed())
    }

    async fn subscribe_positioned(
        &self,
        params: &ServiceParams,
        req: SubscribeToTaskRequest,
    ) -> Result<PositionedEvents, A2AError> {
        Ok(self.subscription(params, req).await?.boxed())
    }
}

#[async_trait]
impl RequestHandler for ClusterHandler {
    async fn send_message(
        &self,
        params: &ServiceParams,
        req: SendMessageRequest,
    ) -> Result<SendMessageResponse, A2AError> {
        let instance = self.current.get();
        let caller = self.caller(&instance, params, req.tenant.as_deref()).await?;
        // Requests that came together are read first, then worked on together: decision 0021.
        give_way().await;
        let sending = send::blocking(&instance, params, caller, req, self.held());
        operation(&instance.ground, "SendMessage", params, sending).await
    }

    async fn send_streaming_message(
        &self,
        params: &ServiceParams,
        req: SendMessageRequest,
    ) -> Result<BoxStream<'static, Result<StreamResponse, A2AError>>, A2AError> {
        Ok(events(self.send_stream(params, req).await?))
    }

    async fn get_task(&self, params: &ServiceParams, req: GetTaskRequest) -> Result<Task, A2AError> {
        let instance = self.current.get();
        let caller = self.caller(&instance, params, req.tenant.as_deref()).await?;
        let reading = read::get(&instance, caller, req);
        operation(&instance.ground, "GetTask", params, reading).await
    }

    async fn list_tasks(
        &self,
        params: &ServiceParams,
        req: ListTasksRequest,
    ) -> Result<ListTasksResponse, A2AError> {
        let instance = self.current.get();
        let caller = self.caller(&instance, params, req.tenant.as_deref()).await?;
        let reading = read::list(&instance, caller, req);
        operation(&instance.ground, "ListTasks", params, reading).await
    }

    async fn cancel_task(&self, params: &ServiceParams, req: CancelTaskRequest) -> Result<Task, A2AError> {
        let instance = self.current.get();
        let caller = self.caller(&instance, params, req.tenant.as_deref()).await?;
        let cancelling = cancel::cancel(&instance, params, caller, req);
        operation(&instance.ground, "CancelTask", params, cancelling).await
    }

    async fn subscribe_to_task(
        &self,
        params: &ServiceParams,
        req: SubscribeToTaskRequest,
    ) -> Result<BoxStream<'static, Result<StreamResponse, A2AError>>, A2AError> {
        Ok(events(self.subscription(params, req).await?))
    }

    async fn create_push_config(
        &self,
        params: &ServiceParams,
        req: TaskPushNotificationConfig,
    ) -> Result<TaskPushNotificationConfig, A2AError> {
        let instance = self.current.get();
        let caller = self.caller(&instance, params, req.tenant.as_deref()).await?;
        let creating = push::create(&instance, caller, req);
        operation(&instance.ground, "CreateTaskPushNotificationConfig", params, creating).await
    }

    async fn get_push_config(
        &self,
        params: &ServiceParams,
        req: GetTaskPushNotificationConfigRequest,
    ) -> Result<TaskPushNotificationConfig, A2AError> {
        let instance = self.current.get();
        let caller = self.caller(&instance, params, req.tenant.as_deref()).await?;
        let reading = push::get(&instance, caller, req);
        operation(&instance.ground, "GetTaskPushNotificationConfig", params, reading).await
    }

    async fn list_push_configs(
        &self,
        params: &ServiceParams,
        req: ListTaskPushNotificationConfigsRequest,
    ) -> Result<ListTaskPushNotificationConfigsResponse, A2AError> {
        let instance = self.current.get();
        let caller = self.caller(&instance, params, req.tenant.as_deref()).await?;
        let reading = push::list(&instance, caller, req);
        operation(&instance.ground, "ListTaskPushNotificationConfigs", params, reading).await
    }

    async fn delete_push_config(
        &self,
        params: &ServiceParams,
        req: DeleteTaskPushNotificationConfigRequest,
    ) -> Result<(), A2AError> {
        let instance = self.current.get();
        let caller = self.caller(&instance, params, req.tenant.as_deref()).await?;
        let deleting = push::delete(&instance, caller, req);
        operation(&instance.ground, "DeleteTaskPushNotificationConfig", params, deleting).await
    }

    async fn get_extended_agent_card(
        &self,
        params: &ServiceParams,
        req: GetExtendedAgentCardRequest,
    ) -> Result<AgentCard, A2AError> {
        let instance = self.current.get();
        let caller = self.caller(&instance, params, req.tenant.as_deref()).await?;
        card::extended(&instance, params, &caller)
    }
}
