//! An agent, its store and its bus, on a socket.

mod builder;
mod run;
mod serving;
mod shown;
mod signals;

pub use builder::{Server, ServerError};
pub use serving::Serving;
pub use signals::Signals;
