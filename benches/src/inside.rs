//! Requests without a network: what is left is the server's own work, the same at each run.

use std::sync::Arc;

use a2a_testkit::ScriptedAgent;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use futures::StreamExt;
use tower::ServiceExt;

use crate::Error;
use crate::client::{Heard, send_message};
use crate::compare::next_number;
use crate::script::GO;
use crate::server::{Contender, ours, sdk};

/// A contender, called directly.
#[derive(Debug)]
pub(crate) struct Inside {
    router: Router,
    _running: Option<Arc<a2a_cluster::Cluster>>,
}

impl Inside {
    pub(crate) async fn start(contender: Contender) -> Result<Self, Error> {
        let agent = ScriptedAgent::default();
        agent.latches().open(GO);
        Ok(match contender {
            Contender::Sdk => Inside { router: sdk::router(agent), _running: None },
            _ => {
                let (router, cluster) = ours::alone(agent).await?;
                Inside { router, _running: Some(Arc::new(cluster)) }
            }
        })
    }

    /// Sends a script and reads the whole answer.
    pub(crate) async fn ask(&self, method: &str, script: &str) -> Result<Heard, Error> {
        let body = send_message(method, next_number(), script, false);
        let request =
            Request::post("/").header("content-type", "application/json").header("a2a-version", "1.0");
        let response = self.router.clone().oneshot(request.body(Body::from(body))?).await?;
        let mut heard = Heard::default();
        let mut content = response.into_body().into_data_stream();
        while let Some(part) = content.next().await {
            heard.take(&part?);
        }
        heard.end();
        Ok(heard)
    }
}

/// Asks for the same thing again and again, for a profiler to watch.
pub(crate) async fn repeat(
    contender: Contender,
    method: &str,
    script: &str,
    count: usize,
) -> Result<(), Error> {
    let inside = Inside::start(contender).await?;
    let mut completed = 0;
    for _ in 0..count {
        completed += inside.ask(method, script).await?.completed;
    }
    println!("{completed} completed");
    Ok(())
}
