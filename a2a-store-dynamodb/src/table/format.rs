//! The format item: which builds may read and write the table. Put into a table before anything else.

use std::collections::HashMap;

use a2a_core::{BackendError, Format, Result};

use crate::items::attributes::{Attributes, Item, PK, SK, number, text};
use crate::items::keys;

/// The oldest format whose readers understand everything.
const MIN_READER: &str = "r";
/// The oldest format whose writers break nothing.
const MIN_WRITER: &str = "w";

/// How items lie in the table: 1 was before there was the number.
const LAYOUT: &str = "l";
/// The layout of this build.
const BUILD: u32 = 2;

/// Makes the item.
pub(crate) fn item(format: Format) -> Item {
    HashMap::from([
        (PK.to_owned(), text(keys::FORMAT)),
        (SK.to_owned(), text(keys::FORMAT)),
        (MIN_READER.to_owned(), number(format.min_reader)),
        (MIN_WRITER.to_owned(), number(format.min_writer)),
        (LAYOUT.to_owned(), number(BUILD)),
    ])
}

/// Reads the item.
///
/// # Errors
///
/// `Rejected` where items lie otherwise in the table than this build has them.
pub(crate) fn read(item: &Item) -> Result<Format> {
    let layout = item.find(LAYOUT)?.unwrap_or(1);
    if layout < BUILD {
        return Err(BackendError::rejected(format!(
            "the table is in layout {layout}, and this build knows none before {BUILD}: make a new table under another \
             name with `a2a-node provision` or `table::create_table`, and let what runs on the old one end"
        )));
    }
    if layout > BUILD {
        return Err(BackendError::rejected(format!(
            "the table is in layout {layout}, and this build knows up to {BUILD}: deploy a newer build"
        )));
    }
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

    #[test]
    fn another_layout_is_refused_with_words_that_say_what_to_do() {
        let mut table = item(Format::CURRENT);
        table.remove(LAYOUT);
        assert!(read(&table).unwrap_err().to_string().contains("new table"));
        table.insert(LAYOUT.to_owned(), number(BUILD + 1));
        assert!(read(&table).unwrap_err().to_string().contains("newer build"));
    }
}
