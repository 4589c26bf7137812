//! Time zones as timetables write them: as Administrate shows them ("Europe - London"), or by their IANA names.

use jiff::tz::TimeZone;

use crate::names::{fold, nearest};
use crate::timetable_import::problems::{Code, Issue};

/// Regions by which the names of living time zones begin.
const REGIONS: [&str; 10] =
    ["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];

/// The zone that a cell names. Programs that correct what is typed make a longer dash of the hyphen.
///
/// # Errors
/// `invalid_value` when no such zone is known.
pub fn zone(text: &str) -> Result<TimeZone, Issue> {
    let plain = text.replace(['–', '—', '−', '‐', '‑'], "-");
    let named = |name: &str| TimeZone::get(&name.replace(' ', "_")).ok();
    let shown = plain.split(" - ").map(str::trim).collect::<Vec<_>>().join("/");
    // Not every hyphen parts a region from a city: America/Port-au-Prince.
    let found = named(&shown).or_else(|| {
        let (region, city) = plain.split_once('-')?;
        named(&format!("{}/{}", region.trim(), city.trim()))
    });
    found.ok_or_else(|| {
        let message = format!("no time zone is called \"{text}\"; write for instance \"Europe - London\"");
        Issue::new(Code::InvalidValue, message).suggesting(probably(&plain))
    })
}

/// A zone's name as Administrate shows it.
pub fn zone_shown(name: &str) -> String {
    name.replace('/', " - ").replace('_', " ")
}

/// The IANA names of all living time zones, of a region and a city each.
pub fn zones() -> impl Iterator<Item = String> {
    let is_living = |name: &str| name.split_once('/').is_some_and(|(region, _)| REGIONS.contains(&region));
    jiff::tz::db().available().map(|name| name.as_str().to_owned()).filter(move |name| is_living(name))
}

/// Zones of this city, else those of the region that resemble what is written.
fn probably(text: &str) -> Vec<String> {
    let wanted = fold(text);
    let (region, city) = wanted.split_once(['-', '/']).unwrap_or(("", &wanted));
    let (region, city) = (region.trim(), city.trim().to_owned());
    let shown: Vec<String> = zones().map(|name| zone_shown(&name)).collect();
    let of_city = |shown: &&String| shown.rsplit(" - ").next().is_some_and(|known| fold(known) == city);
    let cities: Vec<String> = shown.iter().filter(of_city).take(3).cloned().collect();
    if !cities.is_empty() {
        return cities;
    }
    // Only where the region is right: a sheet may have 100,000 such cells, and there are hundreds of zones.
    let of_region = shown.iter().filter(|shown| shown.split(" - ").next().is_some_and(|known| fold(known) == region));
    nearest(&format!("{region} - {city}"), of_region.map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_however_their_dash_is_written() {
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
    fn what_was_probably_meant_is_told_as_it_is_written() {
        for (written, meant) in [
            ("London", "Europe - London"),
            ("Europe - Lodnon", "Europe - London"),
            ("Asia - London", "Europe - London"),
            ("america/new yrok", "America - New York"),
        ] {
            let suggestions = zone(written).err().map(|flaw| flaw.suggestions).unwrap_or_default();
            assert_eq!(suggestions.first().map(String::as_str), Some(meant), "{written}: {suggestions:?}");
        }
        assert_eq!(zone("Mars").err().map(|flaw| flaw.suggestions), Some(vec![]));
    }
}
