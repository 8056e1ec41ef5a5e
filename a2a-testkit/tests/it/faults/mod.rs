//! The wrappers inject what the forecast says, and nothing else.

mod bus;
mod calm;
mod frozen;
mod indexes;
mod late;
mod simulations;
mod store;
