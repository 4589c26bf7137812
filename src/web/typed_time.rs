//! Times that were typed into forms, in the zone that the page names.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Reads what an input for a day with its time contains, as RFC 3339.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read_date_time(text: &str, zone: &TimeZone) -> Result<String, String> {
    let typed: DateTime = text.parse().map_err(|_| "Enter a day and a time like 2026-04-01T09:00.".to_owned())?;
    resolve(typed, zone)
}

/// Returns the instant of a day and time in a zone, as RFC 3339.
///
/// # Errors
/// When the clocks of the zone skip or repeat it, in words.
pub fn resolve(typed: DateTime, zone: &TimeZone) -> Result<String, String> {
    let ambiguous = zone.to_ambiguous_timestamp(typed);
    let name = zone.iana_name().unwrap_or("UTC");
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => {
            Err(format!("This time does not exist: the clocks in {name} go forward. Choose another one."))
        }
        AmbiguousOffset::Fold { .. } => {
            Err(format!("This time exists twice: the clocks in {name} go back. Choose another one."))
        }
        AmbiguousOffset::Unambiguous { .. } => {
            ambiguous.unambiguous().map(|at| at.to_string()).map_err(|_| "This day is too far away.".to_owned())
        }
    }
}
