//! The gRPC binding (§10): the SDK's service, with everything it does not read read before it.

use std::pin::Pin;
use std::sync::Arc;

use a2a_grpc::GrpcHandler;
use a2a_grpc::errors::a2a_error_to_status;
use a2a_pb::proto::a2a_service_server::A2aService;
use a2a_pb::proto::*;
use a2a_server::RequestHandler;
use futures::{Stream, StreamExt};
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt;

use super::limits::Limits;
use super::proto::Checked;
use super::unavailable::{AUTHENTICATION, RETRY_AFTER_SECONDS};
use super::version::{VERSION, served};

/// The SDK's service behind a look at each request.
pub(super) struct CheckedService<H: RequestHandler> {
    sdk: GrpcHandler<H>,
    limits: Limits,
}

impl<H: RequestHandler> CheckedService<H> {
    pub(super) fn new(handler: Arc<H>, limits: Limits) -> Self {
        Self { sdk: GrpcHandler::new(handler), limits }
    }

    fn check<T: Checked>(&self, request: &Request<T>) -> Result<(), Status> {
        check_version(request)?;
        request.get_ref().check(&self.limits).map_err(|error| a2a_error_to_status(&error))
    }
}

fn check_version<T>(request: &Request<T>) -> Result<(), Status> {
    let requested =
        request.metadata().get(VERSION.as_str()).map_or("", |value| value.to_str().unwrap_or("unreadable"));
    served(requested).map_err(|error| a2a_error_to_status(&error))
}

/// Gives an error that carries one of our marks the status that gRPC has for it.
fn with_exact_code(status: Status) -> Status {
    if !matches!(status.code(), Code::Internal | Code::InvalidArgument) {
        return status;
    }
    let mut details = status.get_error_details();
    let Some(info) = details.error_info() else { return status };
    let wait = info.metadata.get(RETRY_AFTER_SECONDS).and_then(|seconds| seconds.parse().ok());
    if info.metadata.contains_key(AUTHENTICATION) {
        Status::with_error_details(Code::Unauthenticated, status.message(), details)
    } else if let Some(wait) = wait {
        details.set_retry_info(Some(std::time::Duration::from_secs(wait)));
        Status::with_error_details(Code::Unavailable, status.message(), details)
    } else {
        status
    }
}

type Events = Pin<Box<dyn Stream<Item = Result<StreamResponse, Status>> + Send + 'static>>;

fn exact_stream(answer: Result<Response<Events>, Status>) -> Result<Response<Events>, Status> {
    let answer = answer.map_err(with_exact_code)?;
    Ok(answer.map(|events| Box::pin(events.map(|event| event.map_err(with_exact_code))) as Events))
}

#[tonic::async_trait]
impl<H: RequestHandler> A2aService for CheckedService<H> {
    type SendStreamingMessageStream = Events;
    type SubscribeToTaskStream = Events;

    async fn send_message(
        &self,
        request: Request<SendMessageRequest>,
    ) -> Result<Response<SendMessageResponse>, Status> {
        self.check(&request)?;
        self.sdk.send_message(request).await.map_err(with_exact_code)
    }

    async fn send_streaming_message(
        &self,
        request: Request<SendMessageRequest>,
    ) -> Result<Response<Events>, Status> {
        self.check(&request)?;
        exact_stream(self.sdk.send_streaming_message(request).await)
    }

    async fn get_task(&self, request: Request<GetTaskRequest>) -> Result<Response<Task>, Status> {
        check_version(&request)?;
        self.sdk.get_task(request).await.map_err(with_exact_code)
    }

    async fn list_tasks(
        &self,
        request: Request<ListTasksRequest>,
    ) -> Result<Response<ListTasksResponse>, Status> {
        self.check(&request)?;
        self.sdk.list_tasks(request).await.map_err(with_exact_code)
    }

    async fn cancel_task(&self, request: Request<CancelTaskRequest>) -> Result<Response<Task>, Status> {
        self.check(&request)?;
        self.sdk.cancel_task(request).await.map_err(with_exact_code)
    }

    async fn subscribe_to_task(
        &self,
        request: Request<SubscribeToTaskRequest>,
    ) -> Result<Response<Events>, Status> {
        check_version(&request)?;
        exact_stream(self.sdk.subscribe_to_task(request).await)
    }

    async fn create_task_push_notification_config(
        &self,
        request: Request<TaskPushNotificationConfig>,
    ) -> Result<Response<TaskPushNotificationConfig>, Status> {
        check_version(&request)?;
        self.sdk.create_task_push_notification_config(request).await.map_err(with_exact_code)
    }

    async fn get_task_push_notification_config(
        &self,
        request: Request<GetTaskPushNotificationConfigRequest>,
    ) -> Result<Response<TaskPushNotificationConfig>, Status> {
        check_version(&request)?;
        self.sdk.get_task_push_notification_config(request).await.map_err(with_exact_code)
    }

    async fn list_task_push_notification_configs(
        &self,
        request: Request<ListTaskPushNotificationConfigsRequest>,
    ) -> Result<Response<ListTaskPushNotificationConfigsResponse>, Status> {
        self.check(&request)?;
        self.sdk.list_task_push_notification_configs(request).await.map_err(with_exact_code)
    }

    async fn get_extended_agent_card(
        &self,
        request: Request<GetExtendedAgentCardRequest>,
    ) -> Result<Response<AgentCard>, Status> {
        check_version(&request)?;
        self.sdk.get_extended_agent_card(request).await.map_err(with_exact_code)
    }

    async fn delete_task_push_notification_config(
        &self,
        request: Request<DeleteTaskPushNotificationConfigRequest>,
    ) -> Result<Response<()>, Status> {
        check_version(&request)?;
        self.sdk.delete_task_push_notification_config(request).await.map_err(with_exact_code)
    }
}
