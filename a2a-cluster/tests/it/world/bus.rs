//! How instances reach each other, and the one way to write a test: for every bus.

use std::sync::Arc;
use std::time::Duration;

use a2a_core::EventBus;
use a2a_testkit::{Delay, FaultyBus, Forecast, Weather};

/// A bus that works, none, and one that loses, repeats and reorders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bus {
    Plugged,
    Unplugged,
    Bad,
}

/// The buses of those tests that are about what a bus carries, and hence cannot run on each. All others get
/// theirs from [`on_every_bus`].
pub(crate) mod about {
    use super::Bus;

    /// Counts each message where it is sent and where it arrives.
    pub(crate) const COUNTED_AT_BOTH_ENDS: Bus = Bus::Plugged;
    /// Looks for a sender's trace where its message arrives.
    pub(crate) const TRACED_TO_THE_RECIPIENT: Bus = Bus::Plugged;
    /// Counts the checks that stand in for messages.
    pub(crate) const NOTHING_ARRIVES: Bus = Bus::Unplugged;
}

/// Runs each test on every bus. The parameter is that bus.
macro_rules! on_every_bus {
    (@with $module:ident $kind:ident $($(#[$attribute:meta])* async fn $name:ident($bus:ident) $body:block)*) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;
            $($(#[$attribute])*
            async fn $name() {
                let $bus = $crate::world::Bus::$kind;
                $body
            })*
        }
    };
    ($($tests:tt)*) => {
        on_every_bus!(@with plugged Plugged $($tests)*);
        on_every_bus!(@with unplugged Unplugged $($tests)*);
        on_every_bus!(@with bad Bad $($tests)*);
    };
}
pub(crate) use on_every_bus;

impl Bus {
    /// Makes a bus as good as this.
    pub(crate) fn spoil(self, bus: Arc<dyn EventBus>, seed: u64) -> Arc<dyn EventBus> {
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
