//! One JSON value, checked and brought into the form in which it is stored.

mod text;
mod time;

use std::collections::BTreeSet;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use self::text::{email, line, note, url};
use self::time::{clock_time, date, instant, time_zone};
use super::problems::Problems;
use super::{DefaultValue, FieldUsage, ResourceField, ValueKind};

/// The number from which an amount has too many digits.
const AMOUNT_LIMIT: i64 = 100_000_000;

/// The highest integer of a column of type integer.
pub(super) const MAX_INTEGER: i64 = i32::MAX as i64;

/// Returns the stored form of a value for a field, or adds its problems.
pub(super) fn parse_field(field: &ResourceField, value: &Value, at: &str, problems: &mut Problems) -> Option<Value> {
    let is_optional = matches!(field.usage, FieldUsage::Optional(_));
    let is_blank = value == "" && (is_text(&field.kind) || (is_optional && is_moment(&field.kind)));
    let is_absent = value.is_null() || is_blank;
    if !is_absent {
        return parse(&field.kind, value, at, problems);
    }
    match (&field.usage, value) {
        (FieldUsage::Optional(DefaultValue::Flag(_) | DefaultValue::Number(_)), _) => {
            problems.malformed(at, "invalid_type", "must not be null: leave it out for the default");
            None
        }
        (FieldUsage::Optional(default), _) => Some(default.json()),
        (_, Value::Null) => {
            problems.malformed(at, "missing_value", "must not be null");
            None
        }
        _ => {
            problems.violated(at, "invalid_value", "must not be empty");
            None
        }
    }
}

fn is_text(kind: &ValueKind) -> bool {
    matches!(
        kind,
        ValueKind::Line { .. }
            | ValueKind::Note
            | ValueKind::Choice(_)
            | ValueKind::Currency
            | ValueKind::Url { .. }
            | ValueKind::Email
            | ValueKind::TimeZone
    )
}

fn is_moment(kind: &ValueKind) -> bool {
    matches!(kind, ValueKind::Date | ValueKind::Time | ValueKind::ClockTime | ValueKind::Instant { .. })
}

fn parse(kind: &ValueKind, value: &Value, at: &str, problems: &mut Problems) -> Option<Value> {
    match kind {
        ValueKind::Flag if value.is_boolean() => Some(value.clone()),
        ValueKind::Flag => wrong_type(at, "true or false", problems),
        ValueKind::Integer { min, max } => integer(value, *min, *max, at, problems),
        ValueKind::Reference(_) => integer(value, 1, i64::MAX, at, problems),
        ValueKind::Line { max } => line(value, *max, at, problems),
        ValueKind::Note => note(value, at, problems),
        ValueKind::Choice(words) => choice(value, words, at, problems),
        ValueKind::Choices(words) => {
            let parse = |value: &Value, at: &str, problems: &mut Problems| choice(value, words, at, problems);
            list(value, at, problems, parse)
        }
        ValueKind::Amount => amount(value, at, problems),
        ValueKind::Currency => currency(value, at, problems),
        ValueKind::Instant { is_end } => instant(value, Some(*is_end), at, problems),
        ValueKind::Time => instant(value, None, at, problems),
        ValueKind::Date => date(value, at, problems),
        ValueKind::ClockTime => clock_time(value, at, problems),
        ValueKind::Url { max } => url(value, *max, at, problems),
        ValueKind::Email => email(value, at, problems),
        ValueKind::TimeZone => time_zone(value, at, problems),
        ValueKind::Names => list(value, at, problems, |value, at, problems| line(value, 255, at, problems)),
        ValueKind::Texts => texts(value, at, problems),
        ValueKind::Labels if value.is_object() => Some(value.clone()),
        ValueKind::Record(_) => wrong_type(at, "left out: it is only read", problems),
        ValueKind::Labels => wrong_type(at, "an object with a value for each label", problems),
        ValueKind::Ids(_) => {
            let parse = |value: &Value, at: &str, problems: &mut Problems| integer(value, 1, i64::MAX, at, problems);
            list(value, at, problems, parse)
        }
        ValueKind::Items(fields) => items(value, fields, at, problems),
    }
}

