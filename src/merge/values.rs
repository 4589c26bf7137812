//! What each side says of an event and of its sessions.

use std::collections::HashMap;

use administrate::{CustomFieldValue, Id, Moment, NewEvent, Window};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::desired::DesiredSession;
use super::{EventField, FieldValues, ReferenceNames, effective_place};
use crate::names::fold;
use crate::tutorials::{Event, Session};

impl ReferenceNames {
    /// Our event.
    pub fn event(&self, event: &Event) -> FieldValues {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let zone = zone_called(&event.time_zone);
        let lms = event.lms_start.zip(event.lms_end);
        HashMap::from([
            (EventField::Title, event.code.trim().to_owned()),
            (EventField::Place, self.local_place((event.location_id, event.venue_id))),
            (EventField::MaxPlaces, event.max_places.map(|places| places.to_string()).unwrap_or_default()),
            (EventField::TimeZone, event.time_zone.clone()),
            (
                EventField::LmsWindow,
                lms.map(|w| window(zone.to_datetime(w.0), zone.to_datetime(w.1))).unwrap_or_default(),
            ),
            (EventField::Sitting, text(&event.sitting)),
            (EventField::Finalisation, event.finalisation_date.map(|date| date.to_string()).unwrap_or_default()),
            (EventField::WebSale, event.web_sale.to_string()),
            (EventField::Moodle, text(&event.ocr_moodle_code)),
            (EventField::Url, text(&event.event_url)),
        ])
    }

    /// The event on which both agreed.
    pub fn baseline_event(&self, agreed: &NewEvent) -> FieldValues {
        let mut said = self.baseline_custom(false, &agreed.custom_fields);
        said.extend([
            (EventField::Title, agreed.title.trim().to_owned()),
            (EventField::Place, self.remote_place(Some(&agreed.location_id), agreed.venue_id.as_ref())),
            (EventField::MaxPlaces, agreed.max_places.map(|places| places.to_string()).unwrap_or_default()),
            (EventField::TimeZone, agreed.time_zone.clone()),
            (EventField::LmsWindow, agreed.lms.map(|Window { start, end }| window(start, end)).unwrap_or_default()),
        ]);
        said
    }

    /// Administrate's event; what it does not tell of a place is as it was agreed.
    pub fn remote_event(&self, theirs: &administrate::Event, agreed: &NewEvent) -> FieldValues {
        let mut said = self.remote_custom(false, |key| theirs.custom_fields.get(key).cloned());
        let location = theirs.location_id.as_ref().or(Some(&agreed.location_id));
        said.insert(EventField::Title, theirs.title.trim().to_owned());
        said.insert(
            EventField::Place,
            self.remote_place(location, theirs.venue_id.as_ref().or(agreed.venue_id.as_ref())),
        );
        said.extend(theirs.max_places.map(|places| (EventField::MaxPlaces, places.to_string())));
        said.extend(theirs.time_zone.clone().map(|zone| (EventField::TimeZone, zone)));
        let told = remote_window((theirs.lms_start, theirs.lms_end), theirs, &agreed.time_zone);
        said.extend(told.map(|Window { start, end }| (EventField::LmsWindow, window(start, end))));
        said
    }

    /// Our session within its event.
    pub fn session(&self, (event, session): (&Event, &Session)) -> FieldValues {
        let zone = zone_called(&event.time_zone);
        HashMap::from([
            (EventField::Title, session.title.trim().to_owned()),
            (EventField::Time, window(zone.to_datetime(session.start), zone.to_datetime(session.end))),
            (EventField::Place, self.local_place(effective_place(event, session))),
            (EventField::Url, session.url.clone().unwrap_or_default()),
        ])
    }

    /// The session on which both agreed.
    pub fn baseline_session(&self, agreed: &DesiredSession) -> FieldValues {
        let mut said = self.baseline_custom(true, &agreed.custom_fields);
        said.extend([
            (EventField::Title, agreed.title.trim().to_owned()),
            (EventField::Time, window(agreed.window.start, agreed.window.end)),
            (EventField::Place, self.remote_place(Some(&agreed.location), agreed.venue.as_ref())),
        ]);
        said
    }

    /// Administrate's session of an event; what it does not tell of a place is as it was agreed.
    pub fn remote_session(
        &self,
        (event, theirs): (&administrate::Event, &administrate::Session),
        agreed: &DesiredSession,
    ) -> FieldValues {
        let mut said = self.remote_custom(true, |key| theirs.custom_fields.get(key).cloned());
        let location = theirs.location_id.as_ref().or(Some(&agreed.location));
        said.insert(EventField::Title, theirs.title.trim().to_owned());
        said.insert(EventField::Place, self.remote_place(location, theirs.venue_id.as_ref().or(agreed.venue.as_ref())));
        let told = session_window(event, theirs, agreed);
        said.extend(told.map(|Window { start, end }| (EventField::Time, window(start, end))));
        said
    }

    fn baseline_custom(&self, of_session: bool, values: &[CustomFieldValue]) -> FieldValues {
        let value = |key: &str| values.iter().find(|field| field.key.as_str() == key).map(|field| field.value.clone());
        let said = self.custom(of_session);
        said.map(|(aspect, key)| (aspect, plain(aspect, value(key).unwrap_or_default()))).collect()
    }

    fn remote_custom(&self, of_session: bool, value: impl Fn(&Id) -> Option<String>) -> FieldValues {
        let said = self.custom(of_session);
        said.filter_map(|(aspect, key)| Some((aspect, plain(aspect, value(&Id::new(key))?)))).collect()
    }

    fn local_place(&self, (location, venue): (Option<i64>, Option<i64>)) -> String {
        place(self.locations.local_name(location), self.venues.local_name(venue))
    }

    fn remote_place(&self, location: Option<&Id>, venue: Option<&Id>) -> String {
        place(self.locations.remote_name(location), self.venues.remote_name(venue))
    }
}

/// From when until when Administrate says its session takes, on the wall of the agreed zone.
pub(crate) fn session_window(
    event: &administrate::Event,
    theirs: &administrate::Session,
    agreed: &DesiredSession,
) -> Option<Window> {
    let told = (theirs.time_zoned_start.or(theirs.start), theirs.time_zoned_end.or(theirs.end));
    remote_window(told, event, &agreed.time_zone)
}

/// A window as the wall of the agreed zone says it, whichever zone the event has there.
pub(crate) fn remote_window(
    (start, end): (Option<Moment>, Option<Moment>),
    event: &administrate::Event,
    agreed: &str,
) -> Option<Window> {
    let wall = zone_called(agreed);
    let zone = event.zone(&wall);
    Some(Window { start: wall.to_datetime(start?.instant(&zone)?), end: wall.to_datetime(end?.instant(&zone)?) })
}

pub(crate) fn zone_called(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// A custom field's text as it is compared: whatever spelling of truth, and a date without a time.
pub(crate) fn plain(aspect: EventField, text: String) -> String {
    match aspect {
        EventField::WebSale => matches!(fold(&text).as_str(), "true" | "y" | "yes" | "on" | "1").to_string(),
        EventField::Finalisation => text.chars().take(10).collect(),
        _ => text.trim().to_owned(),
    }
}

fn place(location: Option<&str>, venue: Option<&str>) -> String {
    [location, venue].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn window(start: DateTime, end: DateTime) -> String {
    format!("{} to {}", start.strftime("%d/%m/%Y %H:%M"), end.strftime("%d/%m/%Y %H:%M"))
}
