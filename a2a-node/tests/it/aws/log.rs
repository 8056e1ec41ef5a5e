//! What the log tells of requests, here where the SDK of AWS logs them whole if it is let.

use std::process::Stdio;

use a2a::{SendMessageRequest, TaskPushNotificationConfig};
use a2a_testworld::world::{configuration, request, webhook};

use super::site::Site;
use crate::callers::{HEADER, called_by, transports};
use crate::node::{Node, soon};

const SECRET: &str = "s3cret-7f3c9e";

/// A request that says the secret wherever a caller can say something.
fn telling() -> SendMessageRequest {
    let webhook = TaskPushNotificationConfig {
        token: Some(SECRET.to_owned()),
        ..webhook(format!("http://user:{SECRET}@127.0.0.1:9/{SECRET}"))
    };
    let mut request = request(&format!("echo {SECRET}"));
    request.message.context_id = Some(SECRET.to_owned());
    request.configuration = Some(a2a::SendMessageConfiguration {
        task_push_notification_config: Some(webhook),
        ..configuration()
    });
    request
}

#[tokio::test]
async fn nothing_that_a_caller_says_is_in_any_line_whatever_the_filter() {
    let Some(site) = Site::provisioned().await else { return };
    for filter in ["trace", "warn,a2a_serve=debug,aws_smithy_runtime=trace,hyper=trace"] {
        let mut command = site.command(&["serve", "--listen", "127.0.0.1:0", "--allow-local-webhooks"]);
        // The webhook is down, and the server would try it until the last moment.
        command.args(["--drain-delay", "0", "--shutdown-grace", "0"]);
        command.args(["--principal-header", HEADER, "--log", filter]).stderr(Stdio::piped());
        let mut node = Node::start(&mut command).await;
        let log = node.stderr();
        let talk = async {
            let transport = &transports(&node).await[0];
            soon(transport.send_message(&called_by(Some(SECRET)), &telling())).await.unwrap();
            node.terminate().await;
            node.ended().await
        };
        let (log, status) = tokio::join!(log, talk);
        assert!(status.success());
        // The socket's line at its start.
        assert!(log.contains("DEBUG a2a_serve"), "{filter} shows our own lines: {log}");
        assert!(!log.contains(SECRET), "{filter}: {log}");
        for chatty in ["aws_smithy_runtime::", "aws_sdk_dynamodb::", "hyper"] {
            assert!(!log.contains(chatty), "{filter}: {log}");
        }
    }
}
