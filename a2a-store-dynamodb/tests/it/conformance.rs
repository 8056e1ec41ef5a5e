//! The suites of the testkit against the crate's public API.

use crate::place::Place;

a2a_testkit::task_store_suite!(Place);
a2a_testkit::membership_suite!(Place);
a2a_testkit::push_configs_suite!(Place);
