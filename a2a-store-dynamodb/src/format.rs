//! The format item: which builds may read and write the table. Put into a table before anything else.

use std::collections::HashMap;

use a2a_core::{BackendError, Format, Result};

use crate::attributes::{Attributes, Item, PK, SK, number, text};
use crate::keys;

/// The oldest format whose readers understand everything.
const MIN_READER: &str = "r";
/// The oldest format whose writers break nothing.
const MIN_WRITER: &str = "w";

/// Makes the item.
pub(crate) fn item(format: Format) -> Item {
    HashMap::from([
        (PK.to_owned(), text(keys::FORMAT)),
        (SK.to_owned(), text(keys::FORMAT)),
        (MIN_READER.to_owned(), number(format.min_reader)),
        (MIN_WRITER.to_owned(), number(format.min_writer)),
    ])
}

/// Reads the item.
pub(crate) fn read(item: &Item) -> Result<Format> {
    Ok(Format { min_reader: item.parse(MIN_READER)?, min_writer: item.parse(MIN_WRITER)? })
}

/// Tells whoever starts on a table without the item what to do.
pub(crate) fn missing(table: &str) -> BackendError {
    BackendError::rejected(format!(
        "the table {table} has no format item. If it is new, made by a template or by hand, set it up with \
         `a2a-node provision --table {table}` or `table::set_up`. If it holds tasks, an earlier edition made it, \
         whose format this build does not read: make a new table under another name"
    ))
}

/// Tells whoever sets up a table that is in use what to do.
pub(crate) fn in_use(table: &str) -> BackendError {
    BackendError::rejected(format!(
        "the table {table} has no format item and is not empty: an earlier edition made it, whose format this build \
         does not read, or something else. Make a new table under another name with `a2a-node provision` or \
         `table::create_table`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_reads_back() {
        let format = Format { min_reader: 2, min_writer: 3 };
        assert_eq!(read(&item(format)).unwrap(), format);
    }
}
