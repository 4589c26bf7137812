//! The later steps: what differs from what both sides last agreed on is written, and nothing else.
//!
//! Before a known record is written again, that is noted: a write of which nobody saw the end leaves it open which values
//! Administrate has, and then all of them are written, also those that were changed back here meanwhile.

use administrate::{CustomFieldValue, EventChanges, Id, NewEvent, SessionChanges, StaffType, Window};
use jiff::civil::DateTime;

use super::EventDelivery;
use super::staff::both;
use super::unsupported::{UnsupportedField, baseline_without};
use crate::bridges::events::{Baseline, BaselineKind, EventLink};
use crate::delivery::DeliveryError;
use crate::merge::desired::{DesiredEvent, DesiredSession};
use crate::tutorials::OVERWRITE_REMOTE;

impl EventDelivery<'_> {
    pub(crate) async fn update_event(&mut self, link: &EventLink, wanted: &DesiredEvent) -> Result<(), DeliveryError> {
        let id = &link.external_id;
        let before: Option<Baseline<NewEvent>> = self.baseline(BaselineKind::Event, id).await?;
        let certain = before.as_ref().and_then(Baseline::certain);
        if certain == Some(&wanted.event) {
            return Ok(());
        }
        self.check_cancelled()?;
        let changes = event_changes(before.as_ref(), &wanted.event, self.has_option(OVERWRITE_REMOTE));
        let mut agreed = Some(wanted.event.clone());
        if changes != EventChanges::default() {
            if let Some(before) = &before {
                self.mark_baseline_uncertain(BaselineKind::Event, id, &before.values).await?;
            }
            let left = self.worker.client.update_event(id, &changes).await?.unsupported_fields;
            if !left.is_empty() {
                agreed = certain.map(|before| baseline_without(before, &wanted.event, &left));
            }
            self.left.extend(left.into_iter().map(UnsupportedField::OfEvent));
        }
        match agreed {
            Some(agreed) => self.set_baseline(BaselineKind::Event, id, &agreed).await,
            // What stands there is not known as a whole: all of it is written again.
            None => Ok(()),
        }
    }

    pub(crate) async fn update_sessions(
        &mut self,
        link: &EventLink,
        wanted: &DesiredEvent,
    ) -> Result<(), DeliveryError> {
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
        (event, wanted): (&DesiredEvent, &DesiredSession),
    ) -> Result<(), DeliveryError> {
        let before: Option<Baseline<DesiredSession>> = self.baseline(BaselineKind::Session, id).await?;
        let certain = before.as_ref().and_then(Baseline::certain);
        if certain == Some(wanted) {
            return Ok(());
        }
        self.check_cancelled()?;
        let mut agreed = wanted.clone();
        let changes =
            session_changes(before.as_ref(), wanted, event.event.venue_id.as_ref(), self.has_option(OVERWRITE_REMOTE));
        if changes != SessionChanges::default() {
            if let Some(before) = &before {
                self.mark_baseline_uncertain(BaselineKind::Session, id, &before.values).await?;
            }
            let left = self.worker.client.update_session(id, &changes).await?.unsupported_fields;
            if left.contains(&"venueId") {
                let there = certain.map_or(&event.event.venue_id, |before| &before.venue);
                agreed.venue.clone_from(there);
            }
            self.left.extend(left.into_iter().map(|field| UnsupportedField::OfSession(id.clone(), field)));
        }
        let there = certain.map(|before| before.instructors.clone()).unwrap_or_default();
        let named = before.map(|before| before.values.instructors).unwrap_or_default();
        let missing: Vec<Id> = wanted.instructors.iter().filter(|id| !there.contains(id)).cloned().collect();
        if !missing.is_empty() {
            let anybody = both(&named, &wanted.instructors);
            self.mark_baseline_uncertain(
                BaselineKind::Session,
                id,
                &DesiredSession { instructors: anybody, ..agreed.clone() },
            )
            .await?;
            self.check_cancelled()?;
            self.worker.client.add_session_staff(id, &missing, StaffType::Instructor).await?;
        }
        let gone: Vec<Id> = named.into_iter().filter(|contact| !wanted.instructors.contains(contact)).collect();
        let staying = self.take_off(link, id, gone).await?;
        agreed.instructors.extend(staying);
        self.set_baseline(BaselineKind::Session, id, &agreed).await
    }

    /// Takes people off a session; gives those whom Administrate does not let go from outside.
    async fn take_off(&mut self, link: &EventLink, session: &Id, gone: Vec<Id>) -> Result<Vec<Id>, DeliveryError> {
        if gone.is_empty() {
            return Ok(gone);
        }
        if !self.worker.client.capabilities().await?.remove_session_staff {
            self.left.push(UnsupportedField::Teaching(session.clone(), gone.clone()));
            return Ok(gone);
        }
        self.check_cancelled()?;
        // Taking off needs the id of the membership, which only Administrate knows.
        let there = self.worker.client.event(&link.external_id).await?;
        let sessions = there.map(|event| event.sessions).unwrap_or_default();
        let staff = sessions.into_iter().filter(|there| there.id == *session).flat_map(|there| there.staff);
        for member in staff {
            if let Some(contact) = member.contact_id.filter(|contact| gone.contains(contact)) {
                self.check_cancelled()?;
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

fn event_changes(known: Option<&Baseline<NewEvent>>, wanted: &NewEvent, ours_win: bool) -> EventChanges {
    let before = known.and_then(Baseline::certain);
    let elsewhere = before.is_none_or(|b| b.time_zone != wanted.time_zone);
    let ends =
        |before: Option<Option<Window>>, wanted: Option<Window>| changed_ends(before, wanted, elsewhere, ours_win);
    let (classroom_start, classroom_end) = ends(before.map(|b| b.classroom), wanted.classroom);
    let (lms_start, lms_end) = ends(before.map(|b| b.lms), wanted.lms);
    let timed = [classroom_start, classroom_end, lms_start, lms_end].iter().any(Option::is_some);
    EventChanges {
        title: changed(before.map(|b| &b.title), &wanted.title),
        location_id: changed(before.map(|b| &b.location_id), &wanted.location_id),
        venue_id: changed(before.map(|b| &b.venue_id), &wanted.venue_id),
        // A time means nothing without its zone.
        time_zone: (elsewhere || timed).then(|| wanted.time_zone.clone()),
        lifecycle: None,
        // Saying of one that nobody knows that it has no bound would be saying nothing.
        max_places: match known {
            None => wanted.max_places.map(Some),
            Some(_) => changed(before.map(|b| &b.max_places), &wanted.max_places),
        },
        is_sold_out: None,
        classroom_start,
        classroom_end,
        lms_start,
        lms_end,
        custom_fields: changed_values(before.map(|b| &*b.custom_fields), &wanted.custom_fields),
    }
}

/// The ends of a window that differ; both where ours is to win, for that means the whole window, or where the clock on
/// the wall is another one. One that is no longer wanted stays: no way is known to empty it.
fn changed_ends(
    before: Option<Option<Window>>,
    wanted: Option<Window>,
    elsewhere: bool,
    ours_win: bool,
) -> (Option<DateTime>, Option<DateTime>) {
    let Some(wanted) = wanted else { return (None, None) };
    let before = before.flatten().filter(|_| !elsewhere);
    let starts = before.is_none_or(|before| before.start != wanted.start);
    let ends = before.is_none_or(|before| before.end != wanted.end);
    let whole = ours_win && (starts || ends);
    ((starts || whole).then_some(wanted.start), (ends || whole).then_some(wanted.end))
}

/// `venue`: the event's, which a session that was just made has too.
fn session_changes(
    known: Option<&Baseline<DesiredSession>>,
    wanted: &DesiredSession,
    venue: Option<&Id>,
    ours_win: bool,
) -> SessionChanges {
    let before = known.and_then(Baseline::certain);
    let elsewhere = before.is_none_or(|b| b.time_zone != wanted.time_zone);
    let (start, end) = changed_ends(before.map(|b| Some(b.window)), Some(wanted.window), elsewhere, ours_win);
    SessionChanges {
        title: changed(before.map(|b| &b.title), &wanted.title),
        start,
        end,
        time_zone: (start.is_some() || end.is_some()).then(|| wanted.time_zone.clone()),
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
    use jiff::civil::date;

    use super::*;

    #[test]
    fn only_what_differs_of_a_session_is_written() {
        let day = date(2026, 6, 13);
        let before = DesiredSession {
            title: "CM2-01-1".into(),
            window: Window { start: day.at(9, 30, 0, 0), end: day.at(17, 0, 0, 0) },
            time_zone: "Europe/London".into(),
            location: "L1".into(),
            venue: Some("V1".into()),
            custom_fields: Vec::new(),
            instructors: Vec::new(),
        };
        let known = |unsure| Baseline { values: before.clone(), unsure };
        let longer = Window { end: day.at(18, 0, 0, 0), ..before.window };
        let zone = Some(before.time_zone.clone());
        for (wanted, expected) in [
            (before.clone(), SessionChanges::default()),
            (
                DesiredSession { window: longer, ..before.clone() },
                SessionChanges { end: Some(longer.end), time_zone: zone, ..SessionChanges::default() },
            ),
            (
                DesiredSession { venue: None, ..before.clone() },
                SessionChanges { venue_id: Some(None), ..SessionChanges::default() },
            ),
        ] {
            assert_eq!(session_changes(Some(&known(false)), &wanted, None, false), expected);
        }
        let unsure = session_changes(Some(&known(true)), &before, None, false);
        assert!(unsure.start.is_some() && unsure.title.is_some(), "nobody knows what stands there");
        let new = DesiredSession { venue: None, ..before.clone() };
        assert_eq!(session_changes(None, &new, None, false).venue_id, None);
        assert_eq!(
            session_changes(None, &new, Some(&Id::new("V1")), false).venue_id,
            Some(None),
            "the event's is there"
        );
    }

    #[test]
    fn only_the_end_of_a_window_that_differs_is_written() {
        let at = |day: i8| date(2026, 6, day).at(9, 30, 0, 0);
        let window = |start, end| Window { start: at(start), end: at(end) };
        let agreed = Some(Some(window(1, 3)));
        for (before, wanted, elsewhere, ours_win, expected) in [
            (agreed, Some(window(1, 3)), false, false, (None, None)),
            (agreed, Some(window(1, 4)), false, false, (None, Some(at(4)))),
            (agreed, Some(window(2, 3)), false, false, (Some(at(2)), None)),
            (agreed, Some(window(1, 4)), false, true, (Some(at(1)), Some(at(4)))),
            (agreed, Some(window(1, 3)), false, true, (None, None)),
            (agreed, Some(window(1, 3)), true, false, (Some(at(1)), Some(at(3)))),
            (agreed, None, false, false, (None, None)),
            (Some(None), Some(window(1, 3)), false, false, (Some(at(1)), Some(at(3)))),
            (None, Some(window(1, 3)), true, false, (Some(at(1)), Some(at(3)))),
        ] {
            assert_eq!(changed_ends(before, wanted, elsewhere, ours_win), expected, "{before:?} {wanted:?}");
        }
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
