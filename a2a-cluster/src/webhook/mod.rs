//! Push notifications: the webhooks that a task's caller configured.

mod guard;

pub(crate) use guard::check_url;
