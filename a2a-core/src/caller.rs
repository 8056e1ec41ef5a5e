//! What an agent may know of its caller, kept beside the task so that it outlives the instance that was asked.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What an agent may know of the caller whose turn it works on, beside the [`Principal`](crate::Principal).
///
/// It is content: no log and no error shows it.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallerContext {
    /// What the caller resolver said of the caller.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub claims: Map<String, Value>,
    /// Those headers of the request that the operator lets agents see, by lower-case name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Vec<String>>,
}

impl CallerContext {
    /// The most bytes that claims and headers take together, written as JSON.
    pub const MAX_BYTES: usize = 4 * 1024;

    /// Tells whether there is nothing to know.
    pub fn is_empty(&self) -> bool {
        self.claims.is_empty() && self.headers.is_empty()
    }

    /// The bytes that it takes, written as JSON.
    pub fn bytes(&self) -> usize {
        if self.is_empty() { 0 } else { serde_json::to_vec(self).map_or(usize::MAX, |json| json.len()) }
    }
}

impl fmt::Debug for CallerContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallerContext(…)")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_reads_back_and_shows_nothing() {
        let claims = Map::from_iter([("sub".to_owned(), json!("s3cret"))]);
        let headers = BTreeMap::from([("x-trace".to_owned(), vec!["s3cret".to_owned()])]);
        let caller = CallerContext { claims, headers };
        let text = serde_json::to_string(&caller).unwrap();
        assert_eq!(serde_json::from_str::<CallerContext>(&text).unwrap(), caller);
        assert_eq!(caller.bytes(), text.len());
        assert!(!format!("{caller:?} {caller:#?}").contains("s3cret"));
    }

    #[test]
    fn nothing_takes_no_bytes() {
        assert!(CallerContext::default().is_empty());
        assert_eq!(CallerContext::default().bytes(), 0);
    }
}
