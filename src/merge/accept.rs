//! Values of Administrate's taken over: first into what both sides agree on, then, where theirs win, into ours.

use administrate::{CustomFieldValue, Id, NewEvent, Window};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

use super::desired::WantedSession;
use super::values::{plain, session_window, their_window, zone_called};
use super::{Aspect, Directory};
use crate::tutorials::{Event, Session};

impl Directory {
    /// Notes Administrate's value as agreed on; what it does not tell stays.
    pub fn agree_on_event(&self, aspect: Aspect, theirs: &administrate::Event, agreed: &mut NewEvent) {
        match aspect {
            Aspect::Title => agreed.title.clone_from(&theirs.title),
            Aspect::Place => {
                agreed.location_id = theirs.location_id.clone().unwrap_or_else(|| agreed.location_id.clone());
                agreed.venue_id = theirs.venue_id.clone().or_else(|| agreed.venue_id.take());
            }
            Aspect::MaxPlaces => agreed.max_places = theirs.max_places.and_then(|places| i32::try_from(places).ok()),
            Aspect::TimeZone => agreed.time_zone = theirs.time_zone.clone().unwrap_or_else(|| agreed.time_zone.clone()),
            Aspect::LmsWindow => {
                let told = their_window((theirs.lms_start, theirs.lms_end), theirs, &agreed.time_zone);
                agreed.lms = told.or(agreed.lms);
            }
            _ => self.agree_on_custom(aspect, false, &theirs.custom_fields, &mut agreed.custom_fields),
        }
    }

    /// Likewise of a session.
    pub fn agree_on_session(
        &self,
        aspect: Aspect,
        (event, theirs): (&administrate::Event, &administrate::Session),
        agreed: &mut WantedSession,
    ) {
        match aspect {
            Aspect::Title => agreed.title.clone_from(&theirs.title),
            Aspect::Place => {
                agreed.location = theirs.location_id.clone().unwrap_or_else(|| agreed.location.clone());
                agreed.venue = theirs.venue_id.clone().or_else(|| agreed.venue.take());
            }
            Aspect::Time => agreed.window = session_window(event, theirs, agreed).unwrap_or(agreed.window),
            _ => self.agree_on_custom(aspect, true, &theirs.custom_fields, &mut agreed.custom_fields),
        }
    }

    fn agree_on_custom(
        &self,
        aspect: Aspect,
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
    pub fn take_of_event(&self, aspect: Aspect, agreed: &NewEvent, event: &mut Event) -> Result<(), String> {
        match aspect {
            Aspect::Place => {
                let (location, venue) = self.our_ids(&agreed.location_id, agreed.venue_id.as_ref())?;
                (event.location_id, event.venue_id) = (Some(location), venue);
                event.location_text = self.locations.our_name(Some(location)).map(str::to_owned);
                event.venue_text = self.venues.our_name(venue).map(str::to_owned);
            }
            Aspect::MaxPlaces => event.max_places = agreed.max_places,
            Aspect::TimeZone => {
                jiff::tz::TimeZone::get(&agreed.time_zone)
                    .map_err(|_| format!("\"{}\" is no time zone", agreed.time_zone))?;
                event.time_zone.clone_from(&agreed.time_zone);
            }
            Aspect::LmsWindow => {
                let window = agreed.lms.map(|window| instants(window, &agreed.time_zone)).transpose()?;
                (event.lms_start, event.lms_end) = window.unzip();
                set_dates(event);
            }
            Aspect::Sitting => event.sitting = self.agreed_text(aspect, agreed),
            Aspect::Finalisation => event.finalisation_date = self.agreed_text(aspect, agreed).map(day).transpose()?,
            Aspect::WebSale => event.web_sale = self.agreed_text(aspect, agreed).as_deref() == Some("true"),
            Aspect::Moodle => event.ocr_moodle_code = self.agreed_text(aspect, agreed),
            Aspect::Url => event.event_url = self.agreed_text(aspect, agreed),
            Aspect::Title | Aspect::Time => {
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
    pub fn take_of_session(&self, aspect: Aspect, agreed: &WantedSession, session: &mut Session) -> Result<(), String> {
        match aspect {
            Aspect::Title if agreed.title.trim().is_empty() || agreed.title.chars().count() > 255 => {
                return Err("the title of a session has 1 to 255 characters".into());
            }
            Aspect::Title => agreed.title.trim().clone_into(&mut session.title),
            Aspect::Time => (session.start, session.end) = instants(agreed.window, &agreed.time_zone)?,
            Aspect::Place => {
                let (location, venue) = self.our_ids(&agreed.location, agreed.venue.as_ref())?;
                (session.location_id, session.venue_id) = (Some(location), venue);
                session.location_text = self.locations.our_name(Some(location)).map(str::to_owned);
                session.venue_text = self.venues.our_name(venue).map(str::to_owned);
            }
            _ => {
                let url = self.agreed_custom_text(aspect, true, &agreed.custom_fields);
                if url.as_ref().is_some_and(|url| url.chars().count() > 500) {
                    return Err("the url of a session has up to 500 characters".into());
                }
                session.url = url;
            }
        }
        Ok(())
    }

    fn agreed_text(&self, aspect: Aspect, agreed: &NewEvent) -> Option<String> {
        self.agreed_custom_text(aspect, false, &agreed.custom_fields)
    }

    fn agreed_custom_text(&self, aspect: Aspect, of_session: bool, fields: &[CustomFieldValue]) -> Option<String> {
        let (_, key) = self.custom(of_session).find(|(custom, _)| *custom == aspect)?;
        let value = fields.iter().find(|field| field.key.as_str() == key)?;
        Some(plain(aspect, value.value.clone())).filter(|text| !text.is_empty())
    }

    fn our_ids(&self, location: &Id, venue: Option<&Id>) -> Result<(i64, Option<i64>), String> {
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
pub fn set_dates(event: &mut Event) {
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
