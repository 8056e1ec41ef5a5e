//! Reading and changing the XML of SNS's answers, as far as the weather has to.

/// The texts of all elements of a name, in order, as they are written. Elements of one name do not lie within each other.
pub(super) fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
    let parts = xml.split(begin.as_str()).skip(1);
    parts.filter_map(|part| part.split_once(end.as_str()).map(|(text, _)| text)).collect()
}

/// The text of the first element of a name, without escapes.
pub(super) fn text(xml: &str, name: &str) -> Option<String> {
    elements(xml, name).first().map(|text| unescaped(text))
}

/// The value of a key in a map of attributes.
pub(super) fn attribute(xml: &str, key: &str) -> Option<String> {
    let entries = elements(xml, "entry").into_iter();
    let mut of_key = entries.filter(|entry| text(entry, "key").as_deref() == Some(key));
    text(of_key.next()?, "value")
}

/// Sets the value of a key in a map of attributes.
pub(super) fn with_attribute(xml: &str, key: &str, value: &str) -> String {
    let new = format!("<entry><key>{key}</key><value>{}</value></entry>", escaped(value));
    let entries = elements(xml, "entry").into_iter();
    let mut old = entries.filter(|entry| text(entry, "key").as_deref() == Some(key));
    match old.next() {
        Some(old) => xml.replacen(&format!("<entry>{old}</entry>"), &new, 1),
        None => xml.replacen("</Attributes>", &format!("{new}</Attributes>"), 1),
    }
}

/// A text that stands in XML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn unescaped(text: &str) -> String {
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    plain.replace("&#34;", "\"").replace("&apos;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "<R><Attributes><entry><key>Raw</key><value>true</value></entry><entry><key>FilterPolicy</key>\
        <value>{&quot;a&quot;:[&quot;1 &amp;lt; 2&quot;]}</value></entry></Attributes></R>";

    #[test]
    fn an_attribute_is_read_and_changed() {
        assert_eq!(attribute(ANSWER, "FilterPolicy").as_deref(), Some(r#"{"a":["1 &lt; 2"]}"#));
        let changed = with_attribute(ANSWER, "FilterPolicy", r#"{"b":["<"]}"#);
        assert_eq!(attribute(&changed, "FilterPolicy").as_deref(), Some(r#"{"b":["<"]}"#));
        assert_eq!(attribute(&changed, "Raw").as_deref(), Some("true"));
        let added = with_attribute("<Attributes></Attributes>", "A", "b");
        assert_eq!(attribute(&added, "A").as_deref(), Some("b"));
    }

    #[test]
    fn elements_are_found_in_order() {
        assert_eq!(elements("<a><b>1</b><b>2</b><b/></a>", "b"), ["1", "2"]);
        assert_eq!(text("<a></a>", "b"), None);
    }
}