fn wrong_type(at: &str, expected: &str, problems: &mut Problems) -> Option<Value> {
    problems.malformed(at, "invalid_type", format!("must be {expected}"));
    None
}

fn violated(at: &str, message: impl Into<String>, problems: &mut Problems) -> Option<Value> {
    problems.violated(at, "invalid_value", message);
    None
}

fn integer(value: &Value, min: i64, max: i64, at: &str, problems: &mut Problems) -> Option<Value> {
    match value.as_i64() {
        Some(number) if (min..=max).contains(&number) => Some(number.into()),
        None if value.as_number().is_none_or(|number| number.is_f64() && !number.as_f64().is_some_and(is_huge)) => {
            wrong_type(at, "an integer", problems)
        }
        Some(_) | None if max == i64::MAX => violated(at, format!("must be an integer from {min}"), problems),
        Some(_) | None => violated(at, format!("must be an integer from {min} to {max}"), problems),
    }
}

/// Reports whether a number is an integer that no column can store.
fn is_huge(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() >= 9.0e18
}

fn choice(value: &Value, words: &[&str], at: &str, problems: &mut Problems) -> Option<Value> {
    let Some(text) = value.as_str() else { return wrong_type(at, "a text", problems) };
    match words.iter().find(|word| word.eq_ignore_ascii_case(text.trim())) {
        Some(word) => Some((*word).into()),
        None => violated(at, format!("must be one of {}", words.join(", ")), problems),
    }
}

fn amount(value: &Value, at: &str, problems: &mut Problems) -> Option<Value> {
    let parsed = match value {
        Value::String(text) => Decimal::from_str(text.trim()).ok(),
        Value::Number(number) => {
            let text = number.to_string();
            Decimal::from_str(&text).or_else(|_| Decimal::from_scientific(&text)).ok()
        }
        _ => return wrong_type(at, "an amount like \"610.00\"", problems),
    };
    let Some(amount) = parsed else {
        return match value {
            // A number that has more digits than any amount.
            Value::Number(_) => violated(at, "must be at most 99999999.99", problems),
            _ => wrong_type(at, "an amount like \"610.00\"", problems),
        };
    };
    match amount.normalize() {
        amount if amount.is_sign_negative() && !amount.is_zero() => violated(at, "must not be negative", problems),
        amount if amount.scale() > 2 => violated(at, "must have at most two decimals", problems),
        amount if amount >= Decimal::from(AMOUNT_LIMIT) => violated(at, "must be at most 99999999.99", problems),
        amount => Some(format!("{:.2}", amount.abs()).into()),
    }
}

fn currency(value: &Value, at: &str, problems: &mut Problems) -> Option<Value> {
    let Some(text) = value.as_str() else { return wrong_type(at, "a text", problems) };
    let text = text.trim().to_ascii_uppercase();
    match text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        true => Some(text.into()),
        false => violated(at, "must be a code of three letters like GBP", problems),
    }
}

/// Returns texts in their order.
fn texts(value: &Value, at: &str, problems: &mut Problems) -> Option<Value> {
    let Some(values) = value.as_array() else { return wrong_type(at, "a list", problems) };
    let each = values.iter().enumerate();
    let found = each.filter_map(|(position, value)| note(value, &format!("{at}/{position}"), problems));
    Some(Value::Array(found.collect()))
}

/// Returns the values of a list, each once.
fn list(
    value: &Value,
    at: &str,
    problems: &mut Problems,
    parse: impl Fn(&Value, &str, &mut Problems) -> Option<Value>,
) -> Option<Value> {
    let Some(values) = value.as_array() else { return wrong_type(at, "a list", problems) };
    let mut found: Vec<Value> = Vec::new();
    let mut seen = BTreeSet::new();
    for (position, value) in values.iter().enumerate() {
        if let Some(value) = parse(value, &format!("{at}/{position}"), problems)
            && seen.insert(value.to_string())
        {
            found.push(value);
        }
    }
    Some(Value::Array(found))
}

