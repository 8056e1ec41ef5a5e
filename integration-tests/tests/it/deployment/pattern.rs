//! Patterns of IAM: `*` is any characters, or none, `?` is one.

/// Whether a text fits a pattern, as `StringLike` and resources of policies compare.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    // For the pattern's beginning as far as it was looked at: which beginnings of the text fit it.
    let mut fitting = vec![false; text.len() + 1];
    fitting[0] = true;
    for wanted in pattern {
        let mut next = vec![false; text.len() + 1];
        next[0] = wanted == '*' && fitting[0];
        for (at, found) in text.iter().enumerate() {
            next[at + 1] = match wanted {
                '*' => next[at] || fitting[at + 1],
                '?' => fitting[at],
                exactly => fitting[at] && exactly == *found,
            };
        }
        fitting = next;
    }
    fitting[text.len()]
}

#[test]
fn a_star_is_any_characters_and_a_question_mark_is_one() {
    assert!(fits("a2a-*", "a2a-") && fits("a2a-*", "a2a-prod") && fits("*", "") && fits("a*c*e", "abcde"));
    assert!(!fits("a2a-*", "a2a") && !fits("a*c", "abd") && !fits("", "a"));
    assert!(fits("a-??", "a-12") && !fits("a-??", "a-1") && !fits("a-??", "a-123") && !fits("?", ""));
}
