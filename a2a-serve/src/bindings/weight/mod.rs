//! How much memory a request would take once it is read, counted before anything of it is built.
//!
//! A value takes many times the bytes that it is written in: an object of one empty name and a zero is seven bytes long as JSON,
//! and some seven hundred large. So what is bounded is not only a request's size, but what it would become.

pub(super) mod json;
pub(super) mod proto;

/// What is allowed whatever the size, in bytes.
const BASE: usize = 1024 * 1024;
/// How many times its size the values of a request may take. The request itself and the texts in it come on top.
const TIMES: usize = 5;

/// What the values of a request of so many bytes may take.
fn allowed(bytes: usize) -> usize {
    bytes.saturating_mul(TIMES).saturating_add(BASE)
}

/// What is told of a request that would take more.
pub(super) const TOO_MANY_VALUES: &str =
    "the request holds more values than one of its size may: it would take many times its size of memory";
