//! How the instances of a world reach each other.

use std::sync::Arc;
use std::time::Duration;

use a2a_core::EventBus;
use a2a_testkit::{Delay, FaultyBus, Forecast, Weather};

/// A bus that works, none, and one that loses, repeats and reorders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bus {
    /// It works.
    Plugged,
    /// Nothing is sent, and nothing arrives.
    Unplugged,
    /// It loses, repeats, refuses and reorders.
    Bad,
}

impl Bus {
    /// Makes a bus as good as this.
    pub fn spoil(self, bus: Arc<dyn EventBus>, seed: u64) -> Arc<dyn EventBus> {
        let weather = match self {
            Bus::Plugged => return bus,
            Bus::Unplugged => Weather::unplugged(),
            Bus::Bad => Weather::new(Forecast {
                loss: 0.2,
                duplication: 0.2,
                send_failed: 0.05,
                bus_delay: Delay::between(Duration::ZERO, Duration::from_millis(30)),
                ..Forecast::calm()
            }),
        };
        Arc::new(FaultyBus::new(bus, weather, seed))
    }
}
