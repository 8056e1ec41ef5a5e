//! Backends in bad weather: what can go wrong between an instance and its store or bus, on purpose and seeded.
//!
//! ```
//! use std::time::Duration;
//! use a2a_testkit::faults::{Delay, Forecast, Weather};
//!
//! let weather = Weather::new(Forecast { loss: 0.2, duplication: 0.1, ..Forecast::calm() });
//! // … wrap stores and buses with `weather.clone()`, let them run, and in the middle of it:
//! weather.change(|forecast| forecast.bus_delay = Delay::between(Duration::ZERO, Duration::from_secs(2)));
//! ```

mod action;
mod bus;
mod delay;
mod forecast;
mod index;
mod store;
mod weather;

pub use action::Action;
pub use bus::{FaultyBus, FaultyEndpoint};
pub use delay::Delay;
pub use forecast::{Forecast, Late};
pub use store::FaultyStore;
pub use weather::Weather;
