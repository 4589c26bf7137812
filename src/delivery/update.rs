//! The later steps: what differs from what both sides last agreed on is written, and nothing else.
//!
//! Before a known record is written again, that is noted: a write of which nobody saw the end leaves it open which values
//! Administrate has, and then all of them are written, also those that were changed back here meanwhile.

use administrate::{CustomFieldValue, EventChanges, Id, NewEvent, SessionChanges, StaffType};

use super::Trouble;
use super::errand::Errand;
use super::left::{Left, kept};
use super::staff::both;
use super::wanted::{Wanted, WantedSession};
use crate::bridges::events::{Agreed, Agreement, EventLink};
use crate::tutorials::OURS;

impl Errand<'_> {
    pub(super) async fn update_event(&mut self, link: &EventLink, wanted: &Wanted) -> Result<(), Trouble> {
        let id = &link.external_id;
        let before: Option<Agreement<NewEvent>> = self.agreed(Agreed::Event, id).await?;
        let certain = before.as_ref().and_then(Agreement::certain);
        if certain == Some(&wanted.event) {
            return Ok(());
        }
        self.go_on()?;
        let changes = event_changes(before.as_ref(), &wanted.event);
        let mut agreed = Some(wanted.event.clone());
        if changes != EventChanges::default() {
            if let Some(before) = &before {
                self.doubt(Agreed::Event, id, &before.values).await?;
            }
            let left = self.worker.client.update_event(id, &changes).await?.left_out;
            if !left.is_empty() {
                agreed = certain.map(|before| kept(before, &wanted.event, &left));
            }
            self.left.extend(left.into_iter().map(Left::OfEvent));
        }
        match agreed {
            Some(agreed) => self.agree(Agreed::Event, id, &agreed).await,
            // What stands there is not known as a whole: all of it is written again.
            None => Ok(()),
        }
    }

    pub(super) async fn update_sessions(&mut self, link: &EventLink, wanted: &Wanted) -> Result<(), Trouble> {
        for (ours, session) in self.known.session_ids.iter().zip(&wanted.sessions) {
            // Where the template made fewer sessions, those that fit are delivered and the rest is told at the end.
            let linked = link.sessions.iter().find(|link| link.tutorial_session_id == Some(*ours));
            if let Some(linked) = linked {
                self.update_session(link, &linked.external_id, (wanted, session)).await?;
            }
        }
        Ok(())
    }

    async fn update_session(
        &mut self,
        link: &EventLink,
        id: &Id,
        (event, wanted): (&Wanted, &WantedSession),
    ) -> Result<(), Trouble> {
        let before: Option<Agreement<WantedSession>> = self.agreed(Agreed::Session, id).await?;
        let certain = before.as_ref().and_then(Agreement::certain);
        if certain == Some(wanted) {
            return Ok(());
        }
        self.go_on()?;
        let mut agreed = wanted.clone();
        let mut changes = session_changes(before.as_ref(), wanted, event.event.venue_id.as_ref());
        if self.is_asked(OURS) && (changes.start.is_some() || changes.end.is_some()) {
            // Who says that ours is to win means the whole time, also the half that is as it was agreed.
            (changes.start, changes.end) = (Some(wanted.window.start), Some(wanted.window.end));
        }
        if changes != SessionChanges::default() {
            if let Some(before) = &before {
                self.doubt(Agreed::Session, id, &before.values).await?;
            }
            let left = self.worker.client.update_session(id, &changes).await?.left_out;
            if left.contains(&"venueId") {
                let there = certain.map_or(&event.event.venue_id, |before| &before.venue);
                agreed.venue.clone_from(there);
            }
            self.left.extend(left.into_iter().map(|field| Left::OfSession(id.clone(), field)));
        }
        let there = certain.map(|before| before.instructors.clone()).unwrap_or_default();
        let named = before.map(|before| before.values.instructors).unwrap_or_default();
        let missing: Vec<Id> = wanted.instructors.iter().filter(|id| !there.contains(id)).cloned().collect();
        if !missing.is_empty() {
            let anybody = both(&named, &wanted.instructors);
            self.doubt(Agreed::Session, id, &WantedSession { instructors: anybody, ..agreed.clone() }).await?;
            self.go_on()?;
            self.worker.client.add_session_staff(id, &missing, StaffType::Instructor).await?;
        }
        let gone: Vec<Id> = named.into_iter().filter(|contact| !wanted.instructors.contains(contact)).collect();
        let staying = self.take_off(link, id, gone).await?;
        agreed.instructors.extend(staying);
        self.agree(Agreed::Session, id, &agreed).await
    }

    /// Takes people off a session; gives those whom Administrate does not let go from outside.
    async fn take_off(&mut self, link: &EventLink, session: &Id, gone: Vec<Id>) -> Result<Vec<Id>, Trouble> {
        if gone.is_empty() {
            return Ok(gone);
        }
        if !self.worker.client.capabilities().await?.remove_session_staff {
            self.left.push(Left::Teaching(session.clone(), gone.clone()));
            return Ok(gone);
        }
        self.go_on()?;
        // Taking off needs the id of the membership, which only Administrate knows.
        let there = self.worker.client.event(&link.external_id).await?;
        let sessions = there.map(|event| event.sessions).unwrap_or_default();
        let staff = sessions.into_iter().filter(|there| there.id == *session).flat_map(|there| there.staff);
        for member in staff {
            if let Some(contact) = member.contact_id.filter(|contact| gone.contains(contact)) {
                self.go_on()?;
                self.worker.client.remove_session_staff(session, &member.id, &contact).await?;
            }
        }
        Ok(Vec::new())
    }
}

