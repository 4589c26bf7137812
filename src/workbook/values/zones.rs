//! Time zones in timetables: as Administrate displays them ("Europe - London") or by IANA name.

use jiff::tz::TimeZone;

use crate::names::{fold, nearest};
use crate::workbook::problems::{Code, Issue};

/// Regions with which the names of current time zones start.
const REGIONS: [&str; 10] =
    ["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];

/// Parses the time zone of a cell. Accepts the longer dashes that some programs write for a hyphen.
///
/// # Errors
/// `invalid_value` with suggestions when the zone is unknown.
pub fn zone(text: &str) -> Result<TimeZone, Issue> {
    let plain = text.replace(['–', '—', '−', '‐', '‑', '﹣', '－'], "-");
    let find = |name: &str| TimeZone::get(&name.replace(' ', "_")).ok();
    let iana_name = plain.split(" - ").map(str::trim).collect::<Vec<_>>().join("/");
    // Only the first hyphen can separate region and city: America/Port-au-Prince.
    let found = find(&iana_name).or_else(|| {
        let (region, city) = plain.split_once('-')?;
        find(&format!("{}/{}", region.trim(), city.trim()))
    });
    found.ok_or_else(|| {
        let message = format!("no time zone is called \"{text}\"; write, for example, \"Europe - London\"");
        Issue::new(Code::InvalidValue, message).with_suggestions(suggestions(&plain))
    })
}

/// Returns a zone's name as Administrate displays it.
pub fn display_zone(name: &str) -> String {
    name.replace('/', " - ").replace('_', " ")
}

/// Returns the IANA names of all current time zones, each of a region and a city.
pub fn zones() -> impl Iterator<Item = String> {
    let is_current = |name: &str| name.split_once('/').is_some_and(|(region, _)| REGIONS.contains(&region));
    jiff::tz::db().available().map(|name| name.as_str().to_owned()).filter(move |name| is_current(name))
}

/// Suggests zones of the same city, else zones of the region with a similar city.
fn suggestions(text: &str) -> Vec<String> {
    let folded = fold(text);
    let (region, city) = folded.split_once(['-', '/']).unwrap_or(("", &folded));
    let (region, city) = (region.trim(), city.trim().to_owned());
    let names: Vec<String> = zones().map(|name| display_zone(&name)).collect();
    let is_of_city = |name: &&String| name.rsplit(" - ").next().is_some_and(|known| fold(known) == city);
    let cities: Vec<String> = names.iter().filter(is_of_city).take(3).cloned().collect();
    if !cities.is_empty() {
        return cities;
    }
    // Only zones of the region: comparing all zones is too slow for a sheet with 100,000 such cells.
    let of_region = names.iter().filter(|name| name.split(" - ").next().is_some_and(|known| fold(known) == region));
    nearest(&format!("{region} - {city}"), of_region.map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_with_any_dash_is_found() {
        for (written, name) in [
            ("Europe - London", Some("Europe/London")),
            ("europe/london", Some("Europe/London")),
            ("Europe – London", Some("Europe/London")),
            ("Europe-London", Some("Europe/London")),
            ("America - New York", Some("America/New_York")),
            ("America - Port-au-Prince", Some("America/Port-au-Prince")),
            ("America – Argentina – Buenos Aires", Some("America/Argentina/Buenos_Aires")),
            ("UTC", Some("UTC")),
            ("London", None),
            ("", None),
        ] {
            let found = zone(written).ok().and_then(|zone| zone.iana_name().map(str::to_owned));
            assert_eq!(found.as_deref(), name, "{written}");
        }
    }

    #[test]
    fn unknown_zone_has_suggestions() {
        for (written, expected) in [
            ("London", "Europe - London"),
            ("Europe - Lodnon", "Europe - London"),
            ("Asia - London", "Europe - London"),
            ("america/new yrok", "America - New York"),
        ] {
            let suggestions = zone(written).err().map(|issue| issue.suggestions).unwrap_or_default();
            assert_eq!(suggestions.first().map(String::as_str), Some(expected), "{written}: {suggestions:?}");
        }
        assert_eq!(zone("Mars").err().map(|issue| issue.suggestions), Some(vec![]));
    }
}
