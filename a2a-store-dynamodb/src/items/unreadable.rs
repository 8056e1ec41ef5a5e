//! Items that cannot be understood, beside others that can: they harm themselves only.

use a2a_core::{BackendError, Result};

use crate::items::attributes::{Attributes, Item, PK, SK};

/// Leaves out what cannot be understood, and tells operators which item it is. Other failures stay failures.
pub(crate) fn leave_out<T>(read: Result<T>, pk: &str, sk: &str) -> Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error @ BackendError::Corrupt { .. }) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(pk, sk, error, "an item of the table cannot be understood, and is left out");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Reads an item, and leaves it out where it cannot be understood.
pub(crate) fn read_or_leave_out<T>(item: &Item, read: impl FnOnce(&Item) -> Result<T>) -> Result<Option<T>> {
    let name = |name| item.find_text(name).ok().flatten().unwrap_or_default();
    leave_out(read(item), name(PK), name(SK))
}
