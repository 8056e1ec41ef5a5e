//! The grammar of conditions.

use serde_json::Value;

use super::tokens::{Scope, tokens};

/// A condition, with its words resolved.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::weather) enum Condition {
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Compare(Operand, String, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Call(String, Vec<Operand>),
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::weather) enum Operand {
    Path(Vec<Step>),
    Value(Value),
    Size(Vec<Step>),
}

/// A step of the path to an attribute.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::weather) enum Step {
    Name(String),
    Index(usize),
}

impl Condition {
    /// The value to which the condition ties a top-level attribute, whatever else it says.
    pub(in crate::weather) fn equal_to(&self, attribute: &str) -> Option<&Value> {
        let is_it = |path: &[Step]| matches!(path, [Step::Name(name)] if name == attribute);
        match self {
            Condition::And(a, b) => a.equal_to(attribute).or_else(|| b.equal_to(attribute)),
            Condition::Compare(Operand::Path(path), sign, Operand::Value(value))
            | Condition::Compare(Operand::Value(value), sign, Operand::Path(path))
                if sign == "=" && is_it(path) =>
            {
                Some(value)
            }
            _ => None,
        }
    }
}

/// Reads a condition. `None` where it is not understood, or a word stands for nothing.
pub(in crate::weather) fn parse(expression: &str, scope: &Scope<'_>) -> Option<Condition> {
    let tokens = tokens(expression);
    let mut parser = Parser { tokens: &tokens, scope };
    let condition = parser.any()?;
    parser.tokens.is_empty().then_some(condition)
}

struct Parser<'a> {
    tokens: &'a [&'a str],
    scope: &'a Scope<'a>,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<&str> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn takes(&mut self, word: &str) -> bool {
        let there = self.tokens.first().is_some_and(|token| token.eq_ignore_ascii_case(word));
        if there {
            self.next();
        }
        there
    }

    fn any(&mut self) -> Option<Condition> {
        let mut left = self.all()?;
        while self.takes("OR") {
            left = Condition::Or(Box::new(left), Box::new(self.all()?));
        }
        Some(left)
    }

    fn all(&mut self) -> Option<Condition> {
        let mut left = self.one()?;
        while self.takes("AND") {
            left = Condition::And(Box::new(left), Box::new(self.one()?));
        }
        Some(left)
    }

    fn one(&mut self) -> Option<Condition> {
        if self.takes("NOT") {
            return Some(Condition::Not(Box::new(self.one()?)));
        }
        if self.takes("(") {
            let inner = self.any()?;
            return self.takes(")").then_some(inner);
        }
        let call = matches!(self.tokens, [name, "(", ..] if !name.eq_ignore_ascii_case("size"));
        if call {
            let name = self.next()?.to_owned();
            return Some(Condition::Call(name, self.list()?));
        }
        let left = self.operand()?;
        if self.takes("BETWEEN") {
            let low = self.operand()?;
            let high = self.takes("AND").then(|| self.operand())??;
            return Some(Condition::Between(left, low, high));
        }
        if self.takes("IN") {
            return Some(Condition::In(left, self.list()?));
        }
        let sign = self.next()?.to_owned();
        let known = ["=", "<>", "<", "<=", ">", ">="].contains(&sign.as_str());
        Some(Condition::Compare(left, known.then_some(sign)?, self.operand()?))
    }

    fn list(&mut self) -> Option<Vec<Operand>> {
        let mut found = self.takes("(").then(Vec::new)?;
        loop {
            found.push(self.operand()?);
            if self.takes(")") {
                return Some(found);
            }
            self.takes(",").then_some(())?;
        }
    }

    fn operand(&mut self) -> Option<Operand> {
        let word = self.next()?.to_owned();
        if word.starts_with(':') {
            return self.scope.value(&word).map(Operand::Value);
        }
        if word.eq_ignore_ascii_case("size") && self.takes("(") {
            let first = self.next()?.to_owned();
            let path = self.path(&first)?;
            return self.takes(")").then_some(Operand::Size(path));
        }
        self.path(&word).map(Operand::Path)
    }

    fn path(&mut self, first: &str) -> Option<Vec<Step>> {
        let mut path = vec![Step::Name(self.scope.name(first)?)];
        loop {
            if self.takes(".") {
                let word = self.next()?.to_owned();
                path.push(Step::Name(self.scope.name(&word)?));
            } else if self.takes("[") {
                path.push(Step::Index(self.next()?.parse().ok()?));
                self.takes("]").then_some(())?;
            } else {
                return Some(path);
            }
        }
    }
}
