//! Filters: `{field, operation, value}` or `{field, operation, values}`, all values being strings (facts §1.6).
//!
//! Where the facts are silent: `eq`, `in` and comparisons respect case, `like` and `wordlike` do not; null passes only
//! `isnull`, `ne` and `notin`.

use std::cmp::Ordering;

use apollo_compiler::resolvers::FieldError;
use serde::Deserialize;

use crate::view::field_error;

/// What a row has to compare.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Attribute {
    Text(Option<String>),
    Number(Option<i64>),
    Bool(bool),
    /// Compared as the id, ordered by the number.
    Id {
        id: String,
        number: u64,
    },
    /// A list, for `contains`.
    List(Vec<String>),
}

/// One filter of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Filter {
    pub(crate) field: String,
    operation: Operation,
    value: Option<String>,
    values: Option<Vec<Option<String>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Operation {
    Eq,
    Ne,
    Ge,
    Gt,
    Le,
    Lt,
    Isnull,
    Notnull,
    Like,
    Wordlike,
    In,
    Notin,
    Contains,
}

impl Filter {
    /// A filter that lacks what its operation needs fails the whole request.
    pub(crate) fn check(&self) -> Result<(), FieldError> {
        let field = &self.field;
        match self.operation {
            Operation::Isnull | Operation::Notnull => Ok(()),
            Operation::In | Operation::Notin | Operation::Contains if self.values.is_none() => {
                field_error(format!("the filter on \"{field}\" needs \"values\""))
            }
            Operation::In | Operation::Notin | Operation::Contains => Ok(()),
            _ if self.value.is_none() => field_error(format!("the filter on \"{field}\" needs \"value\"")),
            _ => Ok(()),
        }
    }

    /// Whether a row with this attribute passes.
    pub(crate) fn matches(&self, attribute: &Attribute) -> Result<bool, FieldError> {
        let value = self.value.as_deref().unwrap_or_default();
        let values = self.values.as_deref().unwrap_or_default();
        let is_listed = || -> Result<bool, FieldError> {
            for value in values.iter().flatten() {
                if self.compare(attribute, value)? == Some(Ordering::Equal) {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        Ok(match self.operation {
            Operation::Isnull => is_null(attribute),
            Operation::Notnull => !is_null(attribute),
            Operation::In => is_listed()?,
            Operation::Notin => !is_listed()?,
            Operation::Contains => values.iter().flatten().all(|value| contains(attribute, value)),
            Operation::Like => to_texts(attribute).iter().any(|text| like(&text.to_lowercase(), &value.to_lowercase())),
            Operation::Wordlike => to_texts(attribute).iter().any(|text| wordlike(text, value)),
            Operation::Ne => self.compare(attribute, value)? != Some(Ordering::Equal),
            compared => self.compare(attribute, value)?.is_some_and(|ordering| match compared {
                Operation::Eq => ordering.is_eq(),
                Operation::Ge => ordering.is_ge(),
                Operation::Gt => ordering.is_gt(),
                Operation::Le => ordering.is_le(),
                _ => ordering.is_lt(),
            }),
        })
    }

    /// How the attribute stands to a value; `None` for null.
    fn compare(&self, attribute: &Attribute, value: &str) -> Result<Option<Ordering>, FieldError> {
        let malformed =
            |kind: &str| field_error(format!("the filter on \"{}\" expects {kind}, not \"{value}\"", self.field));
        match attribute {
            Attribute::Text(text) => Ok(text.as_deref().map(|text| text.cmp(value))),
            Attribute::Number(number) => match value.parse::<i64>() {
                Ok(value) => Ok(number.map(|number| number.cmp(&value))),
                Err(_) => malformed("a number"),
            },
            Attribute::Bool(flag) => match value.to_ascii_lowercase().as_str() {
                "true" => Ok(Some(flag.cmp(&true))),
                "false" => Ok(Some(flag.cmp(&false))),
                _ => malformed("\"true\" or \"false\""),
            },
            Attribute::Id { id, .. } => Ok(Some(id.as_str().cmp(value))),
            Attribute::List(items) => {
                Ok(Some(if items.iter().any(|item| item == value) { Ordering::Equal } else { Ordering::Less }))
            }
        }
    }
}

/// Order of two rows by one attribute; null first.
pub(crate) fn compare(left: &Attribute, right: &Attribute) -> Ordering {
    match (left, right) {
        (Attribute::Text(left), Attribute::Text(right)) => left.cmp(right),
        (Attribute::Number(left), Attribute::Number(right)) => left.cmp(right),
        (Attribute::Bool(left), Attribute::Bool(right)) => left.cmp(right),
        (Attribute::Id { number: left, .. }, Attribute::Id { number: right, .. }) => left.cmp(right),
        _ => Ordering::Equal,
    }
}

fn is_null(attribute: &Attribute) -> bool {
    matches!(attribute, Attribute::Text(None) | Attribute::Number(None))
}

fn contains(attribute: &Attribute, value: &str) -> bool {
    match attribute {
        Attribute::List(items) => items.iter().any(|item| item == value),
        other => to_texts(other).iter().any(|text| text.contains(value)),
    }
}

fn to_texts(attribute: &Attribute) -> Vec<String> {
    match attribute {
        Attribute::Text(text) => text.iter().cloned().collect(),
        Attribute::Number(number) => number.iter().map(i64::to_string).collect(),
        Attribute::Bool(flag) => vec![flag.to_string()],
        Attribute::Id { id, .. } => vec![id.clone()],
        Attribute::List(items) => items.clone(),
    }
}

/// SQL's LIKE with `%` only.
fn like(text: &str, pattern: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('%') else {
        return text == pattern;
    };
    let Some(mut remaining) = text.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('%').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        match remaining.find(part) {
            Some(at) => remaining = &remaining[at + part.len()..],
            None => return false,
        }
    }
    remaining.ends_with(tail)
}

/// The words of `phrase` stand in `text` in their order, as whole words, next to each other.
fn wordlike(text: &str, phrase: &str) -> bool {
    let (text, phrase) = (words(text), words(phrase));
    phrase.is_empty() || text.windows(phrase.len()).any(|window| window == phrase)
}

fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    parts.map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_knows_per_cent_only() {
        for (text, pattern, expected) in [
            ("ann archer", "ann%archer", true),
            ("ann archer", "ann", false),
            ("ann archer", "%cher", true),
            ("ann archer", "ann%", true),
            ("ann archer", "%n a%", true),
            ("ann archer", "a_n%", false),
            ("aba", "ab%ba", false),
            ("", "%", true),
        ] {
            assert_eq!(like(text, pattern), expected, "{text} like {pattern}");
        }
    }

    #[test]
    fn wordlike_wants_whole_words_in_order() {
        for (text, phrase, expected) in [
            ("ELO-CB1-01-26A", "elo cb1", true),
            ("ELO-CB1-01-26A", "CB", false),
            ("Live Online", "online live", false),
            ("Live, online!", "live online", true),
        ] {
            assert_eq!(wordlike(text, phrase), expected, "{text} wordlike {phrase}");
        }
    }
}
