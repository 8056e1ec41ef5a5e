//! Which extensions are in use: those that the client names and the agent's card declares (§3.2.6).

use a2a::AgentCard;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The service parameter, as a header and as gRPC metadata, of requests and of answers.
pub(super) const EXTENSIONS: HeaderName = HeaderName::from_static("a2a-extensions");

/// What an answer says of them, if anything. The card is only asked for where the client names some.
pub(super) fn in_use(request: &HeaderMap, card: impl FnOnce() -> AgentCard) -> Option<HeaderValue> {
    if !request.contains_key(EXTENSIONS) {
        return None;
    }
    let lines = request.get_all(EXTENSIONS).iter().filter_map(|line| line.to_str().ok());
    let named: Vec<_> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let declared = card().capabilities.extensions.unwrap_or_default();
    let used = declared.iter().map(|extension| extension.uri.as_str()).filter(|uri| named.contains(uri));
    let used = used.collect::<Vec<_>>().join(", ");
    if used.is_empty() { None } else { HeaderValue::from_str(&used).ok() }
}

#[cfg(test)]
mod tests {
    use a2a::{AgentExtension, SVC_PARAM_EXTENSIONS};

    use super::*;

    fn card(uris: &[&str]) -> AgentCard {
        let mut card = a2a_testkit::card("agent");
        let extension = |uri: &&str| AgentExtension {
            uri: (*uri).to_owned(),
            description: None,
            required: None,
            params: None,
        };
        card.capabilities.extensions = Some(uris.iter().map(extension).collect());
        card
    }

    #[test]
    fn the_name_of_the_parameter_is_the_sdks() {
        assert!(EXTENSIONS.as_str().eq_ignore_ascii_case(SVC_PARAM_EXTENSIONS));
    }

    #[test]
    fn those_that_both_know_are_in_use() {
        let asked = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(EXTENSIONS, line.parse().unwrap());
            }
            let used = in_use(&headers, || card(&["urn:a", "urn:b"]));
            used.map(|used| used.to_str().unwrap().to_owned())
        };
        assert_eq!(asked(&[]), None);
        assert_eq!(asked(&["urn:c"]), None);
        assert_eq!(asked(&["urn:c, urn:b"]).as_deref(), Some("urn:b"));
        assert_eq!(asked(&["urn:b", "urn:a,urn:a"]).as_deref(), Some("urn:a, urn:b"));
    }
}
