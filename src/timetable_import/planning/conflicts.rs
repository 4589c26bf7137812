//! Values that the file changes and that somebody changed in Administrate since both sides last agreed: shown with both
//! values, and left as Administrate has them unless ours are to win (rules, Import).
//!
//! Left means that our stored value stays as it was: delivery sends what differs from what was agreed, so it has nothing to
//! send for such a field, while all others go through. The next import of the same file shows it again. What belongs
//! together, a place or a window, is one value. What Administrate does not tell is taken for unchanged. Not compared are
//! people, who are added and taken off one by one, so that nobody's change is written over, and the classroom window, which
//! is that of the sessions.

use std::collections::HashMap;

use administrate::{Id, Moment, NewEvent, Window};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::config::Labels;
use crate::delivery::WantedSession;
use crate::names::fold;
use crate::timetable_import::layout::Field;
use crate::tutorials::{Event, Session};

use super::differences::place_of;
use super::ours::{Agreed, Linked, Ours};

/// A value of an event or of a session that is compared as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Aspect {
    Place,
    MaxPlaces,
    TimeZone,
    LmsWindow,
    Sitting,
    Finalisation,
    WebSale,
    Moodle,
    Title,
    Time,
    Url,
}

/// One value that differs on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clash {
    /// Which.
    pub(super) aspect: Aspect,
    /// Of which session, None for the event itself.
    pub(super) day: Option<i32>,
    /// Ours before and as the file has it, and theirs; "" for nothing.
    pub(super) values: [String; 3],
}

/// What an event or session says of each aspect; "" for nothing, absent where nothing is told.
type Said = HashMap<Aspect, String>;

impl Aspect {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::MaxPlaces => "max places",
            Self::TimeZone => "time zone",
            Self::LmsWindow => "LMS window",
            Self::Sitting => "sitting",
            Self::Finalisation => "finalisation date",
            Self::WebSale => "web sale",
            Self::Moodle => "OCR moodle code",
            Self::Title => "title",
            Self::Time => "time",
            Self::Url => "url",
        }
    }

    /// Where the file says it.
    pub(super) fn field(self, of_session: bool) -> Field {
        match self {
            Self::Place => Field::Location,
            Self::MaxPlaces => Field::MaxPlaces,
            Self::TimeZone => Field::TimeZone,
            Self::LmsWindow => Field::LmsStartDate,
            Self::Sitting => Field::Sitting,
            Self::Finalisation => Field::FinalisationDate,
            Self::WebSale => Field::WebSale,
            Self::Moodle => Field::OcrMoodleCode,
            Self::Title => Field::SessionTitle,
            Self::Time => Field::StartDate,
            Self::Url if of_session => Field::SessionUrl,
            Self::Url => Field::EventUrl,
        }
    }
}

/// Compares the sides of one event.
pub(super) struct Sides<'a> {
    pub(super) ours: &'a Ours,
    pub(super) labels: &'a Labels,
    pub(super) agreed: &'a Agreed,
    pub(super) theirs: &'a administrate::Event,
}

