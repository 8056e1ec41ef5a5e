//! What turns a bill of some seconds into one of a month.

/// The hours that AWS counts as a month.
pub(super) const SECONDS_A_MONTH: f64 = 730.0 * 3600.0;
