//! What all settings are like: private, each with a default, and set by a method of its name.

/// Declares settings with their defaults, and for each the method that sets it, with the documentation given here.
macro_rules! settings {
    (
        $(#[$about:meta])*
        pub struct $settings:ident {
            $($(#[$doc:meta])* $name:ident: $type:ty = $default:expr,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $settings {
            $(pub(crate) $name: $type,)*
        }

        impl Default for $settings {
            fn default() -> Self {
                $settings { $($name: $default,)* }
            }
        }

        impl $settings {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(mut self, $name: $type) -> Self {
                    self.$name = $name;
                    self
                }
            )*
        }
    };
}

pub(super) use settings;
