//! The suites can fail: each broken backend is rejected by the sentences that it breaks, and the unbroken
//! reference by none.

mod bus_flaw;
mod buses;
mod claims;
mod commits;
mod conforming;
mod deployments;
mod facts;
mod fences;
pub(crate) mod flaw;
mod given_up;
mod lists;
mod members;
mod purging;
mod retries;
mod verdict;
mod webhooks;
