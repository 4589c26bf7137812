//! The later steps: write the values of the event and its sessions that differ from the baseline.
//!
//! Before a known record is written, its baseline is marked as uncertain: after a lost response Administrate may have
//! either values, and then all of them are written, including those that were changed back locally meanwhile.

use administrate::{CustomFieldValue, EventChanges, Id, NewEvent, SessionChanges, StaffType, Window};
use jiff::civil::DateTime;

use super::EventDelivery;
use super::staff::union;
use super::unsupported::{UnsupportedField, baseline_without};
use crate::bridges::events::{Baseline, BaselineKind, EventLink};
use crate::delivery::DeliveryError;
use crate::merge::desired::{DesiredEvent, DesiredSession};
use crate::outbox::DeliveryStep;

impl EventDelivery<'_> {
    pub(crate) async fn update_event(&mut self, link: &EventLink, desired: &DesiredEvent) -> Result<(), DeliveryError> {
        let id = &link.external_id;
        let before: Option<Baseline<NewEvent>> = self.baseline(BaselineKind::Event, id).await?;
        let certain = before.as_ref().and_then(Baseline::certain);
        if certain == Some(&desired.event) {
            return Ok(());
        }
        self.check_cancelled()?;
        let changes = event_changes(before.as_ref(), &desired.event, self.has_step(DeliveryStep::OverwriteRemote));
        let mut baseline = Some(desired.event.clone());
        if changes != EventChanges::default() {
            if let Some(before) = &before {
                self.mark_baseline_uncertain(BaselineKind::Event, id, &before.values).await?;
            }
            let unsupported = self.worker.client.update_event(id, &changes).await?.unsupported_fields;
            if !unsupported.is_empty() {
                baseline = certain.map(|before| baseline_without(before, &desired.event, &unsupported));
            }
            self.unsupported.extend(unsupported.into_iter().map(UnsupportedField::OfEvent));
        }
        match baseline {
            Some(baseline) => self.set_baseline(BaselineKind::Event, id, &baseline).await,
            // The remote values are not completely known: the next attempt writes all of them.
            None => Ok(()),
        }
    }

    pub(crate) async fn update_sessions(
        &mut self,
        link: &EventLink,
        desired: &DesiredEvent,
    ) -> Result<(), DeliveryError> {
        for (local_id, session) in self.known.session_ids.iter().zip(&desired.sessions) {
            // A session without a remote one is reported at the end.
            let linked = link.sessions.iter().find(|link| link.tutorial_session_id == Some(*local_id));
            if let Some(linked) = linked {
                self.update_session(link, &linked.external_id, desired, session).await?;
            }
        }
        Ok(())
    }

    async fn update_session(
        &mut self,
        link: &EventLink,
        id: &Id,
        event: &DesiredEvent,
        desired: &DesiredSession,
    ) -> Result<(), DeliveryError> {
        let before: Option<Baseline<DesiredSession>> = self.baseline(BaselineKind::Session, id).await?;
        let certain = before.as_ref().and_then(Baseline::certain);
        if certain == Some(desired) {
            return Ok(());
        }
        self.check_cancelled()?;
        let mut baseline = desired.clone();
        let changes = session_changes(
            before.as_ref(),
            desired,
            event.event.venue_id.as_ref(),
            self.has_step(DeliveryStep::OverwriteRemote),
        );
        if changes != SessionChanges::default() {
            if let Some(before) = &before {
                self.mark_baseline_uncertain(BaselineKind::Session, id, &before.values).await?;
            }
            let unsupported = self.worker.client.update_session(id, &changes).await?.unsupported_fields;
            if unsupported.contains(&"venueId") {
                let remote = certain.map_or(&event.event.venue_id, |before| &before.venue);
                baseline.venue.clone_from(remote);
            }
            self.unsupported
                .extend(unsupported.into_iter().map(|field| UnsupportedField::OfSession(id.clone(), field)));
        }
        let existing = certain.map(|before| before.instructors.clone()).unwrap_or_default();
        let possible = before.map(|before| before.values.instructors).unwrap_or_default();
        let missing: Vec<Id> = desired.instructors.iter().filter(|id| !existing.contains(id)).cloned().collect();
        if !missing.is_empty() {
            let all = union(&possible, &desired.instructors);
            self.mark_baseline_uncertain(
                BaselineKind::Session,
                id,
                &DesiredSession { instructors: all, ..baseline.clone() },
            )
            .await?;
            self.check_cancelled()?;
            self.worker.client.add_session_staff(id, &missing, StaffType::Instructor).await?;
        }
        let removed: Vec<Id> = possible.into_iter().filter(|contact| !desired.instructors.contains(contact)).collect();
        let remaining = self.remove_instructors(link, id, removed).await?;
        baseline.instructors.extend(remaining);
        self.set_baseline(BaselineKind::Session, id, &baseline).await
    }

    /// Removes instructors from a session; returns those whom Administrate's API cannot remove.
    async fn remove_instructors(
        &mut self,
        link: &EventLink,
        session: &Id,
        removed: Vec<Id>,
    ) -> Result<Vec<Id>, DeliveryError> {
        if removed.is_empty() {
            return Ok(removed);
        }
        if !self.worker.client.capabilities().await?.remove_session_staff {
            self.unsupported.push(UnsupportedField::Teaching(session.clone(), removed.clone()));
            return Ok(removed);
        }
        self.check_cancelled()?;
        // Removing needs the id of the staff record, which only Administrate knows.
        let remote = self.worker.client.event(&link.external_id).await?;
        let sessions = remote.map(|event| event.sessions).unwrap_or_default();
        let staff = sessions.into_iter().filter(|remote| remote.id == *session).flat_map(|remote| remote.staff);
        for member in staff {
            if let Some(contact) = member.contact_id.filter(|contact| removed.contains(contact)) {
                self.check_cancelled()?;
                self.worker.client.remove_session_staff(session, &member.id, &contact).await?;
            }
        }
        Ok(Vec::new())
    }
}

