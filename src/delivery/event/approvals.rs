//! Whether whoever is to teach an event may: asked of Administrate where the import that queued it could not ask.

use std::collections::{BTreeSet, HashMap};
use std::slice;
use std::time::Duration;

use administrate::Id;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::EventDelivery;
use crate::bridges::events;
use crate::bridges::events::{Baseline, BaselineKind, EventLink};
use crate::delivery::{DeliveryError, DeliveryWorker};
use crate::merge::desired::{DesiredEvent, DesiredStaff};
use crate::merge::load_baselines;
use crate::tutorials::APPROVED;
use crate::tutorials::reference::store::instructors;

/// For how long an answer serves other events of the same course template.
const FRESH: Duration = Duration::from_secs(60);

/// Who is approved for which course template, and when that was told.
#[derive(Debug, Default)]
pub(crate) struct Approvals(Mutex<HashMap<Id, (Instant, Vec<Id>)>>);

impl DeliveryWorker {
    async fn approved_for(&self, template: &Id) -> Result<Vec<Id>, DeliveryError> {
        let mut known = self.approvals.0.lock().await;
        if let Some((_, approved)) = known.get(template).filter(|(told, _)| told.elapsed() < FRESH) {
            return Ok(approved.clone());
        }
        let approved = self.client.approved_instructors(slice::from_ref(template)).await?.remove(template);
        let approved = approved.unwrap_or_default();
        known.insert(template.clone(), (Instant::now(), approved.clone()));
        Ok(approved)
    }
}

impl EventDelivery<'_> {
    /// Ends the errand before anything is written where somebody who is new to it is not approved.
    pub(crate) async fn check_approvals(
        &self,
        link: Option<&EventLink>,
        wanted: &DesiredEvent,
    ) -> Result<(), DeliveryError> {
        if !self.has_option(APPROVED) {
            return Ok(());
        }
        let before = self.taught_before(link).await?;
        let sessions = wanted.sessions.iter().flat_map(|session| &session.instructors);
        let new: BTreeSet<&Id> =
            sessions.chain(&wanted.staff.instructors).filter(|contact| !before.contains(*contact)).collect();
        if new.is_empty() {
            return Ok(());
        }
        self.check_cancelled()?;
        let template = &wanted.event.course_template_id;
        let approved = self.worker.approved_for(template).await?;
        let missing: Vec<&Id> = new.into_iter().filter(|contact| !approved.contains(contact)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        // Whoever is approved now is to be seen at the next try.
        self.worker.approvals.0.lock().await.remove(template);
        let names = self.names(&missing).await?;
        Err(DeliveryError::Invalid(format!(
            "{} not approved for its course template in Administrate: approve them there, then run `lectern import retry`",
            if names.len() == 1 { format!("{} is", names[0]) } else { format!("{} are", names.join(", ")) }
        )))
    }

    /// Who taught it as far as both sides last agreed.
    async fn taught_before(&self, link: Option<&EventLink>) -> Result<BTreeSet<Id>, DeliveryError> {
        let Some(link) = link else { return Ok(BTreeSet::new()) };
        let mut db = self.worker.pool.acquire().await?;
        let agreed = load_baselines(&mut db, &[self.known.id], None).await?.remove(&self.known.id);
        let sessions = agreed.into_iter().flat_map(|agreed| agreed.sessions.into_values());
        let mut taught: BTreeSet<Id> = sessions.flat_map(|(_, session)| session.instructors).collect();
        let staff: Option<Baseline<DesiredStaff>> =
            events::load_baseline(&mut db, BaselineKind::EventStaff, &link.external_id).await?;
        taught.extend(staff.into_iter().flat_map(|staff| staff.values.instructors));
        Ok(taught)
    }

    /// What people call these contacts here.
    async fn names(&self, contacts: &[&Id]) -> Result<Vec<String>, DeliveryError> {
        let mut db = self.worker.pool.acquire().await?;
        let ids = events::external_ids(&mut db, &self.known.event).await?;
        let ours = instructors(&mut db).await?;
        let name = |contact: &&Id| {
            let known = ours.iter().find(|ours| ids.instructors.get(&ours.id) == Some(*contact));
            known.map_or_else(|| contact.to_string(), |known| known.name.clone())
        };
        Ok(contacts.iter().map(name).collect())
    }
}
