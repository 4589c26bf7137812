//! Before values are written over those in Administrate: whether somebody changed them there since both sides last agreed.
//!
//! What is about to change is compared, nothing else; what Administrate does not tell is taken for unchanged. An import
//! shows the same in its plan (`timetable_import::planning::conflicts`) where it can look; this is the last look, for what
//! is delivered later or was changed there in between.

use std::collections::HashMap;

use administrate::{CustomFieldValue, Event, Id, Moment, NewEvent, Session, Window};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::errand::Errand;
use super::wanted::{Wanted, WantedSession};
use super::{Trouble, store};
use crate::bridges::events::{Agreed, Agreement, EventLink};
use crate::names::fold;
use crate::tutorials::{COMPARE, OURS};

/// One value on all sides, in words: which, as agreed, as it is to be, as Administrate has it.
type Sides = (String, String, String, String);

impl Errand<'_> {
    /// Ends the errand where a value that is to be written was changed in Administrate, unless ours are to win.
    pub(super) async fn compare(&self, link: &EventLink, wanted: &Wanted) -> Result<(), Trouble> {
        if !self.is_asked(COMPARE) || self.is_asked(OURS) {
            return Ok(());
        }
        let event: Option<Agreement<NewEvent>> = self.agreed(Agreed::Event, &link.external_id).await?;
        let event = event.as_ref().and_then(Agreement::certain).filter(|agreed| **agreed != wanted.event);
        let mut sessions = Vec::new();
        for (ours, session) in self.known.session_ids.iter().zip(&wanted.sessions) {
            let Some(linked) = link.sessions.iter().find(|link| link.tutorial_session_id == Some(*ours)) else {
                continue;
            };
            let agreed: Option<Agreement<WantedSession>> = self.agreed(Agreed::Session, &linked.external_id).await?;
            let agreed = agreed.filter(|agreed| !agreed.unsure && agreed.values != *session);
            sessions.extend(agreed.map(|agreed| (&linked.external_id, agreed.values, session)));
        }
        if event.is_none() && sessions.is_empty() {
            return Ok(());
        }
        self.go_on()?;
        let Some(theirs) = self.worker.client.event(&link.external_id).await? else { return Ok(()) };
        let names = store::names(&mut *self.worker.pool.acquire().await?).await?;
        let mut clashes = event.map(|agreed| of_event(agreed, &wanted.event, &theirs, &names)).unwrap_or_default();
        for (id, agreed, session) in sessions {
            let there = theirs.sessions.iter().find(|there| there.id == *id);
            let found = there.map(|there| of_session(&agreed, session, there, &names)).unwrap_or_default();
            let named = |(field, was, is, theirs)| (format!("\"{}\": {field}", session.title), was, is, theirs);
            clashes.extend(found.into_iter().map(named));
        }
        if clashes.is_empty() { Ok(()) } else { Err(Trouble::Refused(told(&clashes))) }
    }
}

fn told(clashes: &[Sides]) -> String {
    let shown = |value: &str| if value.is_empty() { "nothing".to_owned() } else { value.to_owned() };
    let one = |(field, was, is, theirs): &Sides| {
        format!("{field}: {} → {}; Administrate has {}", shown(was), shown(is), shown(theirs))
    };
    format!(
        "changed in Administrate since both sides last agreed, so nothing was written ({}): import with --ours to write \
         ours, or put theirs into the timetable",
        clashes.iter().map(one).collect::<Vec<_>>().join("; ")
    )
}

/// The values that differ on all three sides.
fn differing(values: Vec<(&str, String, String, Option<String>)>) -> Vec<Sides> {
    let same = |one: &str, other: &str| fold(one) == fold(other);
    values
        .into_iter()
        .filter_map(|(field, was, is, theirs)| Some((field.to_owned(), was, is, theirs?)))
        .filter(|(_, was, is, theirs)| !same(was, is) && !same(was, theirs) && !same(is, theirs))
        .collect()
}

