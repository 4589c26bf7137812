//! Filters of lists that are more than the equality of a field.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use crate::config::Config;

/// The longest value of a filter, in characters.
pub(super) const MAX_FILTER_CHARS: usize = 1000;

/// A filter of a list.
#[derive(Debug)]
pub struct DocumentFilter {
    /// Name of the parameter.
    pub name: &'static str,
    pub kind: FilterKind,
    /// Returns further spellings of a value, which find the same rows.
    pub spellings: Option<fn(&Config, &str) -> Vec<String>>,
}

/// Which rows a filter accepts. SQL expressions are on `item`, `details` and the joins of the resource.
#[derive(Debug)]
pub enum FilterKind {
    /// Rows with one of the given ids or names; repeated values are alternatives.
    Named {
        /// An expression of type `bigint[]`. An empty value of the parameter means that it has no element.
        ids: &'static str,
        /// An expression of type `text[]`. Letter case does not matter.
        names: &'static str,
    },
    /// Rows on or after a day or time.
    From(RangeOf),
    /// Rows on or before a day or time.
    Until(RangeOf),
}

/// What a range compares.
#[derive(Debug)]
pub struct RangeOf {
    /// An expression of type `date`.
    pub day: &'static str,
    /// An expression of type `timestamptz`. None: the parameter is a day.
    pub instant: Option<&'static str>,
}

impl DocumentFilter {
    pub const fn new(name: &'static str, kind: FilterKind) -> Self {
        Self { name, kind, spellings: None }
    }

    /// Returns the values that the condition compares with: the given one and its further spellings.
    ///
    /// # Errors
    /// What the parameter must be.
    pub(super) fn parse(&self, config: &Config, text: &str) -> Result<Vec<Value>, &'static str> {
        let given = self.parse_one(text.trim())?;
        let more = self.spellings.map(|spellings| spellings(config, text)).unwrap_or_default();
        Ok([given].into_iter().chain(more.into_iter().map(Value::from)).collect())
    }

    fn parse_one(&self, text: &str) -> Result<Value, &'static str> {
        match &self.kind {
            FilterKind::Named { .. } if text.contains('\0') => Err("a text without the character U+0000"),
            FilterKind::Named { .. } if text.chars().count() > MAX_FILTER_CHARS => Err("a shorter text"),
            FilterKind::Named { .. } => Ok(text.into()),
            FilterKind::From(of) | FilterKind::Until(of) => match (text.parse::<Date>(), of.instant) {
                (Ok(day), _) if text.len() == 10 && day.year() > 0 => Ok(text.into()),
                (_, None) => Err("a day like 2026-04-01"),
                (_, Some(_)) => match text.parse::<Timestamp>() {
                    Ok(instant) if instant.to_zoned(jiff::tz::TimeZone::UTC).year() > 0 => {
                        Ok(instant.to_string().into())
                    }
                    _ => Err("a day, or a time with its offset, like 2026-04-01 or 2026-04-01T09:00:00Z"),
                },
            },
        }
    }

    /// Returns the SQL condition. `values` is the list of parsed values, which the statement finds in `$1`.
    pub(super) fn condition(&self, values: &Value) -> String {
        let name = self.name;
        // The caller adds a condition and closes the parenthesis.
        let each = |cast: &str| format!("(SELECT given{cast} FROM jsonb_array_elements_text($1->'{name}') AS given");
        let numbers = each("::bigint");
        match &self.kind {
            FilterKind::Named { ids, names } => format!(
                "({ids} && ARRAY{numbers} WHERE given ~ '^[0-9]{{1,18}}$')
                  OR EXISTS (SELECT FROM unnest({names}) AS known
                             WHERE lower(btrim(known)) = ANY (ARRAY(
                                 SELECT lower(given) FROM jsonb_array_elements_text($1->'{name}') AS given
                                 WHERE given <> '')))
                  OR ($1->'{name}' @> '\"\"' AND cardinality(array_remove({ids}, NULL)) = 0))",
            ),
            FilterKind::From(of) => range(of, values, ">=", &each),
            FilterKind::Until(of) => range(of, values, "<=", &each),
        }
    }
}

/// Every given day and time has to hold.
fn range(of: &RangeOf, values: &Value, operator: &str, each: &dyn Fn(&str) -> String) -> String {
    let is_day = |value: &Value| value.as_str().is_some_and(|text| text.len() == 10);
    let values = || values.as_array().into_iter().flatten();
    let mut conditions = Vec::new();
    if values().any(is_day) {
        conditions.push(format!("{} {operator} ALL {} WHERE length(given) = 10)", of.day, each("::date")));
    }
    if let Some(instant) = of.instant.filter(|_| values().any(|value| !is_day(value))) {
        conditions.push(format!("{instant} {operator} ALL {} WHERE length(given) <> 10)", each("::timestamptz")));
    }
    conditions.join(" AND ")
}
