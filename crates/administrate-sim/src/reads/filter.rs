//! Filters: `{field, operation, value}` or `{field, operation, values}`; all values are strings.
//!
//! Administrate does not document these choices: `eq`, `in` and comparisons are case-sensitive, `like` and `wordlike`
//! are not; null passes only `isnull`, `ne` and `notin`.

use std::cmp::Ordering;

use apollo_compiler::resolvers::FieldError;
use serde::Deserialize;

use crate::view::field_error;

/// A value of a row that filters and orders compare.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Attribute {
    Text(Option<String>),
    Number(Option<i64>),
    Bool(bool),
    /// A global id: filtered by the id, ordered by the number.
    Id {
        id: String,
        number: u64,
    },
    /// A list of values, mainly for `contains`.
    List(Vec<String>),
}

/// A filter of a connection.
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
    /// Fails if the filter lacks the argument that its operation needs. The error fails the whole field.
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

    /// Returns whether a row with this attribute passes.
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
            comparison => self.compare(attribute, value)?.is_some_and(|ordering| match comparison {
                Operation::Eq => ordering.is_eq(),
                Operation::Ge => ordering.is_ge(),
                Operation::Gt => ordering.is_gt(),
                Operation::Le => ordering.is_le(),
                _ => ordering.is_lt(),
            }),
        })
    }

    /// Compares the attribute to a value. Returns `None` for null.
    fn compare(&self, attribute: &Attribute, value: &str) -> Result<Option<Ordering>, FieldError> {
        let invalid =
            |kind: &str| field_error(format!("the filter on \"{}\" expects {kind}, not \"{value}\"", self.field));
        match attribute {
            Attribute::Text(text) => Ok(text.as_deref().map(|text| text.cmp(value))),
            Attribute::Number(number) => match value.parse::<i64>() {
                Ok(value) => Ok(number.map(|number| number.cmp(&value))),
                Err(_) => invalid("a number"),
            },
            Attribute::Bool(flag) => match value.to_ascii_lowercase().as_str() {
                "true" => Ok(Some(flag.cmp(&true))),
                "false" => Ok(Some(flag.cmp(&false))),
                _ => invalid("\"true\" or \"false\""),
            },
            Attribute::Id { id, .. } => Ok(Some(id.as_str().cmp(value))),
            Attribute::List(items) => {
                Ok(Some(if items.iter().any(|item| item == value) { Ordering::Equal } else { Ordering::Less }))
            }
        }
    }
}

/// Compares one attribute of two rows; null comes first.
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

/// Matches like SQL's LIKE, with `%` as the only wildcard.
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
            Some(index) => remaining = &remaining[index + part.len()..],
            None => return false,
        }
    }
    remaining.ends_with(tail)
}

/// Returns whether `text` contains the words of `phrase` in order, as whole and adjacent words.
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
    fn like_supports_percent_as_the_only_wildcard() {
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
    fn wordlike_matches_whole_words_in_order() {
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