/// Returns the desired value if it differs from the baseline.
fn changed<T: PartialEq + Clone>(before: Option<&T>, desired: &T) -> Option<T> {
    (before != Some(desired)).then(|| desired.clone())
}

fn event_changes(known: Option<&Baseline<NewEvent>>, desired: &NewEvent, local_wins: bool) -> EventChanges {
    let before = known.and_then(Baseline::certain);
    let is_zone_changed = before.is_none_or(|b| b.time_zone != desired.time_zone);
    let ends = |before: Option<Option<Window>>, desired: Option<Window>| {
        changed_ends(before, desired, is_zone_changed, local_wins)
    };
    let (classroom_start, classroom_end) = ends(before.map(|b| b.classroom), desired.classroom);
    let (lms_start, lms_end) = ends(before.map(|b| b.lms), desired.lms);
    let is_time_written = [classroom_start, classroom_end, lms_start, lms_end].iter().any(Option::is_some);
    EventChanges {
        title: changed(before.map(|b| &b.title), &desired.title),
        location_id: changed(before.map(|b| &b.location_id), &desired.location_id),
        venue_id: changed(before.map(|b| &b.venue_id), &desired.venue_id),
        // A time means nothing without its zone.
        time_zone: (is_zone_changed || is_time_written).then(|| desired.time_zone.clone()),
        lifecycle: None,
        // A new event is unlimited already, so that no limit has to be removed.
        max_places: match known {
            None => desired.max_places.map(Some),
            Some(_) => changed(before.map(|b| &b.max_places), &desired.max_places),
        },
        is_sold_out: None,
        classroom_start,
        classroom_end,
        lms_start,
        lms_end,
        custom_fields: changed_values(before.map(|b| &*b.custom_fields), &desired.custom_fields),
    }
}

/// Returns the ends of a window that differ from the baseline.
///
/// Both are returned when the local value wins, which means the whole window, or when the time zone changed. A window that
/// is no longer desired stays: no API to clear it is known.
fn changed_ends(
    before: Option<Option<Window>>,
    desired: Option<Window>,
    is_zone_changed: bool,
    local_wins: bool,
) -> (Option<DateTime>, Option<DateTime>) {
    let Some(desired) = desired else { return (None, None) };
    let before = before.flatten().filter(|_| !is_zone_changed);
    let is_start_changed = before.is_none_or(|before| before.start != desired.start);
    let is_end_changed = before.is_none_or(|before| before.end != desired.end);
    let is_whole = local_wins && (is_start_changed || is_end_changed);
    ((is_start_changed || is_whole).then_some(desired.start), (is_end_changed || is_whole).then_some(desired.end))
}

