//! `a2a-node health`: asks a server how it is, once and for a bounded time.

use std::io::{self, Write};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode};

use crate::cli::{self, AnyPort};

/// No reason is longer.
const LONGEST_ANSWER: usize = 4096;

/// Why a server is not well, as far as anybody can tell.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unwell {
    /// There is nothing that could be asked.
    #[error(transparent)]
    Nowhere(#[from] AnyPort),
    /// It does not answer, or not in time.
    #[error("no answer within {0:?}")]
    Silent(Duration, #[source] reqwest::Error),
    /// It says why.
    #[error("{0}: {1}")]
    Says(StatusCode, String),
    /// Whoever reads the answer is gone.
    #[error("cannot write the answer to stdout")]
    Unread(#[source] io::Error),
}

/// Asks, and prints what a server answers that is well.
///
/// # Errors
///
/// An [`Unwell`] where it is not.
pub(crate) async fn run(flags: cli::Health) -> Result<(), Unwell> {
    let url = flags.target()?;
    let asked = ask(&url, flags.timeout).await.map_err(|error| Unwell::Silent(flags.timeout, error));
    let (status, text) = asked?;
    if !status.is_success() {
        return Err(Unwell::Says(status, text));
    }
    writeln!(io::stdout().lock(), "{text}").map_err(Unwell::Unread)
}

async fn ask(url: &str, timeout: Duration) -> reqwest::Result<(StatusCode, String)> {
    // The server itself, not what stands before it, and it speaks clear text.
    let client = reqwest::Client::builder().no_proxy().redirect(Policy::none());
    let answer = client.timeout(timeout).build()?.get(url).send().await?;
    Ok((answer.status(), text(answer).await?))
}

async fn text(mut answer: Response) -> reqwest::Result<String> {
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        text.extend(chunk.iter().take(LONGEST_ANSWER - text.len()));
        if text.len() == LONGEST_ANSWER {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&text).trim_end().to_owned())
}
