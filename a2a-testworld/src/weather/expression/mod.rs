//! DynamoDB's expressions, as far as the weather has to understand them: conditions on keys and filters, which it
//! evaluates on entries of an index that the endpoint no longer has; and what an update does to top-level attributes.

mod condition;
mod evaluate;
mod tokens;
mod update;

pub(super) use condition::{Condition, parse};
pub(super) use evaluate::holds;
pub(super) use tokens::{Scope, tokens};
pub(super) use update::{Assignment, Effect, assignments};

#[cfg(test)]
mod tests;