fn items(value: &Value, fields: &[ResourceField], at: &str, problems: &mut Problems) -> Option<Value> {
    let Some(values) = value.as_array() else { return wrong_type(at, "a list", problems) };
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (position, value) in values.iter().enumerate() {
        let at = format!("{at}/{position}");
        let item = Value::Object(item(value, fields, &at, problems));
        let key = fields.first().map(|field| field.name).unwrap_or_default();
        if !item[key].is_null() && !seen.insert(item[key].to_string()) {
            problems.violated(format!("{at}/{key}"), "invalid_value", "is in the list already");
        }
        found.push(item);
    }
    Some(Value::Array(found))
}

fn item(value: &Value, fields: &[ResourceField], at: &str, problems: &mut Problems) -> Map<String, Value> {
    let Some(given) = value.as_object() else {
        wrong_type(at, "an object", problems);
        return Map::new();
    };
    unknown_fields(given, fields.iter().map(|field| field.name), at, problems);
    let mut item = Map::new();
    for field in fields.iter().filter(|field| !matches!(field.usage, FieldUsage::ReadOnly)) {
        let at = format!("{at}/{}", field.name);
        let value = match (given.get(field.name), &field.usage) {
            (Some(value), _) => parse_field(field, value, &at, problems),
            (None, FieldUsage::Optional(default)) => Some(default.json()),
            (None, _) => {
                problems.malformed(at, "missing_value", "the field is missing");
                None
            }
        };
        item.insert(field.name.to_owned(), value.unwrap_or_default());
    }
    item
}

