//! Recognises an event that Administrate may have created although the response was lost: by the title, course template
//! and start that were sent.

use administrate::{Event, Id, NewEvent};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::names::fold;

/// The values with which a creation is recognised, as stored in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CreationKey {
    pub title: String,
    template: Id,
    time_zone: String,
    classroom: Option<DateTime>,
    lms: Option<DateTime>,
}

impl CreationKey {
    pub(crate) fn of(event: &NewEvent) -> CreationKey {
        CreationKey {
            title: event.title.clone(),
            template: event.course_template_id.clone(),
            time_zone: event.time_zone.clone(),
            classroom: event.classroom.map(|window| window.start),
            lms: event.lms.map(|window| window.start),
        }
    }

    /// # Errors
    /// Where the time zone is unknown, without which no start can be compared.
    pub(crate) fn check(&self) -> Result<(), String> {
        TimeZone::get(&self.time_zone).map(drop).map_err(|error| error.to_string())
    }

    /// Returns whether `event` was created with this key. The classroom starts are compared where both have one, otherwise
    /// any start that Administrate reports. An event without a start never matches.
    pub(crate) fn matches(&self, event: &Event) -> bool {
        let template = event.course_template.as_ref().is_none_or(|template| template.id == self.template);
        let Ok(zone) = TimeZone::get(&self.time_zone) else { return false };
        let starts = match (event.classroom_start, self.classroom) {
            (Some(remote), Some(sent)) => remote.local(&zone) == sent,
            _ => {
                let remote = [event.start, event.time_zoned_start, event.classroom_start, event.lms_start];
                let mut remote = remote.into_iter().flatten().map(|moment| moment.local(&zone));
                remote.any(|start| [self.classroom, self.lms].contains(&Some(start)))
            }
        };
        template && starts && fold(&event.title) == fold(&self.title)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn event_matches_by_title_template_and_start() {
        let sent: CreationKey = serde_json::from_value(json!({
            "title": "CM2-01", "template": "T1", "time_zone": "Europe/London",
            "classroom": "2026-06-13T09:30:00", "lms": "2026-04-22T16:00:00",
        }))
        .expect("it reads");
        let classroom = json!({ "classroomStart": "2026-06-13T09:30:00", "lmsStart": "2026-04-01T00:00:00" });
        for (differs, expected) in [
            (classroom.clone(), true),
            (json!({ "title": "cm2-01", "timeZonedStart": "2026-06-13T08:30:00Z" }), true),
            (json!({ "lmsStart": "2026-04-22T15:00:00Z" }), true),
            (json!({ "classroomStart": "2026-06-14T09:30:00", "lmsStart": "2026-04-22T15:00:00Z" }), false),
            (json!({ "courseTemplate": { "id": "T2" }, "start": "2026-06-13T09:30:00" }), false),
            (json!({ "title": "CM2-02", "start": "2026-06-13T09:30:00" }), false),
            (json!({}), false),
        ] {
            let mut event = json!({ "id": "E1", "title": "CM2-01", "courseTemplate": { "id": "T1" } });
            for (field, value) in differs.as_object().expect("fields") {
                event[field] = value.clone();
            }
            let event: Event = serde_json::from_value(event).expect("it reads");
            assert_eq!(sent.matches(&event), expected, "{differs}");
        }
    }
}
