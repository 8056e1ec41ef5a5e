//! The unbroken reference passes every suite.

use crate::reference::{Location, Meeting};

a2a_testkit::task_store_suite!(Location);
a2a_testkit::membership_suite!(Location);
a2a_testkit::push_configs_suite!(Location);
a2a_testkit::event_bus_suite!(Meeting);
