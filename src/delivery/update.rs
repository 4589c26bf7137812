//! The later steps: what differs from what both sides last agreed on is written, and nothing else.
//!
//! Before a known record is written again, that is noted: a write of which nobody saw the end leaves it open which values
//! Administrate has, and then all of them are written, also those that were changed back here meanwhile.

use administrate::{CustomFieldValue, EventChanges, Id, NewEvent, SessionChanges, StaffType};

use super::errand::Errand;
use super::wanted::{Wanted, WantedSession};
use super::{Remark, Trouble};
use crate::bridges::events::{Agreed, Agreement, EventLink};

impl Errand<'_> {
    pub(super) async fn update_event(&mut self, link: &EventLink, wanted: &Wanted) -> Result<(), Trouble> {
        let id = &link.external_id;
        let before: Option<Agreement<NewEvent>> = self.agreed(Agreed::Event, id).await?;
        let certain = before.as_ref().and_then(Agreement::certain);
        if certain == Some(&wanted.event) {
            return Ok(());
        }
        self.go_on()?;
        let changes = event_changes(certain, &wanted.event);
        if changes != EventChanges::default() {
            if let Some(before) = &before {
                self.doubt(Agreed::Event, id, &before.values).await?;
            }
            let written = self.worker.client.update_event(id, &changes).await?;
            if !written.left_out.is_empty() {
                self.remarks.push(Remark::LeftOut(written.left_out));
            }
        }
        self.agree(Agreed::Event, id, &wanted.event).await
    }

    pub(super) async fn update_sessions(&mut self, link: &EventLink, wanted: &Wanted) -> Result<(), Trouble> {
        for (ours, session) in self.known.session_ids.iter().zip(&wanted.sessions) {
            // Where the template made fewer sessions, those that fit are delivered and the rest is told at the end.
            let linked = link.sessions.iter().find(|link| link.tutorial_session_id == Some(*ours));
            if let Some(linked) = linked {
                self.update_session(&linked.external_id, session).await?;
            }
        }
        Ok(())
    }

    async fn update_session(&mut self, id: &Id, wanted: &WantedSession) -> Result<(), Trouble> {
        let before: Option<Agreement<WantedSession>> = self.agreed(Agreed::Session, id).await?;
        let certain = before.as_ref().and_then(Agreement::certain);
        if certain == Some(wanted) {
            return Ok(());
        }
        self.go_on()?;
        let changes = session_changes(before.as_ref(), wanted);
        if changes != SessionChanges::default() {
            if let Some(before) = &before {
                self.doubt(Agreed::Session, id, &before.values).await?;
            }
            self.worker.client.update_session(id, &changes).await?;
        }
        let there = certain.map(|before| before.instructors.clone()).unwrap_or_default();
        let missing: Vec<Id> = wanted.instructors.iter().filter(|id| !there.contains(id)).cloned().collect();
        if !missing.is_empty() {
            let without_staff = WantedSession { instructors: there, ..wanted.clone() };
            self.agree(Agreed::Session, id, &without_staff).await?;
            self.go_on()?;
            self.worker.client.add_session_staff(id, &missing, StaffType::Instructor).await?;
        }
        let gone = before.iter().flat_map(|before| &before.values.instructors);
        let count = gone.filter(|contact| !wanted.instructors.contains(contact)).count();
        if count > 0 {
            self.remarks.push(Remark::SessionStaffStays { session: wanted.title.clone(), count });
        }
        self.agree(Agreed::Session, id, wanted).await
    }
}

/// The new value, if it differs from the one last agreed on.
fn changed<T: PartialEq + Clone>(before: Option<&T>, wanted: &T) -> Option<T> {
    (before != Some(wanted)).then(|| wanted.clone())
}

fn event_changes(before: Option<&NewEvent>, wanted: &NewEvent) -> EventChanges {
    let windows = before.is_none_or(|before| (before.classroom, before.lms) != (wanted.classroom, wanted.lms));
    EventChanges {
        title: changed(before.map(|b| &b.title), &wanted.title),
        location_id: changed(before.map(|b| &b.location_id), &wanted.location_id),
        venue_id: changed(before.map(|b| &b.venue_id), &wanted.venue_id),
        time_zone: changed(before.map(|b| &b.time_zone), &wanted.time_zone)
            .or_else(|| windows.then(|| wanted.time_zone.clone())),
        lifecycle: None,
        max_places: changed(before.map(|b| &b.max_places), &wanted.max_places).flatten(),
        is_sold_out: None,
        classroom: wanted.classroom.filter(|_| windows),
        lms: wanted.lms.filter(|_| windows),
        custom_fields: changed_values(before.map(|b| &*b.custom_fields), &wanted.custom_fields),
    }
}

fn session_changes(known: Option<&Agreement<WantedSession>>, wanted: &WantedSession) -> SessionChanges {
    let before = known.and_then(Agreement::certain);
    let moved = before.is_none_or(|b| (b.window, &b.time_zone) != (wanted.window, &wanted.time_zone));
    SessionChanges {
        title: changed(before.map(|b| &b.title), &wanted.title),
        start: moved.then_some(wanted.window.start),
        end: moved.then_some(wanted.window.end),
        time_zone: moved.then(|| wanted.time_zone.clone()),
        location_id: changed(before.map(|b| &b.location), &wanted.location),
        // Saying of a new session that it has no venue would be saying nothing.
        venue_id: match known {
            None => wanted.venue.clone().map(Some),
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
    use super::*;

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
