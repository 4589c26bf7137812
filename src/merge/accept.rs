//! Values of Administrate's taken over: first into what both sides agree on, then, where theirs win, into ours.

use administrate::{CustomFieldValue, Id, NewEvent, Window};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

use super::desired::DesiredSession;
use super::values::{plain, remote_window, session_window, zone_called};
use super::{EventField, ReferenceNames};
use crate::tutorials::{Event, Session};

impl ReferenceNames {
    /// Notes Administrate's value as agreed on; what it does not tell stays.
    pub fn update_event_baseline(&self, aspect: EventField, theirs: &administrate::Event, agreed: &mut NewEvent) {
        match aspect {
            EventField::Title => agreed.title.clone_from(&theirs.title),
            EventField::Place => {
                agreed.location_id = theirs.location_id.clone().unwrap_or_else(|| agreed.location_id.clone());
                agreed.venue_id = theirs.venue_id.clone().or_else(|| agreed.venue_id.take());
            }
            EventField::MaxPlaces => {
                agreed.max_places = theirs.max_places.and_then(|places| i32::try_from(places).ok())
            }
            EventField::TimeZone => {
                agreed.time_zone = theirs.time_zone.clone().unwrap_or_else(|| agreed.time_zone.clone())
            }
            EventField::LmsWindow => {
                let told = remote_window((theirs.lms_start, theirs.lms_end), theirs, &agreed.time_zone);
                agreed.lms = told.or(agreed.lms);
            }
            _ => self.update_custom_field_baseline(aspect, false, &theirs.custom_fields, &mut agreed.custom_fields),
        }
    }

    /// Likewise of a session.
    pub fn update_session_baseline(
        &self,
        aspect: EventField,
        (event, theirs): (&administrate::Event, &administrate::Session),
        agreed: &mut DesiredSession,
    ) {
        match aspect {
            EventField::Title => agreed.title.clone_from(&theirs.title),
            EventField::Place => {
                agreed.location = theirs.location_id.clone().unwrap_or_else(|| agreed.location.clone());
                agreed.venue = theirs.venue_id.clone().or_else(|| agreed.venue.take());
            }
            EventField::Time => agreed.window = session_window(event, theirs, agreed).unwrap_or(agreed.window),
            _ => self.update_custom_field_baseline(aspect, true, &theirs.custom_fields, &mut agreed.custom_fields),
        }
    }

    fn update_custom_field_baseline(
        &self,
        aspect: EventField,
        of_session: bool,
        theirs: &std::collections::BTreeMap<Id, String>,
        agreed: &mut Vec<CustomFieldValue>,
    ) {
        let Some((_, key)) = self.custom(of_session).find(|(custom, _)| *custom == aspect) else { return };
        let key = Id::new(key);
        let Some(value) = theirs.get(&key).cloned() else { return };
        match agreed.iter_mut().find(|field| field.key == key) {
            Some(field) => field.value = value,
            None => agreed.push(CustomFieldValue { key, value }),
        }
    }

    /// Makes our value the agreed one.
    ///
    /// # Errors
    /// A sentence where ours cannot say it.
    pub fn accept_event_field(&self, aspect: EventField, agreed: &NewEvent, event: &mut Event) -> Result<(), String> {
        match aspect {
            EventField::Place => {
                let (location, venue) = self.local_ids(&agreed.location_id, agreed.venue_id.as_ref())?;
                (event.location_id, event.venue_id) = (Some(location), venue);
                event.location_text = self.locations.local_name(Some(location)).map(str::to_owned);
                event.venue_text = self.venues.local_name(venue).map(str::to_owned);
            }
            EventField::MaxPlaces => event.max_places = agreed.max_places,
            EventField::TimeZone => {
                jiff::tz::TimeZone::get(&agreed.time_zone)
                    .map_err(|_| format!("\"{}\" is no time zone", agreed.time_zone))?;
                event.time_zone.clone_from(&agreed.time_zone);
            }
            EventField::LmsWindow => {
                let window = agreed.lms.map(|window| instants(window, &agreed.time_zone)).transpose()?;
                (event.lms_start, event.lms_end) = window.unzip();
                recompute_dates(event);
            }
            EventField::Sitting => event.sitting = self.baseline_text(aspect, agreed),
            EventField::Finalisation => {
                event.finalisation_date = self.baseline_text(aspect, agreed).map(day).transpose()?
            }
            EventField::WebSale => event.web_sale = self.baseline_text(aspect, agreed).as_deref() == Some("true"),
            EventField::Moodle => event.ocr_moodle_code = self.baseline_text(aspect, agreed),
            EventField::Url => event.event_url = self.baseline_text(aspect, agreed),
            EventField::Title | EventField::Time => {
                return Err(
                    "an event goes by its title in timetables and orders: it is not renamed here, rename it in \
                            Administrate or keep ours"
                        .into(),
                );
            }
        }
        Ok(())
    }

