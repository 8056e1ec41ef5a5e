//! Errors in JSON, as JSON-RPC and REST hold them.

use a2a::{A2AError, JsonRpcError};
use a2a_cluster::retry_after;
use serde_json::{Value, json};

/// Says how long to wait, in the form of protobuf's durations.
const RETRY_INFO_TYPE: &str = "type.googleapis.com/google.rpc.RetryInfo";

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
    if let Some(wait) = retry_after(error) {
        let wait = json!({ "@type": RETRY_INFO_TYPE, "retryDelay": format!("{}s", wait.as_secs()) });
        if let Some(details) = detailed.data.get_or_insert_with(|| json!([])).as_array_mut() {
            details.push(wait);
        }
    }
    detailed
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use a2a_cluster::unavailable;

    use super::*;

    #[test]
    fn how_long_to_wait_is_a_detail_of_its_own() {
        let detailed = detailed(&unavailable(Duration::from_secs(3)));
        let details = detailed.data.unwrap();
        let info = details.as_array().unwrap().iter().find(|detail| detail["@type"] == RETRY_INFO_TYPE);
        assert_eq!(info.unwrap()["retryDelay"], "3s");
    }

    #[test]
    fn the_time_of_an_error_ends_in_z() {
        let detailed = detailed(&A2AError::task_not_found("t"));
        let time = detailed.data.unwrap()[0]["metadata"]["timestamp"].as_str().unwrap().to_owned();
        assert!(time.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(&time).is_ok(), "{time}");
    }
}
