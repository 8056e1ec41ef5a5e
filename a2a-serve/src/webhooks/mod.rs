//! Push notifications over HTTP, to public addresses only: nobody makes a server call its own network by configuring a
//! webhook (specification, section 13.2).

mod addresses;
mod egress;
mod error;
mod guard;
mod names;
mod proxies;
mod resolver;
mod tls;
mod transport;

pub use error::WebhookSettingsError;
pub use transport::HttpWebhooks;
