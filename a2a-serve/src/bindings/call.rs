//! One operation with its request, on its way from a binding to a handler, and what the handler answers.

use a2a::{
    A2AError, CancelTaskRequest, DeleteTaskPushNotificationConfigRequest, GetExtendedAgentCardRequest,
    GetTaskPushNotificationConfigRequest, GetTaskRequest, ListTaskPushNotificationConfigsRequest,
    ListTasksRequest, ListTasksResponse, SendMessageRequest, SendMessageResponse, StreamResponse,
    SubscribeToTaskRequest, Task, TaskPushNotificationConfig,
};
use a2a_pb::protojson_conv::{self, ProtoJsonPayload};
use a2a_server::{RequestHandler, ServiceParams};
use axum::http::HeaderMap;
use futures::stream::BoxStream;
use serde::Serialize;
use serde_json::Value;

/// An operation of the protocol (specification, section 3.1), with what it is asked for.
#[derive(Debug)]
pub(super) enum Call {
    SendMessage(Box<SendMessageRequest>),
    SendStreamingMessage(Box<SendMessageRequest>),
    GetTask(GetTaskRequest),
    ListTasks(Box<ListTasksRequest>),
    CancelTask(CancelTaskRequest),
    SubscribeToTask(SubscribeToTaskRequest),
    CreatePushConfig(Box<TaskPushNotificationConfig>),
    GetPushConfig(GetTaskPushNotificationConfigRequest),
    ListPushConfigs(ListTaskPushNotificationConfigsRequest),
    DeletePushConfig(GetTaskPushNotificationConfigRequest),
    GetExtendedCard(GetExtendedAgentCardRequest),
}

/// A stream of events.
pub(super) type Events = BoxStream<'static, Result<StreamResponse, A2AError>>;

/// What a handler answered.
pub(super) enum Answer {
    Whole(Box<Whole>),
    Events(Events),
    /// It is done, and there is nothing to say.
    Done,
}

/// An answer that is no stream. The SDK's own types write it in one pass.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Whole {
    Sent(SendMessageResponse),
    Task(Task),
    /// With all of its required fields, which ProtoJSON leaves out where they are at their defaults.
    Page(ListTasksResponse),
    /// Small, and rare: written as the SDK's transports write it.
    Other(Value),
}

impl From<Whole> for Answer {
    fn from(whole: Whole) -> Self {
        Answer::Whole(Box::new(whole))
    }
}

impl Call {
    /// Puts the tenant that the URL names into the request, which may repeat it but not contradict it.
    ///
    /// # Errors
    /// `InvalidParams` where the request names another one.
    pub(super) fn name_tenant(&mut self, named: Option<String>) -> Result<(), A2AError> {
        let Some(named) = named else { return Ok(()) };
        let tenant = self.tenant();
        match tenant.as_deref() {
            None | Some("") => *tenant = Some(named),
            Some(given) if given == named => {}
            Some(_) => return Err(A2AError::invalid_params("the request names two different tenants")),
        }
        Ok(())
    }

    fn tenant(&mut self) -> &mut Option<String> {
        match self {
            Call::SendMessage(request) | Call::SendStreamingMessage(request) => &mut request.tenant,
            Call::GetTask(request) => &mut request.tenant,
            Call::ListTasks(request) => &mut request.tenant,
            Call::CancelTask(request) => &mut request.tenant,
            Call::SubscribeToTask(request) => &mut request.tenant,
            Call::CreatePushConfig(request) => &mut request.tenant,
            Call::GetPushConfig(request) | Call::DeletePushConfig(request) => &mut request.tenant,
            Call::ListPushConfigs(request) => &mut request.tenant,
            Call::GetExtendedCard(request) => &mut request.tenant,
        }
    }

    /// Lets a handler answer. Cancel safe as far as the handler is: dropping the future drops the handler's.
    pub(super) async fn answer<H: RequestHandler + ?Sized>(
        self,
        handler: &H,
        params: &ServiceParams,
    ) -> Result<Answer, A2AError> {
        Ok(match self {
            Call::SendMessage(request) => Whole::Sent(handler.send_message(params, *request).await?).into(),
            Call::SendStreamingMessage(request) => {
                Answer::Events(handler.send_streaming_message(params, *request).await?)
            }
            Call::GetTask(request) => Whole::Task(handler.get_task(params, request).await?).into(),
            Call::ListTasks(request) => Whole::Page(handler.list_tasks(params, *request).await?).into(),
            Call::CancelTask(request) => Whole::Task(handler.cancel_task(params, request).await?).into(),
            Call::SubscribeToTask(request) => {
                Answer::Events(handler.subscribe_to_task(params, request).await?)
            }
            Call::CreatePushConfig(request) => other(&handler.create_push_config(params, *request).await?)?,
            Call::GetPushConfig(request) => other(&handler.get_push_config(params, request).await?)?,
            Call::ListPushConfigs(request) => other(&handler.list_push_configs(params, request).await?)?,
            Call::DeletePushConfig(request) => {
                let GetTaskPushNotificationConfigRequest { task_id, id, tenant } = request;
                let request = DeleteTaskPushNotificationConfigRequest { task_id, id, tenant };
                handler.delete_push_config(params, request).await?;
                Answer::Done
            }
            Call::GetExtendedCard(request) => {
                other(&handler.get_extended_agent_card(params, request).await?)?
            }
        })
    }
}

fn other<T: ProtoJsonPayload>(answer: &T) -> Result<Answer, A2AError> {
    let written = protojson_conv::to_value(answer);
    let written =
        written.map_err(|error| A2AError::internal(format!("an answer cannot be written: {error}")))?;
    Ok(Whole::Other(written).into())
}

/// What a handler sees of a request's headers, or metadata: all lines of each. Values are UTF-8; of what is not, the place
/// is kept, so that nobody takes one line for the only one.
pub(super) fn service_params(headers: &HeaderMap) -> ServiceParams {
    let mut params = ServiceParams::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        params.entry(name.as_str().to_owned()).or_default().push(value);
    }
    params
}

#[cfg(test)]
mod tests;
