//! Protobuf knows one kind of number. Those that are whole become whole again, as JSON writes them.

use std::collections::HashMap;

use a2a::{Message, PartContent};
use serde_json::{Number, Value};

/// From here on not every whole number has a floating point of its own.
const LARGEST: f64 = 9_007_199_254_740_992.0;

/// Makes the numbers of a message whole.
pub(super) fn make_whole_in_message(message: &mut Message) {
    for part in &mut message.parts {
        if let PartContent::Data(data) = &mut part.content {
            make_whole(data);
        }
        make_whole_in(part.metadata.as_mut());
    }
    make_whole_in(message.metadata.as_mut());
}

/// Makes the numbers of metadata whole.
pub(super) fn make_whole_in(metadata: Option<&mut HashMap<String, Value>>) {
    metadata.into_iter().flat_map(HashMap::values_mut).for_each(make_whole);
}

fn make_whole(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(whole) =
                number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() <= LARGEST)
            {
                // Whole, and within the bounds of 64 bits.
                #[allow(clippy::cast_possible_truncation)]
                let whole = whole as i64;
                *number = Number::from(whole);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_whole),
        Value::Object(fields) => fields.values_mut().for_each(make_whole),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_are_whole_and_others_as_they_were() {
        let mut value = json!([1.0, -0.0, 1.5, { "a": 9_007_199_254_740_992.0_f64, "b": 1e300 }, "1.0", 7]);
        make_whole(&mut value);
        assert_eq!(value.to_string(), r#"[1,0,1.5,{"a":9007199254740992,"b":1e+300},"1.0",7]"#);
    }
}
