//! Values of the scalars that the schema declares (facts §1.7).

use jiff::civil;
use jiff::{Timestamp, tz};
use serde_json::Value;

/// Why `value` is none of scalar `name`; `None` when it is, or when the scalar is a built-in one.
pub(crate) fn scalar_error(name: &str, value: &Value) -> Option<String> {
    let is_valid = match name {
        "LocalDateTime" => value.as_str().is_some_and(|text| parse_local(text).is_some()),
        "DateTime" => value.as_str().is_some_and(|text| parse_instant(text).is_some()),
        "Decimal" => parse_decimal(value).is_some(),
        _ => true,
    };
    if is_valid { None } else { Some(format!("{value} is no {name}")) }
}

/// `2026-04-15T09:00:00`, seconds optional, never with an offset.
pub(crate) fn parse_local(text: &str) -> Option<civil::DateTime> {
    let (date, time) = text.split_once('T')?;
    let plain = date.len() == 10 && time.len() >= 5 && time.chars().all(|c| c.is_ascii_digit() || ":.".contains(c));
    if plain { text.parse().ok() } else { None }
}

/// ISO 8601 with an offset or `Z`.
pub(crate) fn parse_instant(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// A decimal number as text, from a string or a number.
pub(crate) fn parse_decimal(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let numeric = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if numeric(whole) && numeric(part) { Some(text) } else { None }
}

/// The instant of a wall-clock time in a zone, as a UTC string with `Z`. In a gap or a fold the earlier offset
/// counts, as jiff's "compatible" says; an unknown zone counts as UTC.
pub(crate) fn to_utc(at: civil::DateTime, zone: &str) -> Option<String> {
    let zone = tz::TimeZone::get(zone).unwrap_or(tz::TimeZone::UTC);
    Some(at.to_zoned(zone).ok()?.timestamp().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn local_date_times() {
        for good in ["2026-04-15T09:00:00", "2026-04-15T09:00"] {
            assert_eq!(scalar_error("LocalDateTime", &json!(good)), None, "{good}");
        }
        for bad in [
            json!("2026-04-15"),
            json!("2026-04-15 09:00:00"),
            json!("2026-04-15T09:00:00Z"),
            json!("2026-04-15T09:00:00+01:00"),
            json!("2026-02-30T09:00:00"),
            json!("15/04/2026T09:00"),
            json!(""),
            json!(20260415),
            json!(true),
        ] {
            assert!(scalar_error("LocalDateTime", &bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn date_times_carry_an_offset() {
        for good in ["2026-04-15T09:00:00Z", "2026-04-15T09:00:00-05:00"] {
            assert_eq!(scalar_error("DateTime", &json!(good)), None, "{good}");
        }
        for bad in ["2026-04-15T09:00:00", "2026-04-15", "soon"] {
            assert!(scalar_error("DateTime", &json!(bad)).is_some(), "{bad}");
        }
    }

    #[test]
    fn decimals() {
        for good in [json!("250.00"), json!("-1.5"), json!(250), json!(2.5)] {
            assert_eq!(scalar_error("Decimal", &good), None, "{good}");
        }
        for bad in [json!("£250"), json!("250."), json!(".5"), json!("1e3"), json!(true), json!("")] {
            assert!(scalar_error("Decimal", &bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn wall_clock_to_utc() {
        let summer = civil::date(2026, 7, 1).at(9, 0, 0, 0);
        assert_eq!(to_utc(summer, "Europe/London").as_deref(), Some("2026-07-01T08:00:00Z"));
    }
}
