//! What happens right after a request of a client was answered, before it goes on.

use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use futures::future::BoxFuture;
use tokio::runtime::Handle;

/// What was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answered {
    Get,
    Query,
    Other,
}

/// Does something after each request that was answered.
#[derive(Clone)]
pub(crate) struct After(Arc<dyn Fn(Answered) -> BoxFuture<'static, ()> + Send + Sync>);

impl After {
    pub(crate) fn new(act: impl Fn(Answered) -> BoxFuture<'static, ()> + Send + Sync + 'static) -> Self {
        After(Arc::new(act))
    }
}

impl fmt::Debug for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("After")
    }
}

impl Intercept for After {
    fn name(&self) -> &'static str {
        "after"
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(Ok(output)) = context.output_or_error() {
            let answered =
                match (output.downcast_ref::<GetItemOutput>(), output.downcast_ref::<QueryOutput>()) {
                    (Some(_), _) => Answered::Get,
                    (_, Some(_)) => Answered::Query,
                    _ => Answered::Other,
                };
            tokio::task::block_in_place(|| Handle::current().block_on((self.0)(answered)));
        }
        Ok(())
    }
}
