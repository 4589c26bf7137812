//! Who is named for the whole event: added and taken off as here. Whoever else is named there stays.

use administrate::{Id, NewStaff, StaffType};

use super::EventDelivery;
use crate::bridges::events::{Baseline, BaselineKind, EventLink};
use crate::delivery::DeliveryError;
use crate::merge::desired::{DesiredEvent, DesiredStaff};

impl EventDelivery<'_> {
    pub(crate) async fn update_staff(&mut self, link: &EventLink, wanted: &DesiredEvent) -> Result<(), DeliveryError> {
        let event = &link.external_id;
        let wanted = &wanted.staff;
        let before: Option<Baseline<DesiredStaff>> = self.baseline(BaselineKind::EventStaff, event).await?;
        let certain = before.as_ref().and_then(Baseline::certain).cloned().unwrap_or_default();
        let (unsure, named) = before.map(|before| (before.unsure, before.values)).unwrap_or_default();
        if !unsure && certain == *wanted {
            return Ok(());
        }
        self.check_cancelled()?;
        let anybody = DesiredStaff {
            instructors: both(&named.instructors, &wanted.instructors),
            administrators: both(&named.administrators, &wanted.administrators),
        };
        self.mark_baseline_uncertain(BaselineKind::EventStaff, event, &anybody).await?;
        self.add_staff(event, &wanted.instructors, &certain.instructors, StaffType::Instructor).await?;
        self.add_staff(event, &wanted.administrators, &certain.administrators, StaffType::Administrator).await?;
        self.remove_staff(event, &anybody, wanted).await?;
        self.set_baseline(BaselineKind::EventStaff, event, wanted).await
    }

    async fn add_staff(
        &self,
        event: &Id,
        wanted: &[Id],
        there: &[Id],
        as_what: StaffType,
    ) -> Result<(), DeliveryError> {
        let new = |contact: &Id| NewStaff { event_id: event.clone(), contact_id: contact.clone(), staff_type: as_what };
        let missing: Vec<NewStaff> = wanted.iter().filter(|contact| !there.contains(contact)).map(new).collect();
        if missing.is_empty() {
            return Ok(());
        }
        self.check_cancelled()?;
        Ok(self.worker.client.add_event_staff_bulk(&missing).await?)
    }

    /// Takes off who was named here and no longer is.
    async fn remove_staff(
        &self,
        event: &Id,
        anybody: &DesiredStaff,
        wanted: &DesiredStaff,
    ) -> Result<(), DeliveryError> {
        if anybody.is_within(wanted) {
            return Ok(());
        }
        self.check_cancelled()?;
        // Taking off needs the id of the membership, which only Administrate knows.
        let there = self.worker.client.event(event).await?;
        for member in there.map(|event| event.staff).unwrap_or_default() {
            let Some(contact) = &member.contact_id else { continue };
            let (was, is) = match member.staff_type.as_deref() {
                Some("administrator") => (&anybody.administrators, &wanted.administrators),
                _ => (&anybody.instructors, &wanted.instructors),
            };
            if was.contains(contact) && !is.contains(contact) {
                self.check_cancelled()?;
                self.worker.client.remove_event_staff(&member.id).await?;
            }
        }
        Ok(())
    }
}

/// Everybody of two lists, once.
pub(crate) fn both(before: &[Id], wanted: &[Id]) -> Vec<Id> {
    let new = wanted.iter().filter(|contact| !before.contains(contact));
    before.iter().chain(new).cloned().collect()
}
