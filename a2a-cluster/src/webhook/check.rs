//! What a config may say: what cannot be sent as it stands is refused when the config is made.

use a2a::{A2AError, AuthenticationInfo, TaskPushNotificationConfig};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};

use super::secrets::is_veil;

/// The longest URL, token or credential that is kept.
const MAX_FIELD: usize = 4096;

/// Checks the fields of a config, but for its id and whether its URL may be called.
///
/// # Errors
///
/// `InvalidParams` that names the field and repeats nothing of it.
pub(crate) fn check(config: &TaskPushNotificationConfig) -> Result<(), A2AError> {
    let token = config.token.as_deref().unwrap_or_default();
    check_text("url", &config.url)?;
    check_text("token", token)?;
    if !is_header(token) {
        return Err(invalid("token", "must be printable ASCII without spaces around it"));
    }
    if let Some(authentication) = &config.authentication {
        check_authentication(authentication)?;
    }
    Ok(())
}

fn check_authentication(authentication: &AuthenticationInfo) -> Result<(), A2AError> {
    let scheme = authentication.scheme.as_str();
    let credentials = authentication.credentials.as_deref().unwrap_or_default();
    check_text("authentication.scheme", scheme)?;
    check_text("authentication.credentials", credentials)?;
    match (scheme.is_empty(), credentials.is_empty()) {
        // Nothing is asked for.
        (true, true) => return Ok(()),
        (true, false) => return Err(invalid("authentication.scheme", "is missing: credentials have one")),
        (false, true) => {
            return Err(invalid("authentication.credentials", "are missing: the scheme needs some"));
        }
        (false, false) => {}
    }
    if !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)) {
        return Err(invalid("authentication.scheme", "is no name of an HTTP authentication scheme"));
    }
    if !is_header(credentials) {
        return Err(invalid(
            "authentication.credentials",
            "must be printable ASCII without spaces around them",
        ));
    }
    if scheme.eq_ignore_ascii_case("basic") && !is_basic(credentials) {
        return Err(invalid(
            "authentication.credentials",
            "of Basic must be a name and a password, joined by a colon, in base64",
        ));
    }
    if scheme.eq_ignore_ascii_case("bearer") && credentials.contains(' ') {
        return Err(invalid("authentication.credentials", "of Bearer must be one token"));
    }
    Ok(())
}

fn check_text(field: &str, text: &str) -> Result<(), A2AError> {
    if text.len() > MAX_FIELD {
        return Err(invalid(field, &format!("is over {MAX_FIELD} bytes")));
    }
    // It would end a header early.
    if text.chars().any(char::is_control) {
        return Err(invalid(field, "holds control characters"));
    }
    if is_veil(text) {
        return Err(invalid(field, "is what stands for a secret that is not shown"));
    }
    Ok(())
}

/// Tells whether a text arrives as it is where it is sent in a header.
fn is_header(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) && text.trim() == text
}

fn is_basic(credentials: &str) -> bool {
    let decoded = BASE64_STANDARD.decode(credentials).or_else(|_| BASE64_STANDARD_NO_PAD.decode(credentials));
    decoded.is_ok_and(|both| both.contains(&b':'))
}

fn invalid(field: &str, why: &str) -> A2AError {
    A2AError::invalid_params(format!("the push notification config's {field} {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(
        token: Option<&str>,
        authentication: Option<(&str, Option<&str>)>,
    ) -> TaskPushNotificationConfig {
        TaskPushNotificationConfig {
            url: "https://example.com/".into(),
            id: None,
            task_id: "t".into(),
            token: token.map(str::to_owned),
            authentication: authentication.map(|(scheme, credentials)| AuthenticationInfo {
                scheme: scheme.into(),
                credentials: credentials.map(str::to_owned),
            }),
            tenant: None,
        }
    }

    #[test]
    fn what_can_be_sent_as_it_stands_is_taken() {
        for right in [
            config(None, None),
            config(Some("a-token_with.signs="), None),
            config(None, Some(("Bearer", Some("abc.def-_~+/==")))),
            config(None, Some(("bearer", Some("x")))),
            config(None, Some(("Basic", Some("dTpw")))),
            config(None, Some(("basic", Some("dXNlcjpwYXNzd29yZA==")))),
            config(None, Some(("Digest", Some(r#"username="u", realm="r""#)))),
            config(None, Some(("ApiKey", Some("key-1")))),
            config(Some(""), Some(("", None))),
        ] {
            check(&right).unwrap_or_else(|error| panic!("{right:?}: {error:?}"));
        }
    }

    #[test]
    fn what_cannot_be_sent_as_it_stands_is_refused_and_not_repeated() {
        let long = "x".repeat(MAX_FIELD + 1);
        for (field, wrong) in [
            ("token", config(Some("planted\r\nX-Evil: 1"), None)),
            ("token", config(Some(" planted"), None)),
            ("token", config(Some("planted-\u{e9}"), None)),
            ("token", config(Some(&long), None)),
            ("token", config(Some("[not shown]"), None)),
            ("authentication.credentials", config(None, Some(("Bearer", None)))),
            ("authentication.credentials", config(None, Some(("Bearer", Some(""))))),
            ("authentication.scheme", config(None, Some(("", Some("planted"))))),
            ("authentication.scheme", config(None, Some(("Bear er", Some("planted"))))),
            ("authentication.scheme", config(None, Some(("Bearer:", Some("planted"))))),
            ("authentication.credentials", config(None, Some(("Basic", Some("planted:planted"))))),
            ("authentication.credentials", config(None, Some(("Basic", Some("cGxhbnRlZA=="))))),
            ("authentication.credentials", config(None, Some(("Bearer", Some("planted planted"))))),
            ("authentication.credentials", config(None, Some(("Bearer", Some("planted\n"))))),
            ("authentication.credentials", config(None, Some(("Bearer", Some("[not shown]"))))),
        ] {
            let error = check(&wrong).unwrap_err();
            assert_eq!(error.code, a2a::error_code::INVALID_PARAMS);
            assert!(error.message.contains(field) && !error.message.contains("planted"), "{}", error.message);
        }
    }
}