/// `venue`: the event's, which its new sessions have too.
fn session_changes(
    known: Option<&Baseline<DesiredSession>>,
    desired: &DesiredSession,
    venue: Option<&Id>,
    local_wins: bool,
) -> SessionChanges {
    let before = known.and_then(Baseline::certain);
    let is_zone_changed = before.is_none_or(|b| b.time_zone != desired.time_zone);
    let (start, end) = changed_ends(before.map(|b| Some(b.window)), Some(desired.window), is_zone_changed, local_wins);
    SessionChanges {
        title: changed(before.map(|b| &b.title), &desired.title),
        start,
        end,
        time_zone: (start.is_some() || end.is_some()).then(|| desired.time_zone.clone()),
        location_id: changed(before.map(|b| &b.location), &desired.location),
        venue_id: match known {
            None => (desired.venue.is_some() || venue.is_some()).then(|| desired.venue.clone()),
            Some(_) => changed(before.map(|b| &b.venue), &desired.venue),
        },
        lifecycle: None,
        custom_fields: changed_values(before.map(|b| &*b.custom_fields), &desired.custom_fields),
    }
}

/// Returns the values that differ from the baseline; a removed value is emptied.
fn changed_values(before: Option<&[CustomFieldValue]>, desired: &[CustomFieldValue]) -> Vec<CustomFieldValue> {
    let before = before.unwrap_or_default();
    let differing = desired.iter().filter(|value| !before.contains(value)).cloned();
    let removed = before.iter().filter(|old| desired.iter().all(|value| value.key != old.key));
    differing.chain(removed.map(|old| CustomFieldValue { key: old.key.clone(), value: String::new() })).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn changed_values_of_session_are_written() {
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
        let known = |is_uncertain| Baseline { values: before.clone(), uncertain: is_uncertain };
        let longer = Window { end: day.at(18, 0, 0, 0), ..before.window };
        let zone = Some(before.time_zone.clone());
        for (desired, expected) in [
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
            assert_eq!(session_changes(Some(&known(false)), &desired, None, false), expected);
        }
        let unsure = session_changes(Some(&known(true)), &before, None, false);
        assert!(unsure.start.is_some() && unsure.title.is_some(), "the remote values are unknown");
        let new = DesiredSession { venue: None, ..before.clone() };
        assert_eq!(session_changes(None, &new, None, false).venue_id, None);
        assert_eq!(
            session_changes(None, &new, Some(&Id::new("V1")), false).venue_id,
            Some(None),
            "the session was created with the event's venue"
        );
    }

    #[test]
    fn changed_end_of_window_is_written() {
        let at = |day: i8| date(2026, 6, day).at(9, 30, 0, 0);
        let window = |start, end| Window { start: at(start), end: at(end) };
        let baseline = Some(Some(window(1, 3)));
        for (before, desired, is_zone_changed, local_wins, expected) in [
            (baseline, Some(window(1, 3)), false, false, (None, None)),
            (baseline, Some(window(1, 4)), false, false, (None, Some(at(4)))),
            (baseline, Some(window(2, 3)), false, false, (Some(at(2)), None)),
            (baseline, Some(window(1, 4)), false, true, (Some(at(1)), Some(at(4)))),
            (baseline, Some(window(1, 3)), false, true, (None, None)),
            (baseline, Some(window(1, 3)), true, false, (Some(at(1)), Some(at(3)))),
            (baseline, None, false, false, (None, None)),
            (Some(None), Some(window(1, 3)), false, false, (Some(at(1)), Some(at(3)))),
            (None, Some(window(1, 3)), true, false, (Some(at(1)), Some(at(3)))),
        ] {
            assert_eq!(changed_ends(before, desired, is_zone_changed, local_wins), expected, "{before:?} {desired:?}");
        }
    }

    #[test]
    fn changed_custom_fields_are_written() {
        let value = |key: &str, value: &str| CustomFieldValue { key: Id::new(key), value: value.into() };
        let before = [value("a", "1"), value("b", "2"), value("c", "3")];
        let desired = [value("a", "1"), value("b", "5"), value("d", "4")];
        assert_eq!(changed_values(Some(&before), &desired), [value("b", "5"), value("d", "4"), value("c", "")]);
        assert_eq!(changed_values(None, &desired), desired);
        assert_eq!(changed_values(Some(&desired), &desired), []);
    }
}
