//! Accepts values of Administrate: first into the baseline, then, where the remote value wins, into the local event.

use administrate::{CustomFieldValue, Id, NewEvent, Window};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

use super::desired::DesiredSession;
use super::values::{plain, remote_window, session_window};
use super::{EventField, ReferenceNames};
use crate::tutorials::{Event, Session, zone_of};

impl ReferenceNames {
    /// Sets a baseline value to Administrate's value. A value that it does not report stays unchanged.
    pub fn update_event_baseline(&self, field: EventField, remote: &administrate::Event, baseline: &mut NewEvent) {
        match field {
            EventField::Title => baseline.title.clone_from(&remote.title),
            EventField::Place => {
                baseline.location_id = remote.location_id.clone().unwrap_or_else(|| baseline.location_id.clone());
                baseline.venue_id = remote.venue_id.clone().or_else(|| baseline.venue_id.take());
            }
            EventField::MaxPlaces => {
                baseline.max_places = remote.max_places.and_then(|places| i32::try_from(places).ok())
            }
            EventField::TimeZone => {
                baseline.time_zone = remote.time_zone.clone().unwrap_or_else(|| baseline.time_zone.clone())
            }
            EventField::LmsWindow => {
                let window = remote_window((remote.lms_start, remote.lms_end), remote, &baseline.time_zone);
                baseline.lms = window.or(baseline.lms);
            }
            _ => self.update_custom_field_baseline(field, false, &remote.custom_fields, &mut baseline.custom_fields),
        }
    }

    /// Sets a baseline value of a session to Administrate's value, as [`Self::update_event_baseline`] does.
    pub fn update_session_baseline(
        &self,
        field: EventField,
        (event, remote): (&administrate::Event, &administrate::Session),
        baseline: &mut DesiredSession,
    ) {
        match field {
            EventField::Title => baseline.title.clone_from(&remote.title),
            EventField::Place => {
                baseline.location = remote.location_id.clone().unwrap_or_else(|| baseline.location.clone());
                baseline.venue = remote.venue_id.clone().or_else(|| baseline.venue.take());
            }
            EventField::Time => baseline.window = session_window(event, remote, baseline).unwrap_or(baseline.window),
            _ => self.update_custom_field_baseline(field, true, &remote.custom_fields, &mut baseline.custom_fields),
        }
    }

    /// Sets all values of an event's baseline to those that Administrate has now.
    pub fn refresh_event_baseline(&self, remote: &administrate::Event, baseline: &mut NewEvent) {
        for field in self.remote_event(remote, baseline).into_keys() {
            self.update_event_baseline(field, remote, baseline);
        }
        let window = remote_window((remote.classroom_start, remote.classroom_end), remote, &baseline.time_zone);
        baseline.classroom = window.or(baseline.classroom);
    }

    /// Sets all values of a session's baseline to those that Administrate has now.
    pub fn refresh_session_baseline(
        &self,
        (event, remote): (&administrate::Event, &administrate::Session),
        baseline: &mut DesiredSession,
    ) {
        for field in self.remote_session((event, remote), baseline).into_keys() {
            self.update_session_baseline(field, (event, remote), baseline);
        }
        let is_there = |id: &Id| remote.staff.iter().any(|member| member.contact_id.as_ref() == Some(id));
        baseline.instructors.retain(is_there);
    }

    fn update_custom_field_baseline(
        &self,
        field: EventField,
        of_session: bool,
        remote: &std::collections::BTreeMap<Id, String>,
        baseline: &mut Vec<CustomFieldValue>,
    ) {
        let Some((_, key)) = self.custom(of_session).find(|(custom, _)| *custom == field) else { return };
        let key = Id::new(key);
        let Some(value) = remote.get(&key).cloned() else { return };
        match baseline.iter_mut().find(|field| field.key == key) {
            Some(field) => field.value = value,
            None => baseline.push(CustomFieldValue { key, value }),
        }
    }

