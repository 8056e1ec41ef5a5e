//! Runs LocalStack's own code for SNS and SQS without Docker. Its DynamoDB is a server in Java, which no package brings.

use std::time::Duration;

use crate::python_server::PythonServer;
use crate::service::Service;
use crate::venv;

/// The last versions that go together: later ones of the others break the first.
const PACKAGES: &str =
    "localstack-core[runtime]==2026.3.0 cbor2<6 pyOpenSSL<26 cryptography<47 service-identity";

const SERVER: PythonServer = PythonServer {
    name: "LocalStack",
    module: "localstack.runtime.main",
    health: "/_localstack/health",
    services: &[Service::Sns, Service::Sqs],
    starts_within: Duration::from_secs(180),
    environment: |port| {
        vec![
            ("GATEWAY_LISTEN", format!("127.0.0.1:{port}")),
            ("SERVICES", "sns,sqs".to_owned()),
            ("EAGER_SERVICE_LOADING", "1".to_owned()),
            // Nothing is reported or fetched, and no names are served.
            ("DISABLE_EVENTS", "1".to_owned()),
            ("SKIP_SSL_CERT_DOWNLOAD", "1".to_owned()),
            ("DNS_ADDRESS", "0".to_owned()),
        ]
    },
};

/// Starts the server and returns its URL once it serves.
pub(crate) fn url() -> Result<String, String> {
    let home = venv::target_directory().join("localstack-venv");
    SERVER.start(&venv::python_3_13_with(&home, PACKAGES, "30 s")?)
}