fn of_event(agreed: &NewEvent, wanted: &NewEvent, theirs: &Event, names: &HashMap<String, String>) -> Vec<Sides> {
    let zone = theirs.zone(&TimeZone::UTC);
    let places = |places: Option<i32>| places.map(|places| places.to_string()).unwrap_or_default();
    let lms = |event: &NewEvent| event.lms.map(window).unwrap_or_default();
    let place = |event: &NewEvent| place(Some(&event.location_id), event.venue_id.as_ref(), names);
    let location = theirs.location_id.as_ref().or(Some(&agreed.location_id));
    let venue = theirs.venue_id.as_ref().or(agreed.venue_id.as_ref());
    let mut values = vec![
        ("max places", places(agreed.max_places), places(wanted.max_places), theirs.max_places.map(|n| n.to_string())),
        ("time zone", agreed.time_zone.clone(), wanted.time_zone.clone(), theirs.time_zone.clone()),
        ("LMS window", lms(agreed), lms(wanted), span(theirs.lms_start, theirs.lms_end, &zone)),
        ("place", place(agreed), place(wanted), Some(self::place(location, venue, names))),
    ];
    values.extend(custom((&agreed.custom_fields, &wanted.custom_fields), &theirs.custom_fields, names));
    differing(values)
}

fn of_session(
    agreed: &WantedSession,
    wanted: &WantedSession,
    theirs: &Session,
    names: &HashMap<String, String>,
) -> Vec<Sides> {
    let zone = TimeZone::get(&agreed.time_zone).unwrap_or(TimeZone::UTC);
    let place = |session: &WantedSession| place(Some(&session.location), session.venue.as_ref(), names);
    let location = theirs.location_id.as_ref().or(Some(&agreed.location));
    let venue = theirs.venue_id.as_ref().or(agreed.venue.as_ref());
    let (start, end) = (theirs.time_zoned_start.or(theirs.start), theirs.time_zoned_end.or(theirs.end));
    let mut values = vec![
        ("title", agreed.title.clone(), wanted.title.clone(), Some(theirs.title.clone())),
        ("time", window(agreed.window), window(wanted.window), span(start, end, &zone)),
        ("place", place(agreed), place(wanted), Some(self::place(location, venue, names))),
    ];
    values.extend(custom((&agreed.custom_fields, &wanted.custom_fields), &theirs.custom_fields, names));
    differing(values)
}

/// The custom fields that either side of ours names and Administrate shows; a date is compared without a time.
fn custom<'a>(
    (agreed, wanted): (&'a [CustomFieldValue], &'a [CustomFieldValue]),
    theirs: &std::collections::BTreeMap<Id, String>,
    names: &'a HashMap<String, String>,
) -> Vec<(&'a str, String, String, Option<String>)> {
    let value = |values: &[CustomFieldValue], key: &Id| {
        values.iter().find(|field| field.key == *key).map(|field| field.value.clone()).unwrap_or_default()
    };
    let mut keys: Vec<&Id> = agreed.iter().chain(wanted).map(|field| &field.key).collect();
    keys.sort();
    keys.dedup();
    let sides = keys.into_iter().map(|key| {
        let (was, is) = (value(agreed, key), value(wanted, key));
        let is_date = was.parse::<jiff::civil::Date>().is_ok();
        let theirs = theirs.get(key).map(|text| if is_date { text.chars().take(10).collect() } else { text.clone() });
        (names.get(key.as_str()).map_or(key.as_str(), String::as_str), was, is, theirs)
    });
    sides.collect()
}

fn place(location: Option<&Id>, venue: Option<&Id>, names: &HashMap<String, String>) -> String {
    let name = |id: &Id| names.get(id.as_str()).cloned().unwrap_or_else(|| id.to_string());
    location.into_iter().chain(venue).map(name).collect::<Vec<_>>().join(", ")
}

fn span(start: Option<Moment>, end: Option<Moment>, zone: &TimeZone) -> Option<String> {
    Some(window(Window { start: start?.local(zone), end: end?.local(zone) }))
}

fn window(window: Window) -> String {
    let shown = |at: DateTime| at.strftime("%d/%m/%Y %H:%M").to_string();
    format!("{} to {}", shown(window.start), shown(window.end))
}
