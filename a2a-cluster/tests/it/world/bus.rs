//! The one way to write a test: for every bus.

/// The buses of those tests that are about what a bus carries, and hence cannot run on each. All others get
/// theirs from [`on_every_bus`].
pub(crate) mod about {
    use a2a_testworld::world::Bus;

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
