//! One line of the bill: units of one partition of a table or an index.

/// What was, or would be, consumed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) table: String,
    /// The index; `None` is the table itself.
    pub(super) index: Option<String>,
    /// The partition key; `None` where it is not known.
    pub(super) partition: Option<String>,
    pub(super) axis: Axis,
    pub(super) units: f64,
}

/// Read or write units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Axis {
    Read,
    Write,
}

impl Axis {
    pub(super) fn word(self) -> &'static str {
        match self {
            Axis::Read => "Read",
            Axis::Write => "Write",
        }
    }
}

/// The name of a table that a request names by its name or its ARN.
pub(super) fn table_name(named: &str) -> &str {
    named.rsplit_once(":table/").map_or(named, |(_, name)| name)
}
