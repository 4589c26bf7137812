//! The further steps: what differs from what both sides last agreed on is written, and then agreed.

use administrate::{EventChanges, Id, NewEvent, NewStaff, SessionChanges, StaffType};

use super::wanted::{Wanted, WantedSession, WantedStaff};
use super::{Remark, Trouble, Worker};
use crate::bridges::events::{self, Agreed, EventLink};
use crate::tutorials::KnownEvent;

impl Worker {
    pub(super) async fn update_event(
        &self,
        link: &EventLink,
        wanted: &Wanted,
        remarks: &mut Vec<Remark>,
    ) -> Result<(), Trouble> {
        let before: Option<NewEvent> = self.agreed(Agreed::Event, &link.external_id).await?;
        if before.as_ref() == Some(&wanted.event) {
            return Ok(());
        }
        let changes = event_changes(before.as_ref(), &wanted.event);
        if changes != EventChanges::default() {
            let written = self.client.update_event(&link.external_id, &changes).await?;
            if !written.left_out.is_empty() {
                remarks.push(Remark::LeftOut(written.left_out));
            }
        }
        self.agree(Agreed::Event, &link.external_id, &wanted.event).await
    }

    pub(super) async fn update_sessions(
        &self,
        link: &EventLink,
        known: &KnownEvent,
        wanted: &Wanted,
    ) -> Result<(), Trouble> {
        for (ours, session) in known.session_ids.iter().zip(&wanted.sessions) {
            // Where the template made fewer sessions, those that fit are delivered and the rest is told at the end.
            let linked = link.sessions.iter().find(|link| link.tutorial_session_id == Some(*ours));
            if let Some(linked) = linked {
                self.update_session(&linked.external_id, session).await?;
            }
        }
        Ok(())
    }

    async fn update_session(&self, id: &Id, wanted: &WantedSession) -> Result<(), Trouble> {
        let before: Option<WantedSession> = self.agreed(Agreed::Session, id).await?;
        if before.as_ref() == Some(wanted) {
            return Ok(());
        }
        let changes = session_changes(before.as_ref(), wanted);
        if changes != SessionChanges::default() {
            self.client.update_session(id, &changes).await?;
        }
        let there = before.map(|before| before.instructors).unwrap_or_default();
        let missing: Vec<Id> = wanted.instructors.iter().filter(|id| !there.contains(id)).cloned().collect();
        if !missing.is_empty() {
            let without_staff = WantedSession { instructors: there, ..wanted.clone() };
            self.agree(Agreed::Session, id, &without_staff).await?;
            self.client.add_session_staff(id, &missing, StaffType::Instructor).await?;
        }
        self.agree(Agreed::Session, id, wanted).await
    }

    pub(super) async fn update_staff(&self, link: &EventLink, wanted: &Wanted) -> Result<(), Trouble> {
        let before: Option<WantedStaff> = self.agreed(Agreed::EventStaff, &link.external_id).await?;
        let mut agreed = before.unwrap_or_default();
        if agreed == wanted.staff {
            return Ok(());
        }
        let event = &link.external_id;
        self.add_staff(event, &wanted.staff.instructors, &agreed.instructors, StaffType::Instructor).await?;
        agreed.instructors.clone_from(&wanted.staff.instructors);
        self.agree(Agreed::EventStaff, event, &agreed).await?;
        self.add_staff(event, &wanted.staff.administrators, &agreed.administrators, StaffType::Administrator).await?;
        self.agree(Agreed::EventStaff, event, &wanted.staff).await
    }

    async fn add_staff(&self, event: &Id, wanted: &[Id], there: &[Id], as_what: StaffType) -> Result<(), Trouble> {
        let new = |contact: &Id| NewStaff { event_id: event.clone(), contact_id: contact.clone(), staff_type: as_what };
        let missing: Vec<NewStaff> = wanted.iter().filter(|contact| !there.contains(contact)).map(new).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Ok(self.client.add_event_staff_bulk(&missing).await?)
    }

    async fn agreed<T: serde::de::DeserializeOwned>(&self, kind: Agreed, id: &Id) -> Result<Option<T>, Trouble> {
        let mut db = self.pool.acquire().await?;
        Ok(events::agreed(&mut db, kind, id).await?)
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
        classroom: changed(before.map(|b| &b.classroom), &wanted.classroom).flatten(),
        lms: changed(before.map(|b| &b.lms), &wanted.lms).flatten(),
        custom_fields: changed(before.map(|b| &b.custom_fields), &wanted.custom_fields).unwrap_or_default(),
    }
}

fn session_changes(before: Option<&WantedSession>, wanted: &WantedSession) -> SessionChanges {
    let moved = before.is_none_or(|b| (b.window, &b.time_zone) != (wanted.window, &wanted.time_zone));
    SessionChanges {
        title: changed(before.map(|b| &b.title), &wanted.title),
        start: moved.then_some(wanted.window.start),
        end: moved.then_some(wanted.window.end),
        time_zone: moved.then(|| wanted.time_zone.clone()),
        location_id: changed(before.map(|b| &b.location), &wanted.location),
        // Saying of a new session that it has no venue would be saying nothing.
        venue_id: match before {
            None => wanted.venue.clone().map(Some),
            Some(before) => changed(Some(&before.venue), &wanted.venue),
        },
        lifecycle: None,
        custom_fields: changed(before.map(|b| &b.custom_fields), &wanted.custom_fields).unwrap_or_default(),
    }
}
