//! Values of the custom scalars of the schema: `LocalDateTime`, `DateTime`, `Decimal`.

use jiff::civil;
use jiff::{Timestamp, tz};
use serde_json::Value;

/// Returns why `value` is not valid for scalar `name`. Returns `None` for valid values and for built-in scalars.
pub(crate) fn scalar_error(name: &str, value: &Value) -> Option<String> {
    let is_valid = match name {
        "LocalDateTime" => value.as_str().is_some_and(|text| parse_local(text).is_some()),
        "DateTime" => value.as_str().is_some_and(|text| parse_instant(text).is_some()),
        "Decimal" => parse_decimal(value).is_some(),
        _ => true,
    };
    if is_valid { None } else { Some(format!("{value} is not a valid {name}")) }
}

/// Parses a wall-clock time: `2026-04-15T09:00:00`, seconds optional, without an offset.
pub(crate) fn parse_local(text: &str) -> Option<civil::DateTime> {
    let (date, time) = text.split_once('T')?;
    let is_plain = date.len() == 10 && time.len() >= 5 && time.chars().all(|c| c.is_ascii_digit() || ":.".contains(c));
    if is_plain { text.parse().ok() } else { None }
}

/// Parses an ISO 8601 time with an offset or `Z`.
pub(crate) fn parse_instant(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// Returns a decimal number as text, from a JSON string or number.
pub(crate) fn parse_decimal(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_numeric = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if is_numeric(whole) && is_numeric(fraction) { Some(text) } else { None }
}

/// Converts a wall-clock time in a zone to a UTC string with `Z`. In a gap or a fold the earlier offset applies (jiff's
/// "compatible" strategy). An unknown zone counts as UTC.
pub(crate) fn to_utc(at: civil::DateTime, zone: &str) -> Option<String> {
    let zone = tz::TimeZone::get(zone).unwrap_or(tz::TimeZone::UTC);
    Some(at.to_zoned(zone).ok()?.timestamp().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn local_date_time_with_an_offset_or_a_wrong_format_is_invalid() {
        for valid in ["2026-04-15T09:00:00", "2026-04-15T09:00"] {
            assert_eq!(scalar_error("LocalDateTime", &json!(valid)), None, "{valid}");
        }
        for invalid in [
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
            assert!(scalar_error("LocalDateTime", &invalid).is_some(), "{invalid}");
        }
    }

    #[test]
    fn date_time_without_an_offset_is_invalid() {
        for valid in ["2026-04-15T09:00:00Z", "2026-04-15T09:00:00-05:00"] {
            assert_eq!(scalar_error("DateTime", &json!(valid)), None, "{valid}");
        }
        for invalid in ["2026-04-15T09:00:00", "2026-04-15", "soon"] {
            assert!(scalar_error("DateTime", &json!(invalid)).is_some(), "{invalid}");
        }
    }

    #[test]
    fn decimal_with_anything_but_digits_is_invalid() {
        for valid in [json!("250.00"), json!("-1.5"), json!(250), json!(2.5)] {
            assert_eq!(scalar_error("Decimal", &valid), None, "{valid}");
        }
        for invalid in [json!("£250"), json!("250."), json!(".5"), json!("1e3"), json!(true), json!("")] {
            assert!(scalar_error("Decimal", &invalid).is_some(), "{invalid}");
        }
    }

    #[test]
    fn wall_clock_time_converts_to_utc() {
        let summer = civil::date(2026, 7, 1).at(9, 0, 0, 0);
        assert_eq!(to_utc(summer, "Europe/London").as_deref(), Some("2026-07-01T08:00:00Z"));
    }
}
