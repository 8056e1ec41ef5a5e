//! The wrappers inject what the forecast says, and nothing else.

mod bus;
mod calm;
mod frozen;
mod simulations;
mod store;