/// The new value, if it differs from the one last agreed on.
fn changed<T: PartialEq + Clone>(before: Option<&T>, wanted: &T) -> Option<T> {
    (before != Some(wanted)).then(|| wanted.clone())
}

fn event_changes(known: Option<&Agreement<NewEvent>>, wanted: &NewEvent) -> EventChanges {
    let before = known.and_then(Agreement::certain);
    let windows = before.is_none_or(|before| (before.classroom, before.lms) != (wanted.classroom, wanted.lms));
    EventChanges {
        title: changed(before.map(|b| &b.title), &wanted.title),
        location_id: changed(before.map(|b| &b.location_id), &wanted.location_id),
        venue_id: changed(before.map(|b| &b.venue_id), &wanted.venue_id),
        time_zone: changed(before.map(|b| &b.time_zone), &wanted.time_zone)
            .or_else(|| windows.then(|| wanted.time_zone.clone())),
        lifecycle: None,
        // Saying of one that nobody knows that it has no bound would be saying nothing.
        max_places: match known {
            None => wanted.max_places.map(Some),
            Some(_) => changed(before.map(|b| &b.max_places), &wanted.max_places),
        },
        is_sold_out: None,
        classroom: changed(before.map(|b| &b.classroom), &wanted.classroom).flatten(),
        lms: changed(before.map(|b| &b.lms), &wanted.lms).flatten(),
        custom_fields: changed_values(before.map(|b| &*b.custom_fields), &wanted.custom_fields),
    }
}

/// `venue`: the event's, which a session that was just made has too.
fn session_changes(
    known: Option<&Agreement<WantedSession>>,
    wanted: &WantedSession,
    venue: Option<&Id>,
) -> SessionChanges {
    let before = known.and_then(Agreement::certain);
    let elsewhere = before.is_none_or(|b| b.time_zone != wanted.time_zone);
    let starts = elsewhere || before.is_none_or(|b| b.window.start != wanted.window.start);
    let ends = elsewhere || before.is_none_or(|b| b.window.end != wanted.window.end);
    SessionChanges {
        title: changed(before.map(|b| &b.title), &wanted.title),
        start: starts.then_some(wanted.window.start),
        end: ends.then_some(wanted.window.end),
        // A time means nothing without its zone.
        time_zone: (starts || ends).then(|| wanted.time_zone.clone()),
        location_id: changed(before.map(|b| &b.location), &wanted.location),
        venue_id: match known {
            None => (wanted.venue.is_some() || venue.is_some()).then(|| wanted.venue.clone()),
            Some(_) => changed(before.map(|b| &b.venue), &wanted.venue),
        },
        lifecycle: None,
        custom_fields: changed_values(before.map(|b| &*b.custom_fields), &wanted.custom_fields),
    }
}

/// The values that differ; one that is no longer there is emptied.
fn changed_values(before: Option<&[CustomFieldValue]>, wanted: &[CustomFieldValue]) -> Vec<CustomFieldValue> {
    let before = before.unwrap_or_default();
    let differing = wanted.iter().filter(|value| !before.contains(value)).cloned();
    let gone = before.iter().filter(|old| wanted.iter().all(|value| value.key != old.key));
    differing.chain(gone.map(|old| CustomFieldValue { key: old.key.clone(), value: String::new() })).collect()
}

#[cfg(test)]
mod tests {
    use administrate::Window;
    use jiff::civil::date;

    use super::*;

    #[test]
    fn only_what_differs_of_a_session_is_written() {
        let day = date(2026, 6, 13);
        let before = WantedSession {
            title: "CM2-01-1".into(),
            window: Window { start: day.at(9, 30, 0, 0), end: day.at(17, 0, 0, 0) },
            time_zone: "Europe/London".into(),
            location: "L1".into(),
            venue: Some("V1".into()),
            custom_fields: Vec::new(),
            instructors: Vec::new(),
        };
        let known = |unsure| Agreement { values: before.clone(), unsure };
        let longer = Window { end: day.at(18, 0, 0, 0), ..before.window };
        let zone = Some(before.time_zone.clone());
        for (wanted, expected) in [
            (before.clone(), SessionChanges::default()),
            (
                WantedSession { window: longer, ..before.clone() },
                SessionChanges { end: Some(longer.end), time_zone: zone, ..SessionChanges::default() },
            ),
            (
                WantedSession { venue: None, ..before.clone() },
                SessionChanges { venue_id: Some(None), ..SessionChanges::default() },
            ),
        ] {
            assert_eq!(session_changes(Some(&known(false)), &wanted, None), expected);
        }
        let unsure = session_changes(Some(&known(true)), &before, None);
        assert!(unsure.start.is_some() && unsure.title.is_some(), "nobody knows what stands there");
        let new = WantedSession { venue: None, ..before.clone() };
        assert_eq!(session_changes(None, &new, None).venue_id, None);
        assert_eq!(session_changes(None, &new, Some(&Id::new("V1"))).venue_id, Some(None), "the event's is there");
    }

    #[test]
    fn only_custom_fields_that_differ_are_written() {
        let value = |key: &str, value: &str| CustomFieldValue { key: Id::new(key), value: value.into() };
        let before = [value("a", "1"), value("b", "2"), value("c", "3")];
        let wanted = [value("a", "1"), value("b", "5"), value("d", "4")];
        assert_eq!(changed_values(Some(&before), &wanted), [value("b", "5"), value("d", "4"), value("c", "")]);
        assert_eq!(changed_values(None, &wanted), wanted);
        assert_eq!(changed_values(Some(&wanted), &wanted), []);
    }
}