    /// Makes the value of our session the agreed one.
    ///
    /// # Errors
    /// Likewise.
    pub fn accept_session_field(
        &self,
        aspect: EventField,
        agreed: &DesiredSession,
        session: &mut Session,
    ) -> Result<(), String> {
        match aspect {
            EventField::Title if agreed.title.trim().is_empty() || agreed.title.chars().count() > 255 => {
                return Err("the title of a session has 1 to 255 characters".into());
            }
            EventField::Title => agreed.title.trim().clone_into(&mut session.title),
            EventField::Time => (session.start, session.end) = instants(agreed.window, &agreed.time_zone)?,
            EventField::Place => {
                let (location, venue) = self.local_ids(&agreed.location, agreed.venue.as_ref())?;
                (session.location_id, session.venue_id) = (Some(location), venue);
                session.location_text = self.locations.local_name(Some(location)).map(str::to_owned);
                session.venue_text = self.venues.local_name(venue).map(str::to_owned);
            }
            _ => {
                let url = self.baseline_custom_text(aspect, true, &agreed.custom_fields);
                if url.as_ref().is_some_and(|url| url.chars().count() > 500) {
                    return Err("the url of a session has up to 500 characters".into());
                }
                session.url = url;
            }
        }
        Ok(())
    }

    fn baseline_text(&self, aspect: EventField, agreed: &NewEvent) -> Option<String> {
        self.baseline_custom_text(aspect, false, &agreed.custom_fields)
    }

    fn baseline_custom_text(
        &self,
        aspect: EventField,
        of_session: bool,
        fields: &[CustomFieldValue],
    ) -> Option<String> {
        let (_, key) = self.custom(of_session).find(|(custom, _)| *custom == aspect)?;
        let value = fields.iter().find(|field| field.key.as_str() == key)?;
        Some(plain(aspect, value.value.clone())).filter(|text| !text.is_empty())
    }

    fn local_ids(&self, location: &Id, venue: Option<&Id>) -> Result<(i64, Option<i64>), String> {
        let unlinked = |what: &str, id: &Id| {
            format!("Administrate's {what} {id} is not linked to one of ours: run `lectern sync {what}s`, or link it")
        };
        let ours = self.locations.linked(location).ok_or_else(|| unlinked("location", location))?;
        let venue = venue.map(|id| self.venues.linked(id).ok_or_else(|| unlinked("venue", id))).transpose()?;
        Ok((ours, venue))
    }
}

/// First and last day of an event (rules, Import): the window of the learning platform where there is one, else its
/// sessions.
pub fn recompute_dates(event: &mut Event) {
    let zone = zone_called(&event.time_zone);
    let taught = || {
        let first = event.sessions.iter().map(|session| session.start).min()?;
        Some((first, event.sessions.iter().map(|session| session.end).max()?))
    };
    if let Some((first, last)) = event.lms_start.zip(event.lms_end).or_else(taught) {
        (event.start_date, event.end_date) = (zone.to_datetime(first).date(), zone.to_datetime(last).date());
    }
}

fn instants(Window { start, end }: Window, zone: &str) -> Result<(Timestamp, Timestamp), String> {
    let zone = zone_called(zone);
    let instant = |at: DateTime| {
        zone.to_timestamp(at).map_err(|_| format!("{} is no time that can be kept", at.strftime("%d/%m/%Y %H:%M")))
    };
    let (start, end) = (instant(start)?, instant(end)?);
    if start > end { Err("it would end before it starts".into()) } else { Ok((start, end)) }
}

fn day(text: String) -> Result<Date, String> {
    text.parse().map_err(|_| format!("\"{text}\" is no date"))
}
