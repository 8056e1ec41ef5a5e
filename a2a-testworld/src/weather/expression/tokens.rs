//! Words and signs of an expression, and what the words stand for.

use serde_json::{Map, Value};

/// Cuts an expression into words, whose first letter may be `#` or `:`, and signs.
pub(in crate::weather) fn tokens(expression: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '#' || c == ':';
        let length = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else if ["<=", ">=", "<>"].iter().any(|sign| rest.starts_with(sign)) {
            2
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        found.push(token);
        rest = after.trim_start();
    }
    found
}

/// What a request says its words stand for.
#[derive(Debug, Clone, Copy)]
pub(in crate::weather) struct Scope<'a> {
    names: Option<&'a Map<String, Value>>,
    values: Option<&'a Map<String, Value>>,
}

impl<'a> Scope<'a> {
    /// The scope of a request, or of one action of it.
    pub(in crate::weather) fn of(request: &'a Map<String, Value>) -> Self {
        let map = |name: &str| request.get(name).and_then(Value::as_object);
        Scope { names: map("ExpressionAttributeNames"), values: map("ExpressionAttributeValues") }
    }

    /// The attribute of which a word speaks.
    pub(in crate::weather) fn name(&self, word: &str) -> Option<String> {
        match word.starts_with('#') {
            true => self.names?.get(word)?.as_str().map(str::to_owned),
            false => Some(word.to_owned()),
        }
    }

    /// The value for which a word stands.
    pub(in crate::weather) fn value(&self, word: &str) -> Option<Value> {
        self.values?.get(word).cloned()
    }
}
