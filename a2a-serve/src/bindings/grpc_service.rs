//! The gRPC binding (§10): from the decoded proto to the handler and back, by the SDK's conversions.

use std::pin::Pin;
use std::sync::Arc;

use a2a::A2AError;
use a2a_cluster::{is_unauthenticated, retry_after};
use a2a_grpc::errors::a2a_error_to_status;
use a2a_pb::pbconv as convert;
use a2a_pb::proto::a2a_service_server::A2aService;
use a2a_pb::proto::*;
use a2a_server::{RequestHandler, ServiceParams};
use futures::{Stream, StreamExt};
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt;

use super::call::{self, service_params};
use super::edge::Edge;
use super::numbers::{make_whole_in, make_whole_in_message};
use super::proto::Checked;
use super::version::{VERSION, served};

/// `A2AService` over a handler.
pub(super) struct GrpcHandler<H: RequestHandler>(Arc<Edge<H>>);

impl<H: RequestHandler> GrpcHandler<H> {
    pub(super) fn new(edge: Arc<Edge<H>>) -> Self {
        Self(edge)
    }

    /// Looks at a request before it is converted, which loses some things and makes others up.
    fn admit<T: Checked>(&self, request: Request<T>) -> Result<(ServiceParams, T), Status> {
        let (metadata, _, message) = request.into_parts();
        let params = service_params(&metadata.into_headers());
        let requested = params.get(VERSION.as_str()).map(|lines| lines.join(",")).unwrap_or_default();
        let admitted = served(&requested);
        admitted.and_then(|()| message.check(&self.0.limits)).map_err(|error| status(&error))?;
        Ok((params, message))
    }
}

/// The status for an error: the SDK's, or one that only gRPC has.
pub(super) fn status(error: &A2AError) -> Status {
    let status = a2a_error_to_status(error);
    let mut details = status.get_error_details();
    if is_unauthenticated(error) {
        Status::with_error_details(Code::Unauthenticated, status.message(), details)
    } else if let Some(wait) = retry_after(error) {
        details.set_retry_info(Some(wait));
        Status::with_error_details(Code::Unavailable, status.message(), details)
    } else {
        status
    }
}

/// The request that carries a message.
fn sent(request: &SendMessageRequest) -> a2a::SendMessageRequest {
    let mut request = convert::from_proto_send_message_request(request);
    make_whole_in_message(&mut request.message);
    make_whole_in(request.metadata.as_mut());
    request
}

/// What a handler answered, as the proto has it.
fn answered<T, P>(answer: Result<T, A2AError>, convert: impl FnOnce(&T) -> P) -> Result<Response<P>, Status> {
    answer.map(|answer| Response::new(convert(&answer))).map_err(|error| status(&error))
}

type Events = Pin<Box<dyn Stream<Item = Result<StreamResponse, Status>> + Send + 'static>>;

fn streamed(answer: Result<call::Events, A2AError>) -> Result<Response<Events>, Status> {
    let events = answer.map_err(|error| status(&error))?;
    let events = events.map(|event| {
        event.map(|event| convert::to_proto_stream_response(&event)).map_err(|error| status(&error))
    });
    Ok(Response::new(Box::pin(events)))
}

#[tonic::async_trait]
impl<H: RequestHandler> A2aService for GrpcHandler<H> {
    type SendStreamingMessageStream = Events;
    type SubscribeToTaskStream = Events;

    async fn send_message(
        &self,
        request: Request<SendMessageRequest>,
    ) -> Result<Response<SendMessageResponse>, Status> {
        let (params, request) = self.admit(request)?;
        let request = sent(&request);
        answered(self.0.handler.send_message(&params, request).await, convert::to_proto_send_message_response)
    }

    async fn send_streaming_message(
        &self,
        request: Request<SendMessageRequest>,
    ) -> Result<Response<Events>, Status> {
        let (params, request) = self.admit(request)?;
        let request = sent(&request);
        streamed(self.0.handler.send_streaming_message(&params, request).await)
    }

    async fn get_task(&self, request: Request<GetTaskRequest>) -> Result<Response<Task>, Status> {
        let (params, request) = self.admit(request)?;
        let request = convert::from_proto_get_task_request(&request);
        answered(self.0.handler.get_task(&params, request).await, convert::to_proto_task)
    }

    async fn list_tasks(
        &self,
        request: Request<ListTasksRequest>,
    ) -> Result<Response<ListTasksResponse>, Status> {
        let (params, request) = self.admit(request)?;
        let request = convert::from_proto_list_tasks_request(&request);
        answered(self.0.handler.list_tasks(&params, request).await, convert::to_proto_list_tasks_response)
    }

    async fn cancel_task(&self, request: Request<CancelTaskRequest>) -> Result<Response<Task>, Status> {
        let (params, request) = self.admit(request)?;
        let mut request = convert::from_proto_cancel_task_request(&request);
        make_whole_in(request.metadata.as_mut());
        answered(self.0.handler.cancel_task(&params, request).await, convert::to_proto_task)
    }

    async fn subscribe_to_task(
        &self,
        request: Request<SubscribeToTaskRequest>,
    ) -> Result<Response<Events>, Status> {
        let (params, request) = self.admit(request)?;
        let request = convert::from_proto_subscribe_to_task_request(&request);
        streamed(self.0.handler.subscribe_to_task(&params, request).await)
    }

    async fn create_task_push_notification_config(
        &self,
        request: Request<TaskPushNotificationConfig>,
    ) -> Result<Response<TaskPushNotificationConfig>, Status> {
        let (params, request) = self.admit(request)?;
        let request = convert::from_proto_create_task_push_notification_config_request(&request);
        let created = self.0.handler.create_push_config(&params, request).await;
        answered(created, convert::to_proto_task_push_notification_config)
    }

    async fn get_task_push_notification_config(
        &self,
        request: Request<GetTaskPushNotificationConfigRequest>,
    ) -> Result<Response<TaskPushNotificationConfig>, Status> {
        let (params, request) = self.admit(request)?;
        let request = convert::from_proto_get_task_push_notification_config_request(&request);
        let found = self.0.handler.get_push_config(&params, request).await;
        answered(found, convert::to_proto_task_push_notification_config)
    }

    async fn list_task_push_notification_configs(
        &self,
        request: Request<ListTaskPushNotificationConfigsRequest>,
    ) -> Result<Response<ListTaskPushNotificationConfigsResponse>, Status> {
        let (params, request) = self.admit(request)?;
        let mut request = convert::from_proto_list_task_push_notification_configs_request(&request);
        // The proto cannot tell 0 from unset, so no binding does.
        request.page_size = request.page_size.filter(|size| *size != 0);
        let listed = self.0.handler.list_push_configs(&params, request).await;
        answered(listed, convert::to_proto_list_task_push_notification_configs_response)
    }

    async fn get_extended_agent_card(
        &self,
        request: Request<GetExtendedAgentCardRequest>,
    ) -> Result<Response<AgentCard>, Status> {
        let (params, request) = self.admit(request)?;
        let request = convert::from_proto_get_extended_agent_card_request(&request);
        answered(self.0.handler.get_extended_agent_card(&params, request).await, convert::to_proto_agent_card)
    }

    async fn delete_task_push_notification_config(
        &self,
        request: Request<DeleteTaskPushNotificationConfigRequest>,
    ) -> Result<Response<()>, Status> {
        let (params, request) = self.admit(request)?;
        let request = convert::from_proto_delete_task_push_notification_config_request(&request);
        answered(self.0.handler.delete_push_config(&params, request).await, |()| ())
    }
}
