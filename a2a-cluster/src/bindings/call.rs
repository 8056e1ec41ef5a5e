//! Hands a handler what the SDK's HTTP transports have no room for, and takes from it what they would write slowly or
//! flatten.
//!
//! The transports call the handler inside the future that serves the request. A task-local value therefore reaches
//! exactly that call, without a header that a client could forge. What the handler answers with, if it is a task, a
//! message or a stream of them, is laid aside there, and the transport's future ends at that point.

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use a2a::*;
use a2a_server::RequestHandler;
use a2a_server::middleware::ServiceParams;
use async_trait::async_trait;
use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use futures::FutureExt;
use futures::stream::BoxStream;
use serde::Serialize;
use tower::Service;

use super::unavailable::{is_unauthenticated, retry_after};
use super::violations::Violations;
use crate::ground::give_way;

tokio::task_local! {
    static CALL: Call;
}

/// One HTTP request on its way to the handler. Boxed is what few requests have: this is part of every request's future.
#[derive(Default)]
pub(super) struct Call {
    /// The tenant that the URL names.
    pub(super) tenant: Option<String>,
    /// The body of a REST cancel.
    pub(super) cancel: RefCell<Option<Box<CancelTaskRequest>>>,
    aside: RefCell<Aside>,
}

/// What the handler says beside what the transport writes, or instead of it.
#[derive(Default)]
struct Aside {
    fault: Option<Box<A2AError>>,
    content: Option<Content>,
}

/// An answer that is ours to write. The SDK's own types write it in one pass; its transports turn it into protobuf, that
/// into bytes, those into another protobuf, and that into a JSON value, which they then write.
pub(super) enum Content {
    Whole(Box<Whole>),
    Events(Events),
}

/// An answer that is no stream.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Whole {
    Sent(SendMessageResponse),
    Task(Task),
    /// With all of its required fields, which the transports leave out where they are at their defaults.
    Page(ListTasksResponse),
}

impl From<Whole> for Content {
    fn from(whole: Whole) -> Self {
        Content::Whole(Box::new(whole))
    }
}

/// What became of a request.
pub(super) enum Answer {
    /// The SDK's transport has answered it.
    Written(Response),
    /// So it has, with an error that HTTP has its own form for.
    Fault(Response, Box<A2AError>),
    /// The handler has answered it, and that is to be written.
    Unwritten(Content),
}

impl Call {
    pub(super) fn for_tenant(tenant: Option<String>) -> Self {
        Self { tenant, ..Self::default() }
    }

    /// Lets the SDK answer `request` with this call around it, up to an answer that is ours to write.
    ///
    /// Cancel safe as far as the handler is: dropping the future drops the handler's.
    ///
    /// Without an async block, which would keep each future that it awaits twice: this one is part of the future
    /// that is allocated for every request.
    pub(super) fn answered_by(self, sdk: &Router, request: Request) -> impl Future<Output = Answer> + use<> {
        let mut response = sdk.clone().call(request);
        let answer = poll_fn(move |context| {
            let response = response.poll_unpin(context);
            let Aside { fault, content } = CALL.with(|call| call.aside.take());
            match (response, fault, content) {
                (_, _, Some(content)) => Poll::Ready(Answer::Unwritten(content)),
                (Poll::Ready(Ok(response)), Some(fault), _) => Poll::Ready(Answer::Fault(response, fault)),
                (Poll::Ready(Ok(response)), None, _) => Poll::Ready(Answer::Written(response)),
                (Poll::Pending, ..) => Poll::Pending,
            }
        });
        CALL.scope(self, answer)
    }
}

/// Says something beside an answer. Outside of a call there is nobody to tell.
fn say(what: impl FnOnce(&mut Aside)) {
    let _ = CALL.try_with(|call| what(&mut call.aside.borrow_mut()));
}

/// Remembers an error that the transport behind would flatten.
fn noted<T>(result: Result<T, A2AError>) -> Result<T, A2AError> {
    if let Err(error) = &result
        && (retry_after(error).is_some() || is_unauthenticated(error))
    {
        say(|aside| aside.fault = Some(Box::new(error.clone())));
    }
    result
}

/// Lays an answer aside, and does not return to the transport, which would write it.
async fn laid_aside<T>(answer: Result<T, A2AError>, content: fn(T) -> Content) -> Result<T, A2AError> {
    let content = content(noted(answer)?);
    say(|aside| aside.content = Some(content));
    pending().await
}

/// Puts the URL's tenant into a request, which may repeat it but not contradict it.
fn fill(tenant: &mut Option<String>) -> Result<(), A2AError> {
    let named = CALL.try_with(|call| call.tenant.clone()).ok().flatten();
    let Some(named) = named else { return Ok(()) };
    match tenant.as_deref() {
        None | Some("") => *tenant = Some(named),
        Some(given) if given == named => {}
        Some(_) => {
            return Err(A2AError::invalid_params("the tenant in the request is not the one in its URL"));
        }
    }
    Ok(())
}