impl Sides<'_> {
    /// What of the event itself changes on both sides.
    pub(super) fn of_event(&self, old: &Event, new: &Event) -> Vec<Clash> {
        let Some(agreed) = &self.agreed.event else { return Vec::new() };
        let said = [self.event(old), self.event(new), self.agreed_event(agreed), self.their_event(agreed)];
        clashes(None, &said)
    }

    /// What of one session changes on both sides, each within its event.
    pub(super) fn of_session(&self, old: (&Event, &Session), new: (&Event, &Session)) -> Vec<Clash> {
        let Some((id, agreed)) = self.agreed.sessions.get(&new.1.sequence) else { return Vec::new() };
        let Some(theirs) = self.theirs.sessions.iter().find(|session| session.id == *id) else { return Vec::new() };
        let said =
            [self.session(old), self.session(new), self.agreed_session(agreed), self.their_session(theirs, agreed)];
        clashes(Some(new.1.sequence), &said)
    }

    fn event(&self, event: &Event) -> Said {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let zone = TimeZone::get(&event.time_zone).unwrap_or(TimeZone::UTC);
        let lms = event.lms_start.zip(event.lms_end);
        HashMap::from([
            (Aspect::Place, self.our_place((event.location_id, event.venue_id))),
            (Aspect::MaxPlaces, event.max_places.map(|places| places.to_string()).unwrap_or_default()),
            (Aspect::TimeZone, event.time_zone.clone()),
            (Aspect::LmsWindow, lms.map(|w| window(zone.to_datetime(w.0), zone.to_datetime(w.1))).unwrap_or_default()),
            (Aspect::Sitting, text(&event.sitting)),
            (Aspect::Finalisation, event.finalisation_date.map(|date| date.to_string()).unwrap_or_default()),
            (Aspect::WebSale, event.web_sale.to_string()),
            (Aspect::Moodle, text(&event.ocr_moodle_code)),
            (Aspect::Url, text(&event.event_url)),
        ])
    }

    fn agreed_event(&self, agreed: &NewEvent) -> Said {
        let values: HashMap<&str, &str> =
            agreed.custom_fields.iter().map(|field| (field.key.as_str(), field.value.as_str())).collect();
        let mut said = self.custom("event", |key| Some(values.get(key).copied().unwrap_or_default().to_owned()));
        said.extend([
            (Aspect::Place, self.their_place(Some(&agreed.location_id), agreed.venue_id.as_ref())),
            (Aspect::MaxPlaces, agreed.max_places.map(|places| places.to_string()).unwrap_or_default()),
            (Aspect::TimeZone, agreed.time_zone.clone()),
            (Aspect::LmsWindow, agreed.lms.map(|Window { start, end }| window(start, end)).unwrap_or_default()),
        ]);
        said
    }

    fn their_event(&self, agreed: &NewEvent) -> Said {
        let theirs = self.theirs;
        let mut said = self.custom("event", |key| theirs.custom_fields.get(&Id::new(key)).cloned());
        let location = theirs.location_id.as_ref().or(Some(&agreed.location_id));
        said.insert(Aspect::Place, self.their_place(location, theirs.venue_id.as_ref().or(agreed.venue_id.as_ref())));
        said.extend(theirs.max_places.map(|places| (Aspect::MaxPlaces, places.to_string())));
        said.extend(theirs.time_zone.clone().map(|zone| (Aspect::TimeZone, zone)));
        said.extend(self.their_window(theirs.lms_start, theirs.lms_end).map(|window| (Aspect::LmsWindow, window)));
        said
    }

    fn session(&self, (event, session): (&Event, &Session)) -> Said {
        let zone = TimeZone::get(&event.time_zone).unwrap_or(TimeZone::UTC);
        HashMap::from([
            (Aspect::Title, session.title.clone()),
            (Aspect::Time, window(zone.to_datetime(session.start), zone.to_datetime(session.end))),
            (Aspect::Place, self.our_place(place_of(event, session))),
            (Aspect::Url, session.url.clone().unwrap_or_default()),
        ])
    }

    fn agreed_session(&self, agreed: &WantedSession) -> Said {
        let values: HashMap<&str, &str> =
            agreed.custom_fields.iter().map(|field| (field.key.as_str(), field.value.as_str())).collect();
        let mut said = self.custom("session", |key| Some(values.get(key).copied().unwrap_or_default().to_owned()));
        said.extend([
            (Aspect::Title, agreed.title.clone()),
            (Aspect::Time, window(agreed.window.start, agreed.window.end)),
            (Aspect::Place, self.their_place(Some(&agreed.location), agreed.venue.as_ref())),
        ]);
        said
    }

    fn their_session(&self, theirs: &administrate::Session, agreed: &WantedSession) -> Said {
        let mut said = self.custom("session", |key| theirs.custom_fields.get(&Id::new(key)).cloned());
        said.insert(Aspect::Title, theirs.title.clone());
        let location = theirs.location_id.as_ref().or(Some(&agreed.location));
        said.insert(Aspect::Place, self.their_place(location, theirs.venue_id.as_ref().or(agreed.venue.as_ref())));
        let start = theirs.time_zoned_start.or(theirs.start);
        let end = theirs.time_zoned_end.or(theirs.end);
        said.extend(self.their_window(start, end).map(|window| (Aspect::Time, window)));
        said
    }

    /// The aspects that are custom fields there, where the tenant has them.
    fn custom(&self, entity: &str, value: impl Fn(&str) -> Option<String>) -> Said {
        let labels: &[(Aspect, &String)] = if entity == "event" {
            &[
                (Aspect::Sitting, &self.labels.sitting),
                (Aspect::Finalisation, &self.labels.finalisation_date),
                (Aspect::WebSale, &self.labels.web_sale),
                (Aspect::Moodle, &self.labels.ocr_moodle_code),
                (Aspect::Url, &self.labels.event_url),
            ]
        } else {
            &[(Aspect::Url, &self.labels.session_url)]
        };
        let said = labels.iter().filter_map(|(aspect, label)| {
            let definition = self.ours.fields.get(&(entity.to_owned(), fold(label)))?;
            Some((*aspect, plain(*aspect, value(&definition.key)?)))
        });
        said.collect()
    }

    fn their_window(&self, start: Option<Moment>, end: Option<Moment>) -> Option<String> {
        let zone = self.theirs.zone(&TimeZone::UTC);
        Some(window(start?.local(&zone), end?.local(&zone)))
    }

    fn our_place(&self, (location, venue): (Option<i64>, Option<i64>)) -> String {
        let locations = self.ours.locations.iter();
        let location = locations.clone().find(|known| Some(known.record.id) == location);
        let venue = self.venues().find(|known| Some(known.record.id) == venue);
        place(location.map(|known| known.record.name.as_str()), venue.map(|known| known.record.name.as_str()))
    }

    fn their_place(&self, location: Option<&Id>, venue: Option<&Id>) -> String {
        let called =
            |id: &Id, known: Option<&Linked>| known.map_or_else(|| id.to_string(), |known| known.record.name.clone());
        let is = |known: &&Linked, id: &Id| known.external_id.as_deref() == Some(id.as_str());
        let location = location.map(|id| called(id, self.ours.locations.iter().find(|known| is(known, id))));
        let venue = venue.map(|id| called(id, self.venues().find(|known| is(known, id))));
        place(location.as_deref(), venue.as_deref())
    }

    fn venues(&self) -> impl Iterator<Item = &Linked> {
        self.ours.venues.iter().map(|venue| &venue.linked)
    }
}

