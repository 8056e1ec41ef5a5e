//! Receipt handles of second copies, which the endpoint does not know.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

const MARK: &str = "weather-copy-";

/// Messages that came twice, by the endpoint's handle, and whether they were deleted. Deleting them by their other handle
/// succeeds as it does in AWS, where emulators may refuse it.
#[derive(Debug, Default)]
pub(super) struct Twice(HashMap<String, bool>);

impl Twice {
    pub(super) fn came(&mut self, handle: &str) {
        self.0.entry(handle.to_owned()).or_default();
    }

    pub(super) fn deleted(&mut self, of: &Value) {
        if let Some(deleted) = handle(of).and_then(|handle| self.0.get_mut(handle)) {
            *deleted = true;
        }
    }

    pub(super) fn was_deleted(&self, of: &Value) -> bool {
        handle(of).and_then(|handle| self.0.get(handle)).copied().unwrap_or_default()
    }
}

/// The handle of a message, a request or an entry of a batch.
pub(super) fn handle(of: &Value) -> Option<&str> {
    of.get("ReceiptHandle").and_then(Value::as_str)
}

/// A handle of its own for a copy of a message.
pub(super) fn of_copy(handle: &str, number: u64) -> String {
    format!("{MARK}{number}-{handle}")
}

/// Puts the endpoint's handles into a request in place of those of copies.
pub(super) fn translate(request: &mut Map<String, Value>) {
    own(request);
    let entries = request.get_mut("Entries").and_then(Value::as_array_mut);
    entries.into_iter().flatten().filter_map(Value::as_object_mut).for_each(own);
}

fn own(of: &mut Map<String, Value>) {
    let handle = of.get("ReceiptHandle").and_then(Value::as_str);
    let known = handle.and_then(|handle| handle.strip_prefix(MARK)?.split_once('-'));
    if let Some(known) = known.map(|(_, handle)| json!(handle)) {
        of.insert("ReceiptHandle".to_owned(), known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copys_handle_becomes_that_of_the_message() {
        let handle = of_copy("a-b", 7);
        let mut request =
            json!({"ReceiptHandle": handle, "Entries": [{"ReceiptHandle": handle}, {"Id": "1"}]});
        translate(request.as_object_mut().unwrap());
        assert_eq!(
            request,
            json!({"ReceiptHandle": "a-b", "Entries": [{"ReceiptHandle": "a-b"}, {"Id": "1"}]})
        );
    }
}
