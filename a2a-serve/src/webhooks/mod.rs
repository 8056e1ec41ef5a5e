//! Push notifications over HTTP, to public addresses only: nobody makes a server call its own network by configuring a
//! webhook (specification, section 13.2).

mod guard;
mod resolver;
mod transport;

pub use transport::HttpWebhooks;
