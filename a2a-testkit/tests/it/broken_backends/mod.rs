//! The suites can fail: each broken backend is rejected by the sentences that it breaks, and the unbroken
//! reference by none.

mod bus_flaw;
mod buses;
mod commits;
mod conforming;
mod facts;
mod flaw;
mod lists;
mod members;
mod verdict;
mod webhooks;
