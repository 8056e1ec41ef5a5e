//! `a2a-node renew-key`: a new key by which instances prove to each other that a message is theirs.

use std::io::{self, Write};
use std::process::ExitCode;

use a2a_core::{BackendError, Deployment, Env, Key, Keys, SystemEnv};

use super::clients::Aws;
use crate::cli::RenewKey;

/// Why there is no new key.
#[derive(Debug, thiserror::Error)]
pub(super) enum RenewKeyError {
    /// The table cannot be read or written.
    #[error("the key cannot be renewed; `a2a-node doctor` tells more")]
    Table(#[from] BackendError),
    /// Whoever reads what is done is gone.
    #[error("cannot write to stdout")]
    Write(#[from] io::Error),
}

/// Puts a new key in the place of the current one.
pub(super) async fn run(flags: RenewKey) -> Result<ExitCode, RenewKeyError> {
    let store = Aws::from_environment().await.store(&flags.table);
    let first = SystemEnv.secret();
    let before = store.keys(Key::OF_BUS, first).await?;
    let Keys { current, previous } = match before.current.secret == first {
        // There was none, so this one is new.
        true => before,
        false => store.renew_key(Key::OF_BUS, before.current.number, SystemEnv.secret()).await?,
    };
    let valid = previous.map(|key| format!("; {} stays valid until the next renewal", key.number));
    let text = format!("key {} is the one to use now{}", current.number, valid.unwrap_or_default());
    writeln!(io::stdout(), "{text}")?;
    Ok(ExitCode::SUCCESS)
}
