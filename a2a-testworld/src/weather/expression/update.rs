//! What an update does to attributes at the top of an item, as far as the request alone tells.

use super::super::item::Item;
use super::tokens::{Scope, tokens};
use serde_json::Value;

/// What happens to one attribute.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::weather) struct Assignment {
    pub(in crate::weather) attribute: String,
    pub(in crate::weather) effect: Effect,
}

/// What an attribute becomes.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::weather) enum Effect {
    Set(Value),
    SetIfAbsent(Value),
    Remove,
}

impl Assignment {
    /// Does it to an item.
    pub(in crate::weather) fn apply(&self, to: &mut Item) {
        match &self.effect {
            Effect::Set(value) => drop(to.insert(self.attribute.clone(), value.clone())),
            Effect::SetIfAbsent(value) => {
                to.entry(self.attribute.clone()).or_insert_with(|| value.clone());
            }
            Effect::Remove => drop(to.remove(&self.attribute)),
        }
    }
}

/// Reads an update. Arithmetic, lists, sets and nested attributes are left out: the weather reads the item after the
/// write, and needs an idea of it before.
pub(in crate::weather) fn assignments(expression: &str, scope: &Scope<'_>) -> Vec<Assignment> {
    let tokens = tokens(expression);
    let mut found = Vec::new();
    let mut clause = "";
    let mut start = 0;
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        let keyword =
            ["SET", "REMOVE", "ADD", "DELETE"].into_iter().find(|word| token.eq_ignore_ascii_case(word));
        match (*token, keyword) {
            ("(", _) => depth += 1,
            (")", _) => depth = depth.saturating_sub(1),
            (",", _) if depth == 0 => {
                found.extend(assignment(clause, &tokens[start..at], scope));
                start = at + 1;
            }
            (_, Some(keyword)) => {
                found.extend(assignment(clause, &tokens[start..at], scope));
                (clause, start) = (keyword, at + 1);
            }
            _ => {}
        }
    }
    found.extend(assignment(clause, &tokens[start..], scope));
    found
}

fn assignment(clause: &str, tokens: &[&str], scope: &Scope<'_>) -> Option<Assignment> {
    let (word, effect) = match (clause, tokens) {
        ("SET", [word, "=", value]) => (word, Effect::Set(scope.value(value)?)),
        ("SET", [word, "=", "if_not_exists", "(", same, ",", value, ")"]) if word == same => {
            (word, Effect::SetIfAbsent(scope.value(value)?))
        }
        ("REMOVE", [word]) => (word, Effect::Remove),
        ("ADD", [word, value]) => (word, Effect::SetIfAbsent(scope.value(value)?)),
        _ => return None,
    };
    Some(Assignment { attribute: scope.name(word)?, effect })
}