/// Adds the fields of a document that do not exist.
pub(super) fn unknown_fields<'a>(
    given: &Map<String, Value>,
    known: impl Iterator<Item = &'a str> + Clone,
    at: &str,
    problems: &mut Problems,
) {
    for name in given.keys().filter(|name| known.clone().all(|field| field != name.as_str())) {
        let names: Vec<&str> = known.clone().collect();
        let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        problems.malformed(pointer, "unknown_field", format!("unknown field: use {}", names.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(kind: ValueKind, value: &Value) -> Result<Value, u16> {
        let mut problems = Problems::default();
        let value = parse(&kind, value, "/x", &mut problems);
        match problems.check() {
            Ok(()) => Ok(value.expect("a value or a problem")),
            Err(problem) => Err(problem.status().as_u16()),
        }
    }

    #[test]
    fn values_are_stored_in_one_form_or_refused() {
        let line = || ValueKind::Line { max: 4 };
        let whole = || ValueKind::Integer { min: 0, max: MAX_INTEGER };
        let start = || ValueKind::Instant { is_end: false };
        for (kind, value, expected) in [
            (line(), json!(" a\u{200b}b\u{a0}"), Ok(json!("ab"))),
            (line(), json!("éééé"), Ok(json!("éééé"))),
            (line(), json!("abcde"), Err(422)),
            (line(), json!("  "), Err(422)),
            (line(), json!("a\nb"), Err(422)),
            (line(), json!(1), Err(400)),
            (ValueKind::Note, json!("a\nb"), Ok(json!("a\nb"))),
            (ValueKind::Note, json!("a\u{7}b"), Err(422)),
            (whole(), json!(0), Ok(json!(0))),
            (whole(), json!(-1), Err(422)),
            (whole(), json!(2_147_483_648_i64), Err(422)),
            (whole(), json!(u64::MAX), Err(422)),
            (whole(), json!(1e30), Err(422)),
            (whole(), json!(1.5), Err(400)),
            (whole(), json!("1"), Err(400)),
            (whole(), json!(true), Err(400)),
            (ValueKind::Amount, json!("610"), Ok(json!("610.00"))),
            (ValueKind::Amount, json!(610.5), Ok(json!("610.50"))),
            (ValueKind::Amount, json!("-0"), Ok(json!("0.00"))),
            (ValueKind::Amount, json!("610.001"), Err(422)),
            (ValueKind::Amount, json!("-1"), Err(422)),
            (ValueKind::Amount, json!(1e40), Err(422)),
            (ValueKind::Amount, json!("100000000"), Err(422)),
            (ValueKind::Amount, json!("NaN"), Err(400)),
            (ValueKind::Currency, json!("gbp"), Ok(json!("GBP"))),
            (ValueKind::Currency, json!("pounds"), Err(422)),
            (start(), json!("2026-04-01"), Ok(json!("2026-04-01T00:00:00Z"))),
            (start(), json!("2026-04-01T09:00:00+01:00"), Ok(json!("2026-04-01T08:00:00Z"))),
            (ValueKind::Instant { is_end: true }, json!("2026-04-01"), Ok(json!("2026-04-01T23:59:59Z"))),
            (start(), json!("2026-04-01T09:00:00"), Err(400)),
            (start(), json!("-000044-03-15T00:00:00Z"), Err(422)),
            (ValueKind::Choice(&["eBook"]), json!("EBOOK"), Ok(json!("eBook"))),
            (ValueKind::Choice(&["eBook"]), json!("x"), Err(422)),
            (ValueKind::Ids("t"), json!([2, 1, 2]), Ok(json!([2, 1]))),
            (ValueKind::Ids("t"), json!([1, "2"]), Err(400)),
        ] {
            let name = format!("{kind:?} {value}");
            assert_eq!(parsed(kind, &value), expected, "{name}");
        }
    }

    #[test]
    fn days_times_and_addresses_are_checked() {
        for (kind, value, expected) in [
            (ValueKind::Time, json!("2026-10-25T01:30:00+01:00"), Ok(json!("2026-10-25T00:30:00Z"))),
            (ValueKind::Time, json!("2026-10-25"), Err(400)),
            (ValueKind::Date, json!("2026-10-25"), Ok(json!("2026-10-25"))),
            (ValueKind::Date, json!("2026-10-25T00:00:00Z"), Err(400)),
            (ValueKind::Date, json!("2026-02-30"), Err(400)),
            (ValueKind::ClockTime, json!("17:00"), Ok(json!("17:00:00"))),
            (ValueKind::ClockTime, json!("09:05:59"), Ok(json!("09:05:59"))),
            (ValueKind::ClockTime, json!("24:00"), Err(400)),
            (ValueKind::ClockTime, json!("9:00"), Err(400)),
            (ValueKind::ClockTime, json!("17:00Z"), Err(400)),
            (ValueKind::ClockTime, json!(17), Err(400)),
            (ValueKind::Texts, json!(["a", "a\nb", "a"]), Ok(json!(["a", "a\nb", "a"]))),
            (ValueKind::Texts, json!(["a", 1]), Err(400)),
            (ValueKind::Url { max: 500 }, json!(" https://example.org/a?b "), Ok(json!("https://example.org/a?b"))),
            (ValueKind::Url { max: 500 }, json!("HTTP://example.org"), Ok(json!("HTTP://example.org"))),
            (ValueKind::Url { max: 500 }, json!("/a"), Err(422)),
            (ValueKind::Url { max: 500 }, json!("https://"), Err(422)),
            (ValueKind::Url { max: 500 }, json!("javascript:alert(1)"), Err(422)),
            (ValueKind::Url { max: 20 }, json!("https://example.org/abcdef"), Err(422)),
            (ValueKind::Email, json!("ada@example.org"), Ok(json!("ada@example.org"))),
            (ValueKind::Email, json!("ada"), Err(422)),
            (ValueKind::TimeZone, json!("europe/london"), Ok(json!("Europe/London"))),
            (ValueKind::TimeZone, json!("Mars/North"), Err(422)),
            (ValueKind::Names, json!(["Ada  Marlow", "x"]), Ok(json!(["Ada  Marlow", "x"]))),
            (ValueKind::Labels, json!([]), Err(400)),
        ] {
            let name = format!("{kind:?} {value}");
            assert_eq!(parsed(kind, &value), expected, "{name}");
        }
    }
}
