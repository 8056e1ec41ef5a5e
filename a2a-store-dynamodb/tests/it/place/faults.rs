//! A network that loses requests and answers, from a seed.

use std::sync::Mutex;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextMut, FinalizerInterceptorContextMut,
};
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// How often, in percent, a request or an answer is lost.
#[derive(Debug)]
pub(crate) struct BadNetwork {
    lost_requests: u32,
    lost_answers: u32,
    rng: Mutex<fastrand::Rng>,
}

impl BadNetwork {
    pub(crate) fn new(seed: u64, lost_requests: u32, lost_answers: u32) -> Self {
        BadNetwork { lost_requests, lost_answers, rng: Mutex::new(fastrand::Rng::with_seed(seed)) }
    }

    fn strikes(&self, percent: u32) -> bool {
        self.rng.lock().unwrap().u32(0..100) < percent
    }

    fn coin(&self) -> bool {
        self.rng.lock().unwrap().bool()
    }
}

impl Intercept for BadNetwork {
    fn name(&self) -> &'static str {
        "bad network"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.strikes(self.lost_requests) {
            // Nobody listens there.
            context.request_mut().set_uri("http://127.0.0.1:1/")?;
        }
        Ok(())
    }

    fn modify_before_attempt_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.strikes(self.lost_answers)
            && let Some(answer) = context.output_or_error_mut()
        {
            let error = match self.coin() {
                true => OrchestratorError::timeout("the answer was lost".into()),
                false => OrchestratorError::connector(ConnectorError::io("the connection was reset".into())),
            };
            *answer = Err(error);
        }
        Ok(())
    }
}
