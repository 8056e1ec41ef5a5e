//! The gRPC binding (§10): from the decoded proto to the handler and back, by the SDK's conversions.

use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use a2a::A2AError;
use a2a_cluster::retry_after;
use a2a_grpc::errors::a2a_error_to_status;
use a2a_pb::pbconv as convert;
use a2a_pb::proto::a2a_service_server::A2aService;
use a2a_pb::proto::*;
use a2a_server::{RequestHandler, ServiceParams};
use futures::{Stream, StreamExt};
use prost::Message;
use tonic::{Request, Response, Status};
use tonic_types::StatusExt;

use super::answer_body::Outgoing;
use super::call;
use super::limits::RequestLimits;
use super::numbers::{make_whole_in, make_whole_in_message};
use super::proto::Checked;
use super::status::grpc_code;
use super::version::{VERSION, served};

/// `A2AService` over the handler that a request brings with it.
pub(super) struct GrpcHandler<H> {
    limits: RequestLimits,
    handler: PhantomData<fn() -> H>,
}

/// The handler for whoever sends a request, and what came with it: put into the request before it is decoded.
pub(super) struct Admitted<H> {
    pub(super) handler: Arc<H>,
    pub(super) params: ServiceParams,
    pub(super) outgoing: Outgoing,
}

impl<H> Clone for Admitted<H> {
    fn clone(&self) -> Self {
        Admitted {
            handler: Arc::clone(&self.handler),
            params: self.params.clone(),
            outgoing: self.outgoing.clone(),
        }
    }
}

impl<H: RequestHandler> GrpcHandler<H> {
    pub(super) fn new(limits: RequestLimits) -> Self {
        Self { limits, handler: PhantomData }
    }

    /// Looks at a request before it is converted, which loses some things and makes others up.
    fn admit<T: Checked>(&self, request: Request<T>) -> Result<(Admitted<H>, T), Status> {
        let (_, mut extensions, message) = request.into_parts();
        let admitted = extensions.remove::<Admitted<H>>();
        let admitted = admitted.ok_or_else(|| Status::internal("nobody asked who calls"))?;
        let requested =
            admitted.params.get(VERSION.as_str()).map(|lines| lines.join(",")).unwrap_or_default();
        let is_served = served(&requested);
        is_served.and_then(|()| message.check(&self.limits)).map_err(|error| status(&error))?;
        Ok((admitted, message))
    }

    /// What a handler answered, as the proto has it, once there is room for it.
    fn answered<T, P: Message>(
        outgoing: &Outgoing,
        answer: Result<T, A2AError>,
        convert: impl FnOnce(&T) -> P,
    ) -> Result<Response<P>, Status> {
        let answer = convert(&answer.map_err(|error| status(&error))?);
        let sending = outgoing.hold(answer.encoded_len()).map_err(|error| status(&error))?;
        let mut response = Response::new(answer);
        if let Some(sending) = sending {
            response.extensions_mut().insert(Arc::new(sending));
        }
        Ok(response)
    }
}

/// The status for an error: the SDK's, or one that only gRPC has.
pub(super) fn status(error: &A2AError) -> Status {
    let status = a2a_error_to_status(error);
    let mut details = status.get_error_details();
    if let Some(wait) = retry_after(error) {
        details.set_retry_info(Some(wait));
    }
    Status::with_error_details(grpc_code(error), status.message(), details)
}

