//! An empty page of tasks says so: fields that are required (`a2a.proto`) are present at their defaults too, which the
//! generated serialisation leaves out.

use axum::body::{Body, to_bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};

/// Adds the required fields of a page that lacks them. A JSON pointer says where the page is in the answer.
pub(super) async fn complete(response: Response, pointer: &str) -> Response {
    let (mut head, body) = response.into_parts();
    // The SDK has it in memory already, whole.
    let text = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let text = completed(&text, pointer).unwrap_or(text);
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, Body::from(text))
}

fn completed(text: &[u8], pointer: &str) -> Option<Bytes> {
    let mut answer: Value = serde_json::from_slice(text).ok()?;
    let page = answer.pointer_mut(pointer)?.as_object_mut()?;
    page.entry("tasks").or_insert_with(|| json!([]));
    page.entry("totalSize").or_insert_with(|| json!(0));
    serde_json::to_vec(&answer).ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_stays_and_what_is_not_a_page_is_left_alone() {
        let complete =
            |text: &str| completed(text.as_bytes(), "").map(|text| serde_json::from_slice(&text).unwrap());
        let page = json!({ "tasks": [], "totalSize": 0, "pageSize": 50 });
        assert_eq!(complete(r#"{"pageSize":50}"#), Some(page));
        let page = json!({ "tasks": [], "totalSize": 7 });
        assert_eq!(complete(r#"{"totalSize":7}"#), Some(page));
        for other in ["[]", "x", ""] {
            assert_eq!(complete(other), None::<Value>, "{other:?}");
        }
    }
}
