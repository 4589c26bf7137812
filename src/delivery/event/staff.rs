//! Adds and removes staff of the whole event as locally. Staff that was added in Administrate stays.

use administrate::{Id, NewStaff, StaffType};

use super::EventDelivery;
use crate::bridges::events::{Baseline, BaselineKind, EventLink};
use crate::delivery::DeliveryError;
use crate::merge::desired::{DesiredEvent, DesiredStaff};

impl EventDelivery<'_> {
    pub(crate) async fn update_staff(&mut self, link: &EventLink, desired: &DesiredEvent) -> Result<(), DeliveryError> {
        let event = &link.external_id;
        let desired = &desired.staff;
        let before: Option<Baseline<DesiredStaff>> = self.baseline(BaselineKind::EventStaff, event).await?;
        let certain = before.as_ref().and_then(Baseline::certain).cloned().unwrap_or_default();
        let (is_uncertain, possible) = before.map(|before| (before.uncertain, before.values)).unwrap_or_default();
        if !is_uncertain && certain == *desired {
            return Ok(());
        }
        self.check_cancelled()?;
        let all = DesiredStaff {
            instructors: union(&possible.instructors, &desired.instructors),
            administrators: union(&possible.administrators, &desired.administrators),
        };
        self.mark_baseline_uncertain(BaselineKind::EventStaff, event, &all).await?;
        self.add_staff(event, &desired.instructors, &certain.instructors, StaffType::Instructor).await?;
        self.add_staff(event, &desired.administrators, &certain.administrators, StaffType::Administrator).await?;
        self.remove_staff(event, &all, desired).await?;
        self.set_baseline(BaselineKind::EventStaff, event, desired).await
    }

    async fn add_staff(
        &self,
        event: &Id,
        desired: &[Id],
        existing: &[Id],
        staff_type: StaffType,
    ) -> Result<(), DeliveryError> {
        let new = |contact: &Id| NewStaff { event_id: event.clone(), contact_id: contact.clone(), staff_type };
        let missing: Vec<NewStaff> = desired.iter().filter(|contact| !existing.contains(contact)).map(new).collect();
        if missing.is_empty() {
            return Ok(());
        }
        self.check_cancelled()?;
        Ok(self.worker.client.add_event_staff_bulk(&missing).await?)
    }

    /// Removes staff that was named locally and no longer is.
    async fn remove_staff(
        &self,
        event: &Id,
        possible: &DesiredStaff,
        desired: &DesiredStaff,
    ) -> Result<(), DeliveryError> {
        if possible.is_within(desired) {
            return Ok(());
        }
        self.check_cancelled()?;
        // Removing needs the id of the staff record, which only Administrate knows.
        let remote = self.worker.client.event(event).await?;
        for member in remote.map(|event| event.staff).unwrap_or_default() {
            let Some(contact) = &member.contact_id else { continue };
            let (was, is) = match member.staff_type.as_deref() {
                Some("administrator") => (&possible.administrators, &desired.administrators),
                _ => (&possible.instructors, &desired.instructors),
            };
            if was.contains(contact) && !is.contains(contact) {
                self.check_cancelled()?;
                self.worker.client.remove_event_staff(&member.id).await?;
            }
        }
        Ok(())
    }
}

/// Returns the contacts of both lists, each once.
pub(crate) fn union(before: &[Id], desired: &[Id]) -> Vec<Id> {
    let new = desired.iter().filter(|contact| !before.contains(contact));
    before.iter().chain(new).cloned().collect()
}
