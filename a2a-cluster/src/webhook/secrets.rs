//! A config as it is shown: that there are secrets, and not which.

use a2a::TaskPushNotificationConfig;

/// What stands for a secret.
const VEIL: &str = "[not shown]";

/// Tells whether a text stands for a secret: somebody sends back what was shown.
pub(super) fn is_veil(text: &str) -> bool {
    text == VEIL
}

/// A URL without the name and the password in it.
fn without_credentials(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let (_, place) = authority.rsplit_once('@')?;
    Some(format!("{scheme}://{place}{}", rest.get(authority.len()..)?))
}

/// Shows a config without its token and credentials.
pub(crate) fn veiled(mut config: TaskPushNotificationConfig) -> TaskPushNotificationConfig {
    let credentials = config.authentication.as_mut().and_then(|it| it.credentials.as_mut());
    for secret in [config.token.as_mut(), credentials].into_iter().flatten() {
        if !secret.is_empty() {
            VEIL.clone_into(secret);
        }
    }
    if let Some(url) = without_credentials(&config.url) {
        config.url = url;
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_name_and_password() {
        for (url, shown) in [
            ("https://ann:planted@example.com/hook?a=b@c", Some("https://example.com/hook?a=b@c")),
            ("https://planted@example.com", Some("https://example.com")),
            ("https://a@planted@example.com:1/x", Some("https://example.com:1/x")),
            ("https://example.com/ann:planted@x", None),
        ] {
            assert_eq!(without_credentials(url).as_deref(), shown, "{url}");
        }
    }
}
