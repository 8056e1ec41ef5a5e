//! Runs MiniStack: DynamoDB, SNS and SQS in one small server.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use crate::python_server::PythonServer;
use crate::service::Service;
use crate::venv;

const PACKAGE: &str = "ministack==1.5.33";

const SERVER: PythonServer = PythonServer {
    name: "MiniStack",
    module: "ministack",
    health: "/_ministack/health",
    services: &[Service::DynamoDb, Service::Sns, Service::Sqs],
    starts_within: Duration::from_secs(60),
    environment: |port| {
        vec![
            ("GATEWAY_PORT", port.to_string()),
            ("BIND_HOST", "127.0.0.1".to_owned()),
            ("SERVICES", "dynamodb,sns,sqs".to_owned()),
            ("LOG_LEVEL", "ERROR".to_owned()),
        ]
    },
};

/// Starts the server and returns its URL once it serves.
pub(crate) fn url() -> Result<String, String> {
    let home = match env::var_os("A2A_MINISTACK_VENV") {
        Some(chosen) => PathBuf::from(chosen),
        None => venv::target_directory().join("ministack-venv"),
    };
    SERVER.start(&venv::python_with(&home, PACKAGE, "10 s")?)
}
