//! Size before parsing, nesting without recursion, errors without content.

use super::*;

/// A valid message of exactly this many bytes.
fn padded(bytes: usize) -> String {
    let mut text = encode(&[], &message(cancel(None)));
    text.extend(std::iter::repeat_n(' ', bytes - text.len()));
    text
}

#[test]
fn size_is_checked_before_parsing() {
    assert!(decode(&padded(MAX_BYTES)).is_ok());
    assert_eq!(decode(&padded(MAX_BYTES + 1)), Err(WireError::TooLarge));
    assert_eq!(decode(&"no JSON".repeat(MAX_BYTES)), Err(WireError::TooLarge));
}

#[test]
fn size_is_counted_in_bytes() {
    let wide = "é".repeat(MAX_BYTES / 2 + 1);
    assert!(wide.chars().count() < MAX_BYTES);
    assert_eq!(decode(&wide), Err(WireError::TooLarge));
}

#[test]
fn deep_nesting_is_malformed() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"[{"commits":"#, "}]")] {
        let levels = MAX_BYTES / 16;
        for deep in [open.repeat(levels), format!("{}1{}", open.repeat(levels), close.repeat(levels))] {
            assert_eq!(decode(&deep), Err(WireError::Malformed));
            let event = format!(r#"{{"message":{{"parts":[{{"data":{deep}}}]}}}}"#);
            let commit =
                format!(r#"{{"version":1,"generation":1,"id":"{}","events":[{event}]}}"#, instance(1));
            let text = encode(&[], &message(cancel(None)));
            let text = text.replace(r#""cancel""#, &format!(r#""commits","commits":[{commit}]"#));
            assert!(matches!(decode(&text), Err(WireError::Malformed | WireError::TooLarge)));
        }
    }
}

#[test]
fn the_nesting_that_content_may_have_survives() {
    // Limits of what callers and agents send are far below: see the cluster's configuration.
    let deep = (0..100).fold(json!("core"), |inner, _| json!([inner]));
    let mut task = task(TaskState::Working);
    task.artifacts =
        Some(vec![a2a::Artifact { parts: vec![a2a::Part::data(deep)], ..crate::samples::document("a", "") }]);
    let news = News::Commits(vec![Arc::new(record(1, vec![StreamResponse::Task(task)]))]);
    assert_eq!(decode(&encode(&[], &message(news.clone()))).unwrap().message.news, news);
}

#[test]
fn an_unknown_field_may_nest_as_it_likes() {
    let deep = format!("{}{}", "[".repeat(MAX_BYTES / 4), "]".repeat(MAX_BYTES / 4));
    let text = encode(&[], &message(cancel(None)));
    let around = text.replacen('{', &format!(r#"{{"new":{deep},"#), 1);
    assert_eq!(decode(&around).unwrap().message, message(cancel(None)));
    let text = text.replacen(r#""from""#, &format!(r#""new":{deep},"from""#), 1);
    assert_eq!(decode(&text).unwrap().message, message(cancel(None)));
}

#[test]
fn errors_repeat_nothing_of_the_message() {
    let secret = "s3cret";
    let wrong = [
        format!(r#"{{"v":"{secret}"}}"#),
        format!(r#"{{"v":1,"from":"{secret}"}}"#),
        secret.to_owned(),
        secret.repeat(MAX_BYTES),
        changed_text(|tree| tree["kind"] = json!(secret)),
        changed_text(|tree| tree["from"] = json!(secret)),
        changed_text(|tree| tree["task"] = json!(secret)),
        changed_text(|tree| tree["cancel"] = json!(secret)),
        changed_text(|tree| tree["commits"] = json!([{ "events": [{ "message": { "role": secret } }] }])),
    ];
    for text in wrong {
        let error = decode(&text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(secret));
        assert!(std::error::Error::source(&error).is_none());
    }
}

fn changed_text(change: impl FnOnce(&mut Value)) -> String {
    let mut tree = tree(cancel(None));
    change(&mut tree["body"]);
    tree.to_string()
}
