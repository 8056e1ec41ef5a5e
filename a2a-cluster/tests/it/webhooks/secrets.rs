//! No log line tells where a webhook is, what it was sent, or with which credentials.

use std::io::Write;
use std::sync::{Arc, Mutex};

use a2a::{AuthenticationInfo, TaskPushNotificationConfig, TaskState};
use a2a_server::RequestHandler;
use http::StatusCode;
use tracing_subscriber::fmt::MakeWriter;

use super::receiver::{Answers, Receiver};
use super::{config, create, given_up_after, send, start, webhook, world_of};
use crate::world::{eventually, follow_up, on_every_bus, params};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

on_every_bus! {
    #[tokio::test]
    async fn no_log_line_holds_a_url_a_token_credentials_or_a_body(bus) {
        let log = Log::default();
        let lines = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(log.clone())
            .finish();
        // With one subscriber alone, a log line that another test's thread reaches first stays off for all.
        let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
        let _captured = tracing::subscriber::set_default(lines);
        let world = world_of(1, bus, config().webhooks(given_up_after(std::time::Duration::from_millis(50)))).await;
        let (good, bad) = (
            Receiver::new(Answers::Well).await,
            Receiver::new(Answers::With(StatusCode::BAD_REQUEST, vec![("x-why", "planted-answer".into())])).await,
        );
        let secret = |url: String| TaskPushNotificationConfig {
            id: Some(format!("planted-id-{}", url.len())),
            token: Some("planted-token".into()),
            authentication: Some(AuthenticationInfo {
                scheme: "Bearer".into(),
                credentials: Some("planted-credentials".into()),
            }),
            ..webhook(&url)
        };
        let task =
            send(&world.nodes[0], "ask", secret(format!("{}/planted-path?planted-query", good.url()))).await;
        good.sees(TaskState::InputRequired).await;
        create(&world.nodes[0], &task, secret("http://u:planted-password@host.invalid/planted-path".into()))
            .await;
        create(&world.nodes[0], &task, secret("https://host.invalid/planted-path".into())).await;
        world.on(0).send_message(&params(), follow_up(&task, "planted-text")).await.unwrap();
        eventually("giving up", || async { world.load(&task.id).await.head.claim.is_none() }).await;
        let task =
            start(&world.nodes[0], "echo planted-text", secret(format!("{}/planted-path", bad.url()))).await;
        eventually("giving up", || async { world.load(&task.id).await.head.claim.is_none() }).await;
        assert!(bad.requests() > 1);
        world.shutdown().await;

        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(log.contains("a webhook is given up for this turn"), "the log was captured");
        let planted: Vec<&str> = log.lines().filter(|line| line.contains("planted-")).collect();
        assert_eq!(planted, Vec::<&str>::new());
    }
}
