//! Checks that new instructors are approved for the event's course template, where the import could not check it.

use std::collections::BTreeSet;
use std::slice;

use administrate::Id;

use super::EventDelivery;
use crate::bridges::events;
use crate::bridges::events::{Baseline, BaselineKind, EventLink};
use crate::delivery::{DeliveryError, DeliveryWorker};
use crate::merge::desired::{DesiredEvent, DesiredStaff};
use crate::merge::load_baselines;
use crate::outbox::DeliveryStep;
use crate::tutorials::reference::store::instructors;

impl DeliveryWorker {
    async fn approved_for(&self, template: &Id) -> Result<Vec<Id>, DeliveryError> {
        let fetch = async {
            let approved = self.client.approved_instructors(slice::from_ref(template)).await?.remove(template);
            Ok(approved.unwrap_or_default())
        };
        self.approvals.get_or_fetch(template, fetch).await
    }
}

impl EventDelivery<'_> {
    /// Fails before anything is written if an instructor who is new to the event is not approved.
    pub(crate) async fn check_approvals(
        &self,
        link: Option<&EventLink>,
        desired: &DesiredEvent,
    ) -> Result<(), DeliveryError> {
        if !self.has_step(DeliveryStep::CheckApproval) {
            return Ok(());
        }
        let before = self.baseline_instructors(link).await?;
        let sessions = desired.sessions.iter().flat_map(|session| &session.instructors);
        let new: BTreeSet<&Id> =
            sessions.chain(&desired.staff.instructors).filter(|contact| !before.contains(*contact)).collect();
        if new.is_empty() {
            return Ok(());
        }
        self.check_cancelled()?;
        let template = &desired.event.course_template_id;
        let approved = self.worker.approved_for(template).await?;
        let missing: Vec<&Id> = new.into_iter().filter(|contact| !approved.contains(contact)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        // The next attempt has to see approvals that a user gives now.
        self.worker.approvals.forget(template).await;
        let names = self.names(&missing).await?;
        Err(DeliveryError::Invalid(format!(
            "{} not approved for its course template in Administrate: approve them in Administrate, then run `lectern \
             import retry`",
            if names.len() == 1 { format!("{} is", names[0]) } else { format!("{} are", names.join(", ")) }
        )))
    }

    /// Returns the instructors of the event and its sessions in the baseline.
    async fn baseline_instructors(&self, link: Option<&EventLink>) -> Result<BTreeSet<Id>, DeliveryError> {
        let Some(link) = link else { return Ok(BTreeSet::new()) };
        let mut db = self.worker.pool.acquire().await?;
        let baseline = load_baselines(&mut db, &[self.known.id], None).await?.remove(&self.known.id);
        let sessions = baseline.into_iter().flat_map(|baseline| baseline.sessions.into_values());
        let mut instructors: BTreeSet<Id> = sessions.flat_map(|(_, session)| session.instructors).collect();
        let staff: Option<Baseline<DesiredStaff>> =
            events::load_baseline(&mut db, BaselineKind::EventStaff, &link.external_id).await?;
        instructors.extend(staff.into_iter().flat_map(|staff| staff.values.instructors));
        Ok(instructors)
    }

    /// Returns the local names of contacts, or their remote ids where they are not linked.
    async fn names(&self, contacts: &[&Id]) -> Result<Vec<String>, DeliveryError> {
        let mut db = self.worker.pool.acquire().await?;
        let ids = events::external_ids(&mut db, &self.known.event).await?;
        let locals = instructors(&mut db).await?;
        let name = |contact: &&Id| {
            let local = locals.iter().find(|local| ids.instructors.get(&local.id) == Some(*contact));
            local.map_or_else(|| contact.to_string(), |local| local.name.clone())
        };
        Ok(contacts.iter().map(name).collect())
    }
}