/// Where our value changes, theirs changed since both agreed, and not to the same.
fn clashes(day: Option<i32>, [old, new, agreed, theirs]: &[Said; 4]) -> Vec<Clash> {
    let said = |side: &Said, aspect: &Aspect| side.get(aspect).cloned().unwrap_or_default();
    let mut clashes: Vec<Clash> = theirs
        .iter()
        .filter(|(aspect, theirs)| agreed.get(aspect).is_some_and(|agreed| agreed != *theirs))
        .map(|(aspect, theirs)| Clash {
            aspect: *aspect,
            day,
            values: [said(old, aspect), said(new, aspect), theirs.clone()],
        })
        .filter(|clash| clash.values[0] != clash.values[1] && clash.values[1] != clash.values[2])
        .collect();
    clashes.sort_by_key(|clash| clash.aspect.name());
    clashes
}

/// Sets an event's value back to what it was.
pub(super) fn keep_of_event(aspect: Aspect, old: &Event, new: &mut Event) {
    match aspect {
        Aspect::Place => {
            (new.location_id, new.venue_id, new.product_id) = (old.location_id, old.venue_id, old.product_id);
            new.location_text.clone_from(&old.location_text);
            new.venue_text.clone_from(&old.venue_text);
        }
        Aspect::MaxPlaces => new.max_places = old.max_places,
        Aspect::TimeZone => new.time_zone.clone_from(&old.time_zone),
        Aspect::LmsWindow => {
            (new.lms_start, new.lms_end) = (old.lms_start, old.lms_end);
            (new.start_date, new.end_date) = (old.start_date, old.end_date);
        }
        Aspect::Sitting => {
            new.sitting.clone_from(&old.sitting);
            new.product_id = old.product_id;
        }
        Aspect::Finalisation => new.finalisation_date = old.finalisation_date,
        Aspect::WebSale => new.web_sale = old.web_sale,
        Aspect::Moodle => new.ocr_moodle_code.clone_from(&old.ocr_moodle_code),
        Aspect::Url => new.event_url.clone_from(&old.event_url),
        Aspect::Title | Aspect::Time => {}
    }
}

/// Sets a session's value back to what it was within its event.
pub(super) fn keep_of_session(aspect: Aspect, (event, old): (&Event, &Session), new: &mut Session) {
    match aspect {
        Aspect::Title => new.title.clone_from(&old.title),
        Aspect::Time => (new.start, new.end) = (old.start, old.end),
        Aspect::Place => {
            (new.location_id, new.venue_id) = place_of(event, old);
            new.location_text.clone_from(&old.location_text);
            new.venue_text.clone_from(&old.venue_text);
        }
        Aspect::Url => new.url.clone_from(&old.url),
        _ => {}
    }
}

fn place(location: Option<&str>, venue: Option<&str>) -> String {
    [location, venue].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn window(start: DateTime, end: DateTime) -> String {
    format!("{} to {}", start.strftime("%d/%m/%Y %H:%M"), end.strftime("%d/%m/%Y %H:%M"))
}

/// A custom field's text as it is compared: whatever spelling of truth, and a date without a time.
fn plain(aspect: Aspect, text: String) -> String {
    match aspect {
        Aspect::WebSale => matches!(fold(&text).as_str(), "true" | "y" | "yes" | "1").to_string(),
        Aspect::Finalisation => text.chars().take(10).collect(),
        _ => text.trim().to_owned(),
    }
}
