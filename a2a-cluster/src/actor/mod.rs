//! The actor of a task: everything that one instance knows of it, in one value with one owner.
//!
//! `core` decides what follows from what happens. What is around it does that, and decides nothing: a `Handle` holds
//! the core and steps it, `perform` makes the calls that it wants and tells it their outcomes, an agent is polled in
//! `agent_task`, the clock is kept by `timers`, and streams read the core's ring in `stream`. Nothing of an actor is
//! held while an agent is polled or a store is called, so that a command finds it at any time.

mod agent_stream;
mod agent_task;
mod call;
mod commit;
pub mod core;
mod deliveries;
mod handle;
mod perform;
mod registry;
mod requests;
mod stream;
mod timers;
mod watching;

pub(crate) use agent_task::Deposit;
pub(crate) use core::Until;
pub(crate) use deliveries::Deliveries;
pub(crate) use handle::Handle;
pub(crate) use perform::drive;
pub(crate) use registry::{Actors, relay_changes, stop_all};
pub(crate) use requests::{Answer, Reader};
pub(crate) use stream::{Start, join, load_known, read};
pub(crate) use timers::keep_time;
