//! Errors in JSON, as JSON-RPC and REST hold them.

use a2a::{A2AError, JsonRpcError};
use serde_json::Value;

/// The code, the message and the details of an error, its `ErrorInfo` with the time included. Times are in UTC and end in `Z`, as
/// everywhere else (§5.6.1).
pub(super) fn detailed(error: &A2AError) -> JsonRpcError {
    let mut detailed = error.to_jsonrpc_error();
    let details = detailed.data.iter_mut().filter_map(Value::as_array_mut).flatten();
    for time in details.filter_map(|detail| detail.get_mut("metadata")?.get_mut("timestamp")) {
        if let Some(local) = time.as_str().and_then(|time| time.strip_suffix("+00:00")) {
            *time = format!("{local}Z").into();
        }
    }
    detailed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_an_error_ends_in_z() {
        let detailed = detailed(&A2AError::task_not_found("t"));
        let time = detailed.data.unwrap()[0]["metadata"]["timestamp"].as_str().unwrap().to_owned();
        assert!(time.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(&time).is_ok(), "{time}");
    }
}
