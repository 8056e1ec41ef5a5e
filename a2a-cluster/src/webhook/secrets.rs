//! A config as it is shown: that there are secrets, and not which.

use a2a::TaskPushNotificationConfig;

/// What stands for a secret.
const VEIL: &str = "[not shown]";

/// Tells whether a text stands for a secret: somebody sends back what was shown.
pub(super) fn is_veil(text: &str) -> bool {
    text == VEIL
}

/// Shows a config without its token and credentials.
pub(crate) fn veiled(mut config: TaskPushNotificationConfig) -> TaskPushNotificationConfig {
    let credentials = config.authentication.as_mut().and_then(|it| it.credentials.as_mut());
    for secret in [config.token.as_mut(), credentials].into_iter().flatten() {
        if !secret.is_empty() {
            VEIL.clone_into(secret);
        }
    }
    config
}