/// The handler as the SDK's HTTP transports see it.
#[derive(Debug)]
pub(super) struct HttpCalls<H>(Arc<H>);

impl<H> HttpCalls<H> {
    pub(super) fn new(handler: Arc<H>) -> Self {
        Self(handler)
    }
}

pub(super) type Events = BoxStream<'static, Result<StreamResponse, A2AError>>;

#[async_trait]
impl<H: RequestHandler> RequestHandler for HttpCalls<H> {
    async fn send_message(
        &self,
        params: &ServiceParams,
        mut request: SendMessageRequest,
    ) -> Result<SendMessageResponse, A2AError> {
        fill(&mut request.tenant)?;
        // Requests that came together are read first, then worked on together: decision 0021.
        give_way().await;
        laid_aside(self.0.send_message(params, request).await, |sent| Whole::Sent(sent).into()).await
    }

    async fn send_streaming_message(
        &self,
        params: &ServiceParams,
        mut request: SendMessageRequest,
    ) -> Result<Events, A2AError> {
        fill(&mut request.tenant)?;
        give_way().await;
        laid_aside(self.0.send_streaming_message(params, request).await, Content::Events).await
    }

    async fn get_task(&self, params: &ServiceParams, mut request: GetTaskRequest) -> Result<Task, A2AError> {
        fill(&mut request.tenant)?;
        laid_aside(self.0.get_task(params, request).await, |task| Whole::Task(task).into()).await
    }

    async fn list_tasks(
        &self,
        params: &ServiceParams,
        mut request: ListTasksRequest,
    ) -> Result<ListTasksResponse, A2AError> {
        fill(&mut request.tenant)?;
        let mut violations = Violations::default();
        if let Some(size) = request.page_size {
            violations.page_size(size.into());
        }
        if request.status == Some(TaskState::Unspecified) {
            violations.unspecified_status();
        }
        violations.into_result()?;
        laid_aside(self.0.list_tasks(params, request).await, |page| Whole::Page(page).into()).await
    }

    async fn cancel_task(
        &self,
        params: &ServiceParams,
        mut request: CancelTaskRequest,
    ) -> Result<Task, A2AError> {
        fill(&mut request.tenant)?;
        if request.metadata.is_none() {
            let body = CALL.try_with(|call| call.cancel.take()).ok().flatten();
            request.metadata = body.and_then(|body| body.metadata);
        }
        laid_aside(self.0.cancel_task(params, request).await, |task| Whole::Task(task).into()).await
    }

    async fn subscribe_to_task(
        &self,
        params: &ServiceParams,
        mut request: SubscribeToTaskRequest,
    ) -> Result<Events, A2AError> {
        fill(&mut request.tenant)?;
        laid_aside(self.0.subscribe_to_task(params, request).await, Content::Events).await
    }

    async fn create_push_config(
        &self,
        params: &ServiceParams,
        mut request: TaskPushNotificationConfig,
    ) -> Result<TaskPushNotificationConfig, A2AError> {
        fill(&mut request.tenant)?;
        noted(self.0.create_push_config(params, request).await)
    }

    async fn get_push_config(
        &self,
        params: &ServiceParams,
        mut request: GetTaskPushNotificationConfigRequest,
    ) -> Result<TaskPushNotificationConfig, A2AError> {
        fill(&mut request.tenant)?;
        noted(self.0.get_push_config(params, request).await)
    }

    async fn list_push_configs(
        &self,
        params: &ServiceParams,
        mut request: ListTaskPushNotificationConfigsRequest,
    ) -> Result<ListTaskPushNotificationConfigsResponse, A2AError> {
        fill(&mut request.tenant)?;
        let mut violations = Violations::default();
        violations.config_page_size(request.page_size.unwrap_or(0).into());
        violations.into_result()?;
        // The proto cannot tell 0 from unset, so no binding does.
        request.page_size = request.page_size.filter(|size| *size != 0);
        noted(self.0.list_push_configs(params, request).await)
    }

    async fn delete_push_config(
        &self,
        params: &ServiceParams,
        mut request: DeleteTaskPushNotificationConfigRequest,
    ) -> Result<(), A2AError> {
        fill(&mut request.tenant)?;
        noted(self.0.delete_push_config(params, request).await)
    }

    async fn get_extended_agent_card(
        &self,
        params: &ServiceParams,
        mut request: GetExtendedAgentCardRequest,
    ) -> Result<AgentCard, A2AError> {
        fill(&mut request.tenant)?;
        noted(self.0.get_extended_agent_card(params, request).await)
    }
}

#[cfg(test)]
mod tests;
