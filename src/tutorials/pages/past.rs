//! The history of an event in words: who changed what, when and how.

use std::collections::HashMap;

use serde_json::Value;

use super::times::in_zone;
use crate::tutorials::store::{EventChoices, NamedChoice};
use crate::tutorials::zone_of;
use crate::web::changes::{ChangeWords, ShownChange, shown_change};
use crate::web::format::Clock;

/// Columns that say which row it is, not what it contains.
const KEYS: [&str; 6] =
    ["id", "tutorial_event_id", "tutorial_session_id", "tutorialsessions_id", "created_at", "position"];

/// What the ids and times of the history mean.
pub(super) struct PastNames {
    names: HashMap<(&'static str, i64), String>,
    zone: jiff::tz::TimeZone,
}

impl PastNames {
    pub(super) fn new(choices: &EventChoices, zone: &str) -> PastNames {
        let lists: [(&'static str, &[NamedChoice]); 5] = [
            ("location_id", &choices.locations),
            ("venue_id", &choices.venues),
            ("course_template_id", &choices.templates),
            ("tutorial_instructor_id", &choices.instructors),
            ("tutorialinstructor_id", &choices.instructors),
        ];
        let named = |(field, list): (&'static str, &[NamedChoice])| {
            list.iter().map(|choice| ((field, choice.id), choice.name.clone())).collect::<Vec<_>>()
        };
        PastNames { names: lists.into_iter().flat_map(named).collect(), zone: zone_of(zone) }
    }
}

impl ChangeWords for PastNames {
    fn label(&self, _: &str, column: &str) -> Option<String> {
        (!KEYS.contains(&column)).then(|| label(column))
    }

    fn value(&self, _: &str, column: &str, value: &Value) -> Option<String> {
        let name = value.as_i64().and_then(|id| {
            let mut known = self.names.iter();
            known.find(|((of, known), _)| *of == column && *known == id).map(|(_, name)| name.clone())
        });
        let time = || {
            let at = value.as_str().filter(|text| text.contains('T')).and_then(|text| in_zone(text, &self.zone))?;
            Some(at.strftime("%a %-d %b %Y, %H:%M %Z").to_string())
        };
        name.or_else(time)
    }

    fn subject(&self, table: &str, _: &str) -> (String, String) {
        let noun = match table {
            "acted.tutorial_events" | "lectern.event_details" => "Event",
            "acted.tutorial_sessions" | "lectern.session_details" => "Session",
            "acted.tutorial_session_instructors" => "Instructor of a session",
            "lectern.event_staff" => "Staff",
            _ => "Record",
        };
        (noun.to_owned(), String::new())
    }
}

/// Returns the changes of one part of the history.
pub(super) fn changes(entries: &[Value], names: &PastNames, clock: &Clock) -> Vec<ShownChange> {
    entries.iter().map(|stored| shown_change(stored, names, clock)).collect()
}

/// Returns the name of a column as people say it.
fn label(column: &str) -> String {
    let known = match column {
        "code" => "code",
        "product_id" => "product",
        "is_soldout" => "sold out",
        "remain_space" => "places left",
        "max_places" => "places in all",
        "start_date" => "begins",
        "end_date" => "ends",
        "lms_start" => "learning platform opens",
        "lms_end" => "learning platform closes",
        "tutorial_instructor_id" | "tutorialinstructor_id" => "instructor",
        "url" | "event_url" => "address",
        other => return other.strip_suffix("_id").unwrap_or(other).replace('_', " "),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::*;

    #[test]
    fn change_is_shown_in_words() {
        let venue = NamedChoice { id: 7, name: "Room 1".into(), group_name: String::new(), is_active: true };
        let choices = EventChoices { venues: vec![venue], ..EventChoices::default() };
        let names = PastNames::new(&choices, "Europe/London");
        let stored = json!({
            "id": 1, "at": "2026-12-03T10:00:00+00:00", "actor": "ann", "interface": "import", "run_id": 5,
            "table": "acted.tutorial_sessions", "row": "3", "action": "update", "note": "allow_clash=1",
            "old": { "venue_id": null, "start_date": "2026-07-04T08:30:00+00:00", "updated_at": "x" },
            "new": { "venue_id": 7, "start_date": "2026-07-04T09:30:00+00:00", "updated_at": "y" },
        });
        let shown = changes(&[stored], &names, &Clock::new(TimeZone::UTC)).pop().expect("a change");
        assert_eq!((shown.how.as_str(), shown.what.as_str()), ("import 5", "Session changed"));
        assert_eq!(shown.note, "a clash was allowed");
        let values: Vec<(&str, &str, &str)> =
            shown.values.iter().map(|value| (&*value.label, &*value.old, &*value.new)).collect();
        let begins = ("begins", "Sat 4 Jul 2026, 09:30 BST", "Sat 4 Jul 2026, 10:30 BST");
        assert!(values.contains(&begins) && values.contains(&("venue", "", "Room 1")), "{values:?}");
    }
}