/// The request that carries a message.
fn sent(request: SendMessageRequest) -> a2a::SendMessageRequest {
    // Taken, so that nobody keeps the proto while the agent works.
    let mut request = convert::from_proto_send_message_request(&request);
    make_whole_in_message(&mut request.message);
    make_whole_in(request.metadata.as_mut());
    request
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
        let (asked, request) = self.admit(request)?;
        let request = sent(request);
        Self::answered(
            &asked.outgoing,
            asked.handler.send_message(&asked.params, request).await,
            convert::to_proto_send_message_response,
        )
    }

    async fn send_streaming_message(
        &self,
        request: Request<SendMessageRequest>,
    ) -> Result<Response<Events>, Status> {
        let (asked, request) = self.admit(request)?;
        let request = sent(request);
        streamed(asked.handler.send_streaming_message(&asked.params, request).await)
    }

    async fn get_task(&self, request: Request<GetTaskRequest>) -> Result<Response<Task>, Status> {
        let (asked, request) = self.admit(request)?;
        let request = convert::from_proto_get_task_request(&request);
        Self::answered(
            &asked.outgoing,
            asked.handler.get_task(&asked.params, request).await,
            convert::to_proto_task,
        )
    }

    async fn list_tasks(
        &self,
        request: Request<ListTasksRequest>,
    ) -> Result<Response<ListTasksResponse>, Status> {
        let (asked, request) = self.admit(request)?;
        let request = convert::from_proto_list_tasks_request(&request);
        Self::answered(
            &asked.outgoing,
            asked.handler.list_tasks(&asked.params, request).await,
            convert::to_proto_list_tasks_response,
        )
    }

    async fn cancel_task(&self, request: Request<CancelTaskRequest>) -> Result<Response<Task>, Status> {
        let (asked, request) = self.admit(request)?;
        let mut request = convert::from_proto_cancel_task_request(&request);
        make_whole_in(request.metadata.as_mut());
        Self::answered(
            &asked.outgoing,
            asked.handler.cancel_task(&asked.params, request).await,
            convert::to_proto_task,
        )
    }

    async fn subscribe_to_task(
        &self,
        request: Request<SubscribeToTaskRequest>,
    ) -> Result<Response<Events>, Status> {
        let (asked, request) = self.admit(request)?;
        let request = convert::from_proto_subscribe_to_task_request(&request);
        streamed(asked.handler.subscribe_to_task(&asked.params, request).await)
    }

    async fn create_task_push_notification_config(
        &self,
        request: Request<TaskPushNotificationConfig>,
    ) -> Result<Response<TaskPushNotificationConfig>, Status> {
        let (asked, request) = self.admit(request)?;
        let request = convert::from_proto_create_task_push_notification_config_request(&request);
        let created = asked.handler.create_push_config(&asked.params, request).await;
        Self::answered(&asked.outgoing, created, convert::to_proto_task_push_notification_config)
    }

    async fn get_task_push_notification_config(
        &self,
        request: Request<GetTaskPushNotificationConfigRequest>,
    ) -> Result<Response<TaskPushNotificationConfig>, Status> {
        let (asked, request) = self.admit(request)?;
        let request = convert::from_proto_get_task_push_notification_config_request(&request);
        let found = asked.handler.get_push_config(&asked.params, request).await;
        Self::answered(&asked.outgoing, found, convert::to_proto_task_push_notification_config)
    }

    async fn list_task_push_notification_configs(
        &self,
        request: Request<ListTaskPushNotificationConfigsRequest>,
    ) -> Result<Response<ListTaskPushNotificationConfigsResponse>, Status> {
        let (asked, request) = self.admit(request)?;
        let mut request = convert::from_proto_list_task_push_notification_configs_request(&request);
        // The proto cannot tell 0 from unset, so no binding does.
        request.page_size = request.page_size.filter(|size| *size != 0);
        let listed = asked.handler.list_push_configs(&asked.params, request).await;
        Self::answered(
            &asked.outgoing,
            listed,
            convert::to_proto_list_task_push_notification_configs_response,
        )
    }

    async fn get_extended_agent_card(
        &self,
        request: Request<GetExtendedAgentCardRequest>,
    ) -> Result<Response<AgentCard>, Status> {
        let (asked, request) = self.admit(request)?;
        let request = convert::from_proto_get_extended_agent_card_request(&request);
        Self::answered(
            &asked.outgoing,
            asked.handler.get_extended_agent_card(&asked.params, request).await,
            convert::to_proto_agent_card,
        )
    }

    async fn delete_task_push_notification_config(
        &self,
        request: Request<DeleteTaskPushNotificationConfigRequest>,
    ) -> Result<Response<()>, Status> {
        let (asked, request) = self.admit(request)?;
        let request = convert::from_proto_delete_task_push_notification_config_request(&request);
        Self::answered(
            &asked.outgoing,
            asked.handler.delete_push_config(&asked.params, request).await,
            |()| (),
        )
    }
}
