//! The contract of what all instances of a deployment share beside tasks and members: the format in which they
//! write, and their keys.

use std::fmt;

use async_trait::async_trait;

use crate::{BackendError, Result};

/// Which builds may read and which may write what a store keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// The oldest format whose readers understand everything that is kept.
    pub min_reader: u32,
    /// The oldest format whose writers break nothing that others rely on.
    pub min_writer: u32,
}

impl Format {
    /// The format that this build reads and writes.
    pub const BUILD: u32 = 2;

    /// What a new deployment begins with.
    pub const CURRENT: Format = Format { min_reader: Format::BUILD, min_writer: Format::BUILD };

    /// Checks that this build may work with a store of this format.
    ///
    /// # Errors
    ///
    /// `Rejected`, with words for an operator.
    pub fn check(self) -> Result<()> {
        let newest = self.min_reader.max(self.min_writer);
        if newest > Format::BUILD {
            return Err(BackendError::rejected(format!(
                "the store is in format {newest} and this build knows up to {}: deploy a newer build",
                Format::BUILD
            )));
        }
        Ok(())
    }
}

/// One key, with a name by which a message tells which key it was made with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its number under its name: 1 for the first, one more for each that takes the place of another.
    pub number: u32,
    /// The secret.
    pub secret: [u8; 32],
}

impl Key {
    /// The name of the keys by which instances prove to each other that a bus message is theirs. They may be renewed at any
    /// time; instances read them again every minute or so and use a new one from the second time on, so renewals must be
    /// further apart than a few minutes.
    pub const OF_BUS: &str = "bus";
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("number", &self.number).finish_non_exhaustive()
    }
}

/// The keys of one name that are valid now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// The one to use.
    pub current: Key,
    /// The one before, which others may still use.
    pub previous: Option<Key>,
}

impl Keys {
    /// The keys of a name whose first key this is.
    pub const fn first(secret: [u8; 32]) -> Self {
        Keys { current: Key { number: 1, secret }, previous: None }
    }

    /// The keys after the current one was replaced by a new one.
    #[must_use]
    pub const fn renewed(self, secret: [u8; 32]) -> Self {
        let number = self.current.number.saturating_add(1);
        Keys { current: Key { number, secret }, previous: Some(self.current) }
    }

    /// Returns the key of this number, if it is valid now.
    pub fn numbered(&self, number: u32) -> Option<&Key> {
        [Some(&self.current), self.previous.as_ref()].into_iter().flatten().find(|key| key.number == number)
    }
}

/// Keeps what all instances of a deployment share.
///
/// # Contract
///
/// 1. `the_format_is_read`: a store that was set up by this build says [`Format::CURRENT`]. One that was not set up
///    is `Rejected`, with words that say what to do.
/// 2. `keys_are_made_once`: of all who ask for the keys of a name first, one's secret becomes the first key, and
///    every handle returns it from then on.
/// 3. `names_have_keys_of_their_own`.
/// 4. `a_renewed_key_leaves_the_one_before_valid`, and lets the one before that go.
/// 5. `of_two_who_renew_a_key_one_does`: the other is told the keys as they are then.
///
/// ```
/// # use a2a_core::{Deployment, Env, Keys, Result};
/// async fn keys(store: &dyn Deployment, env: &dyn Env) -> Result<Keys> {
///     store.format().await?.check()?;
///     store.keys("bus", env.secret()).await
/// }
/// ```
#[async_trait]
pub trait Deployment: fmt::Debug + Send + Sync + 'static {
    /// Reads the format. Cancel safe, idempotent.
    async fn format(&self) -> Result<Format>;

    /// Reads the keys of a name, or makes its first key of `secret`. Idempotent.
    async fn keys(&self, name: &str, secret: [u8; 32]) -> Result<Keys>;

    /// Makes a new key of `secret` in the place of the current one, if that still has the number `from`; returns
    /// the keys as they are then. Idempotent where the secret is the same.
    async fn renew_key(&self, name: &str, from: u32, secret: [u8; 32]) -> Result<Keys>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_refuses_formats_that_it_does_not_know() {
        assert!(Format::CURRENT.check().is_ok());
        assert!(Format { min_reader: 1, min_writer: Format::BUILD }.check().is_ok());
        for (min_reader, min_writer) in [(Format::BUILD + 1, 1), (1, Format::BUILD + 1)] {
            let refused = Format { min_reader, min_writer }.check();
            assert!(matches!(refused, Err(BackendError::Rejected { .. })));
        }
    }

    #[test]
    fn two_keys_are_valid_and_no_third() {
        let keys = Keys::first([1; 32]).renewed([2; 32]).renewed([3; 32]);
        assert_eq!(keys.current.number, 3);
        assert_eq!(keys.numbered(2).map(|key| key.secret), Some([2; 32]));
        assert_eq!(keys.numbered(3).map(|key| key.secret), Some([3; 32]));
        assert_eq!(keys.numbered(1), None);
    }

    #[test]
    fn a_secret_is_shown_nowhere() {
        let keys = Keys::first([0x53; 32]).renewed([0x53; 32]);
        assert!(!format!("{keys:?} {keys:#?}").contains("83"));
    }
}
