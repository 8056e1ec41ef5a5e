//! An AWS endpoint for tests: one that the environment names, else an emulator that lives as long as the
//! test process.
//!
//! ```no_run
//! use a2a_testaws::Service;
//!
//! // `None` means that there is no endpoint and that the test is to return: the reason was printed.
//! let Some(aws) = a2a_testaws::aws() else { return };
//! let account = aws.account();
//! let config = account.sdk_config(Service::Sqs);
//! ```
//!
//! The first of these that exists is used:
//!
//! 1. `AWS_ENDPOINT_URL`, or all of `AWS_ENDPOINT_URL_DYNAMODB`, `_SNS` and `_SQS`;
//! 2. LocalStack, where a Docker engine answers: a container of the last version that needs no account, or of the
//!    one that `A2A_LOCALSTACK_TAG` names, which is given `LOCALSTACK_AUTH_TOKEN`;
//! 3. MiniStack, which the first use installs into a virtual environment of its own under cargo's target
//!    directory, or into `A2A_MINISTACK_VENV`.
//!
//! `A2A_ENDPOINT` asks for one of these instead: `localstack`, whose own code for SNS and SQS runs without Docker where there is
//! Python 3.13, beside MiniStack for DynamoDB; or `ministack`.
//!
//! With none, tests are skipped on a laptop; where `CI` is set they fail.

mod account;
mod endpoint;
mod engine;
mod localstack;
mod localstack_in_python;
mod ministack;
mod probe;
mod python_server;
mod say;
mod service;
pub mod venv;

pub use account::Account;
pub use endpoint::{Aws, aws, wanted};
pub use service::Service;
