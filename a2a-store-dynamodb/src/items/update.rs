//! Changes of attributes as an update expression.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::items::attributes::{Change, EXPIRES};

/// Makes an update expression that sets what has a value and removes what has none. `keeps_expiry`: when the item expires
/// stays as it is, if that is said.
pub(crate) fn expression(
    changes: Vec<Change>,
    keeps_expiry: bool,
) -> (String, HashMap<String, AttributeValue>) {
    let mut set = Vec::new();
    let mut remove = Vec::new();
    let mut values = HashMap::new();
    for (name, value) in changes {
        match value {
            Some(value) => {
                set.push(match keeps_expiry && name == EXPIRES {
                    true => format!("{name} = if_not_exists({name}, :{name})"),
                    false => format!("{name} = :{name}"),
                });
                values.insert(format!(":{name}"), value);
            }
            None => remove.push(name),
        }
    }
    let mut expression = format!("SET {}", set.join(", "));
    if !remove.is_empty() {
        expression.push_str(" REMOVE ");
        expression.push_str(&remove.join(", "));
    }
    (expression, values)
}

#[cfg(test)]
mod tests {
    use crate::items::attributes::{number, text};

    use super::*;

    #[test]
    fn an_expression_sets_values_and_removes_the_rest() {
        let (expression, values) =
            expression(vec![("a", Some(number(1))), ("b", None), ("c", Some(text("x")))], false);
        assert_eq!(expression, "SET a = :a, c = :c REMOVE b");
        assert_eq!(values.len(), 2);
        let (expression, _) = super::expression(vec![(EXPIRES, Some(number(1)))], true);
        assert_eq!(expression, "SET x = if_not_exists(x, :x)");
    }
}