    /// Sets a value of the local event to its baseline value.
    ///
    /// # Errors
    /// A sentence that says why the local event cannot have the value.
    pub fn accept_event_field(&self, field: EventField, baseline: &NewEvent, event: &mut Event) -> Result<(), String> {
        match field {
            EventField::Place => {
                let (location, venue) = self.local_ids(&baseline.location_id, baseline.venue_id.as_ref())?;
                (event.location_id, event.venue_id) = (Some(location), venue);
                event.location_text = self.locations.local_name(Some(location)).map(str::to_owned);
                event.venue_text = self.venues.local_name(venue).map(str::to_owned);
            }
            EventField::MaxPlaces => event.max_places = baseline.max_places,
            EventField::TimeZone => {
                jiff::tz::TimeZone::get(&baseline.time_zone)
                    .map_err(|_| format!("\"{}\" is not a time zone", baseline.time_zone))?;
                event.time_zone.clone_from(&baseline.time_zone);
            }
            EventField::LmsWindow => {
                let window = baseline.lms.map(|window| instants(window, &baseline.time_zone)).transpose()?;
                (event.lms_start, event.lms_end) = window.unzip();
                recompute_dates(event);
            }
            EventField::Sitting => event.sitting = self.baseline_text(field, baseline),
            EventField::Finalisation => {
                event.finalisation_date = self.baseline_text(field, baseline).map(day).transpose()?
            }
            EventField::WebSale => event.web_sale = self.baseline_text(field, baseline).as_deref() == Some("true"),
            EventField::Moodle => event.ocr_moodle_code = self.baseline_text(field, baseline),
            EventField::Url => event.event_url = self.baseline_text(field, baseline),
            EventField::Title | EventField::Time => {
                let message = "the title identifies an event in timetables and orders and is not changed locally: \
                               rename the event in Administrate or keep the local value";
                return Err(message.into());
            }
        }
        Ok(())
    }

    /// Sets a value of the local session to its baseline value.
    ///
    /// # Errors
    /// A sentence that says why the local session cannot have the value.
    pub fn accept_session_field(
        &self,
        field: EventField,
        baseline: &DesiredSession,
        session: &mut Session,
    ) -> Result<(), String> {
        match field {
            EventField::Title if baseline.title.trim().is_empty() || baseline.title.chars().count() > 255 => {
                return Err("the title of a session has 1 to 255 characters".into());
            }
            EventField::Title => baseline.title.trim().clone_into(&mut session.title),
            EventField::Time => (session.start, session.end) = instants(baseline.window, &baseline.time_zone)?,
            EventField::Place => {
                let (location, venue) = self.local_ids(&baseline.location, baseline.venue.as_ref())?;
                (session.location_id, session.venue_id) = (Some(location), venue);
                session.location_text = self.locations.local_name(Some(location)).map(str::to_owned);
                session.venue_text = self.venues.local_name(venue).map(str::to_owned);
            }
            _ => {
                let url = self.baseline_custom_text(field, true, &baseline.custom_fields);
                if url.as_ref().is_some_and(|url| url.chars().count() > 500) {
                    return Err("the url of a session has up to 500 characters".into());
                }
                session.url = url;
            }
        }
        Ok(())
    }

    fn baseline_text(&self, field: EventField, baseline: &NewEvent) -> Option<String> {
        self.baseline_custom_text(field, false, &baseline.custom_fields)
    }

    fn baseline_custom_text(&self, field: EventField, of_session: bool, fields: &[CustomFieldValue]) -> Option<String> {
        let (_, key) = self.custom(of_session).find(|(custom, _)| *custom == field)?;
        let value = fields.iter().find(|field| field.key.as_str() == key)?;
        Some(plain(field, value.value.clone())).filter(|text| !text.is_empty())
    }

    fn local_ids(&self, location: &Id, venue: Option<&Id>) -> Result<(i64, Option<i64>), String> {
        let unlinked = |what: &str, id: &Id| {
            format!("{what} {id} of Administrate has no local record: run `lectern sync {what}s`, or link it")
        };
        let local = self.locations.linked(location).ok_or_else(|| unlinked("location", location))?;
        let venue = venue.map(|id| self.venues.linked(id).ok_or_else(|| unlinked("venue", id))).transpose()?;
        Ok((local, venue))
    }
}

/// Sets first and last day of an event from its window on the learning platform or, without one, from its sessions.
pub fn recompute_dates(event: &mut Event) {
    let zone = zone_of(&event.time_zone);
    let taught_window = || {
        let first = event.sessions.iter().map(|session| session.start).min()?;
        Some((first, event.sessions.iter().map(|session| session.end).max()?))
    };
    if let Some((first, last)) = event.lms_start.zip(event.lms_end).or_else(taught_window) {
        (event.start_date, event.end_date) = (zone.to_datetime(first).date(), zone.to_datetime(last).date());
    }
}

fn instants(Window { start, end }: Window, zone: &str) -> Result<(Timestamp, Timestamp), String> {
    let zone = zone_of(zone);
    let instant = |at: DateTime| {
        zone.to_timestamp(at).map_err(|_| format!("{} is not a time that can be stored", at.strftime("%d/%m/%Y %H:%M")))
    };
    let (start, end) = (instant(start)?, instant(end)?);
    if start > end { Err("the end is before the start".into()) } else { Ok((start, end)) }
}

fn day(text: String) -> Result<Date, String> {
    text.parse().map_err(|_| format!("\"{text}\" is not a date"))
}
