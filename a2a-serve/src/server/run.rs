//! A server's whole life: it serves until a signal or a token ends it, and drains.

use tokio_util::sync::CancellationToken;

use super::builder::{Server, ServerError};
use super::signals::Signals;

impl Server {
    /// Joins, and serves until SIGTERM or Ctrl-C; then drains. A second signal ends it at once.
    ///
    /// # Errors
    ///
    /// [`ServerError`]: it does not start, or was hurried.
    pub async fn run(self) -> Result<(), ServerError> {
        self.run_until(CancellationToken::new()).await
    }

    /// Joins, and serves until `stop` is cancelled, or until SIGTERM or Ctrl-C; then drains, for
    /// [`drain_delay`](Server::drain_delay) and [`grace`](Server::grace) at most. The second signal ends it at once; a first one
    /// after `stop` does not, for it may be why `stop` was cancelled.
    ///
    /// ```no_run
    /// use a2a::AgentCard;
    /// use a2a_serve::{Server, ServerError};
    /// use a2a_server::AgentExecutor;
    /// use tokio_util::sync::CancellationToken;
    ///
    /// # async fn beside(agent: impl AgentExecutor, card: AgentCard, work: impl Future<Output = ()>) -> Result<(), ServerError> {
    /// let stop = CancellationToken::new();
    /// let server = Server::new(agent, card).run_until(stop.clone());
    /// let work = async {
    ///     work.await;
    ///     stop.cancel();
    /// };
    /// let (ended, ()) = tokio::join!(server, work);
    /// ended
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ServerError`]: it does not start, or was hurried. Stopped while it starts, it ends without an error.
    pub async fn run_until(self, stop: CancellationToken) -> Result<(), ServerError> {
        // Caught from now on: who stops it while it starts gets an orderly end, too.
        let mut asked = Asked { signals: Signals::catch().map_err(ServerError::Signals)?, heard: 0, stop };
        let (delay, grace) = (self.drain_delay, self.grace);
        let serving = tokio::select! {
            biased;
            by = asked.first() => {
                tracing::info!(by, "stopped while starting");
                return Ok(());
            }
            serving = Box::pin(self.serve()) => serving?,
        };
        tracing::info!(address = %serving.address(), "serving");
        let by = asked.first().await;
        tracing::info!(by, ?delay, ?grace, "draining; a second signal stops at once");
        tokio::select! {
            () = serving.shutdown(delay, grace) => Ok(()),
            () = asked.second() => Err(ServerError::Hurried),
        }
    }
}

/// What asks a server to stop, and then to hurry.
struct Asked {
    signals: Signals,
    /// How many signals have come.
    heard: u32,
    stop: CancellationToken,
}

impl Asked {
    /// Waits for the first signal, or for the token, and names it.
    async fn first(&mut self) -> &'static str {
        tokio::select! {
            signal = self.signals.next() => {
                self.heard += 1;
                signal
            }
            () = self.stop.cancelled() => "its token",
        }
    }

    /// Waits for the second signal.
    async fn second(&mut self) {
        while self.heard < 2 {
            self.signals.next().await;
            self.heard += 1;
        }
    }
}
