//! Content that careless encodings lose: exact numbers, raw bytes, odd characters, empty things.

use std::collections::HashMap;

use a2a::Part;
use serde_json::{Map, Value, json};

/// Returns text with characters that parsers, databases and brokers like to trip over.
pub fn awkward_text() -> String {
    let controls: String = (0..32).map(char::from).collect();
    format!("{controls}\u{7f}\"\\/'`<&>%00\u{feff}\u{fffd}\u{fffe}\u{ffff}\u{2028}\u{202e}é e\u{301} 🦀 👩‍👩‍👧 ﷽")
}

/// Returns metadata with numbers at the edge of what doubles hold, deep nesting and empty values.
pub fn awkward_metadata() -> HashMap<String, Value> {
    let mut deep = json!(["bottom"]);
    for level in 0..40 {
        deep = if level % 2 == 0 { json!({ "in": deep }) } else { json!([deep, null]) };
    }
    let fields = [
        ("floats", json!([0.1, 0.30000000000000004, 1e-7, 5e-324, 1.7976931348623157e308, -2.5, 1.0, 1e21])),
        ("integers", json!([0, -1, i64::MIN, i64::MAX, u64::MAX, 9_007_199_254_740_993_i64])),
        ("nothing", json!([null, "", [], {}, false])),
        ("deep", deep),
        ("", json!("the empty key")),
        ("$type", json!({ "S": "looks like an encoding", "NULL": true })),
        ("text", json!(awkward_text())),
    ];
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Returns parts of every kind, each once plain and once awkward.
pub fn parts_of_every_kind() -> Vec<Part> {
    let object: Map<String, Value> = awkward_metadata().into_iter().collect();
    let mut annotated =
        Part::text("annotated").with_media_type("text/plain; charset=utf-8").with_filename("a/b ☃");
    annotated.metadata = Some(awkward_metadata());
    vec![
        Part::text("plain"),
        Part::text(""),
        Part::text(awkward_text()),
        Part::raw((0..=255).collect()),
        Part::raw(Vec::new()),
        Part::url("https://example.com/?q=a&b=%20#c"),
        Part::data(Value::Object(object)),
        Part::data(Value::Null),
        Part::data(json!(0.1)),
        Part::data(json!("text that is data")),
        annotated,
    ]
}

/// Returns `bytes` of text that does not compress well.
pub fn noise(seed: u64, bytes: usize) -> String {
    let mut rng = fastrand::Rng::with_seed(seed);
    (0..bytes).map(|_| rng.alphanumeric()).collect()
}
