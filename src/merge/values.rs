//! The values of an event and its sessions on each side, as text.

use std::collections::HashMap;

use administrate::{CustomFieldValue, Id, Moment, NewEvent, Window};
use jiff::civil::DateTime;

use super::desired::DesiredSession;
use super::{EventField, FieldValues, ReferenceNames, effective_place};
use crate::names::fold;
use crate::tutorials::{Event, Session, zone_of};
use crate::workbook::values::sitting;

impl ReferenceNames {
    /// Returns the values of the local event.
    pub fn event(&self, event: &Event) -> FieldValues {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let zone = zone_of(&event.time_zone);
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
            (EventField::Sitting, self.plain(EventField::Sitting, text(&event.sitting))),
            (EventField::Finalisation, event.finalisation_date.map(|date| date.to_string()).unwrap_or_default()),
            (EventField::WebSale, event.web_sale.to_string()),
            (EventField::Moodle, text(&event.ocr_moodle_code)),
            (EventField::Url, text(&event.event_url)),
        ])
    }

    /// Returns the values of an event's baseline.
    pub fn baseline_event(&self, baseline: &NewEvent) -> FieldValues {
        let mut values = self.baseline_custom(false, &baseline.custom_fields);
        values.extend([
            (EventField::Title, baseline.title.trim().to_owned()),
            (EventField::Place, self.remote_place(Some(&baseline.location_id), baseline.venue_id.as_ref())),
            (EventField::MaxPlaces, baseline.max_places.map(|places| places.to_string()).unwrap_or_default()),
            (EventField::TimeZone, baseline.time_zone.clone()),
            (EventField::LmsWindow, baseline.lms.map(|Window { start, end }| window(start, end)).unwrap_or_default()),
        ]);
        values
    }

    /// Returns the values of the remote event. Parts of a place that are not reported come from the baseline.
    pub fn remote_event(&self, remote: &administrate::Event, baseline: &NewEvent) -> FieldValues {
        let mut values = self.remote_custom(false, |key| remote.custom_fields.get(key).cloned());
        let location = remote.location_id.as_ref().or(Some(&baseline.location_id));
        values.insert(EventField::Title, remote.title.trim().to_owned());
        values.insert(
            EventField::Place,
            self.remote_place(location, remote.venue_id.as_ref().or(baseline.venue_id.as_ref())),
        );
        values.extend(remote.max_places.map(|places| (EventField::MaxPlaces, places.to_string())));
        values.extend(remote.time_zone.clone().map(|zone| (EventField::TimeZone, zone)));
        let lms = remote_window((remote.lms_start, remote.lms_end), remote, &baseline.time_zone);
        values.extend(lms.map(|Window { start, end }| (EventField::LmsWindow, window(start, end))));
        values
    }

    /// Returns the values of a local session within its event.
    pub fn session(&self, (event, session): (&Event, &Session)) -> FieldValues {
        let zone = zone_of(&event.time_zone);
        HashMap::from([
            (EventField::Title, session.title.trim().to_owned()),
            (EventField::Time, window(zone.to_datetime(session.start), zone.to_datetime(session.end))),
            (EventField::Place, self.local_place(effective_place(event, session))),
            (EventField::Url, session.url.clone().unwrap_or_default()),
        ])
    }

    /// Returns the values of a session's baseline.
    pub fn baseline_session(&self, baseline: &DesiredSession) -> FieldValues {
        let mut values = self.baseline_custom(true, &baseline.custom_fields);
        values.extend([
            (EventField::Title, baseline.title.trim().to_owned()),
            (EventField::Time, window(baseline.window.start, baseline.window.end)),
            (EventField::Place, self.remote_place(Some(&baseline.location), baseline.venue.as_ref())),
        ]);
        values
    }

    /// Returns the values of a remote session of an event. Parts of a place that are not reported come from the baseline.
    pub fn remote_session(
        &self,
        (event, remote): (&administrate::Event, &administrate::Session),
        baseline: &DesiredSession,
    ) -> FieldValues {
        let mut values = self.remote_custom(true, |key| remote.custom_fields.get(key).cloned());
        let location = remote.location_id.as_ref().or(Some(&baseline.location));
        values.insert(EventField::Title, remote.title.trim().to_owned());
        values.insert(
            EventField::Place,
            self.remote_place(location, remote.venue_id.as_ref().or(baseline.venue.as_ref())),
        );
        let time = session_window(event, remote, baseline);
        values.extend(time.map(|Window { start, end }| (EventField::Time, window(start, end))));
        values
    }

    fn baseline_custom(&self, of_session: bool, values: &[CustomFieldValue]) -> FieldValues {
        let value = |key: &str| values.iter().find(|field| field.key.as_str() == key).map(|field| field.value.clone());
        let fields = self.custom(of_session);
        fields.map(|(field, key)| (field, self.plain(field, value(key).unwrap_or_default()))).collect()
    }

    fn remote_custom(&self, of_session: bool, value: impl Fn(&Id) -> Option<String>) -> FieldValues {
        let fields = self.custom(of_session);
        fields.filter_map(|(field, key)| Some((field, self.plain(field, value(&Id::new(key))?)))).collect()
    }

    /// Returns the form in which two values of a field are equal.
    fn plain(&self, field: EventField, text: String) -> String {
        if field == EventField::Sitting
            && let Ok(sitting) = sitting(text.trim(), &self.sittings)
        {
            return sitting.written;
        }
        plain(field, text)
    }

    fn local_place(&self, (location, venue): (Option<i64>, Option<i64>)) -> String {
        place(self.locations.local_name(location), self.venues.local_name(venue))
    }

    fn remote_place(&self, location: Option<&Id>, venue: Option<&Id>) -> String {
        place(self.locations.remote_name(location), self.venues.remote_name(venue))
    }
}

/// Returns start and end of a remote session as wall-clock times in the zone of the baseline.
pub(crate) fn session_window(
    event: &administrate::Event,
    remote: &administrate::Session,
    baseline: &DesiredSession,
) -> Option<Window> {
    let moments = (remote.time_zoned_start.or(remote.start), remote.time_zoned_end.or(remote.end));
    remote_window(moments, event, &baseline.time_zone)
}

/// Returns a window as wall-clock times in the zone of the baseline, whatever the zone of the remote event.
pub(crate) fn remote_window(
    (start, end): (Option<Moment>, Option<Moment>),
    event: &administrate::Event,
    baseline_zone: &str,
) -> Option<Window> {
    let wall = zone_of(baseline_zone);
    let zone = event.zone(&wall);
    Some(Window { start: wall.to_datetime(start?.instant(&zone)?), end: wall.to_datetime(end?.instant(&zone)?) })
}

/// Normalises the text of a custom field for comparison: one spelling of true, and dates without time.
pub(crate) fn plain(field: EventField, text: String) -> String {
    match field {
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
