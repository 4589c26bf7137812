//! The first step: the event comes to be in Administrate, once.

use administrate::Event;

use super::EventDelivery;
use super::creation_key::CreationKey;
use super::sessions::linked;
use crate::bridges::events;
use crate::bridges::events::{BaselineKind, EventLink, PublicationState};
use crate::delivery::{DeliveryError, Notice, is_called_off};
use crate::merge::desired::DesiredEvent;
use crate::names::fold;

impl EventDelivery<'_> {
    /// Creates the event, or finds that it is there already, and stores its ids at once.
    pub(crate) async fn create(&mut self, wanted: &DesiredEvent) -> Result<EventLink, DeliveryError> {
        if let Some(link) = self.find_existing(wanted).await? {
            return Ok(link);
        }
        self.worker.wait_for_in_flight(self.item)?;
        let create = self.worker.client.create_event(&wanted.event);
        let created = self.worker.send_creation(self.item, &CreationKey::of(&wanted.event), create).await?;
        if self.item.in_doubt {
            self.check_no_duplicate(&created.id, wanted).await?;
        }
        let sessions = created.sessions.into_iter().map(|session| session.id);
        let link = linked(&EventLink::of(created.id, sessions), self.known);
        events::link_event(&self.worker.pool, self.known.id, &link).await?;
        if self.item.in_doubt {
            // The one that nobody heard of may come even later.
            let standing = PublicationState { made_in_doubt: true, ..PublicationState::default() };
            self.set_baseline(BaselineKind::Standing, &link.external_id, &standing).await?;
        }
        self.remarks.extend(created.warnings.into_iter().map(|warning| Notice::Warning(warning.to_string())));
        if created.unsupported_fields.is_empty() {
            // Else the next step tries to write what this mutation did not take.
            self.set_baseline(BaselineKind::Event, &link.external_id, &wanted.event).await?;
        }
        Ok(link)
    }

    /// What may already be there, found by title, template and start where there is a doubt, and linked.
    pub(crate) async fn find_existing(&mut self, wanted: &DesiredEvent) -> Result<Option<EventLink>, DeliveryError> {
        if !self.item.look_first {
            return Ok(None);
        }
        let sent = self.was_ever_sent(wanted);
        let candidates = self.candidates(&sent).await?;
        let standing = || candidates.iter().filter(|event| !is_called_off(event));
        let same: Vec<&Event> = standing().filter(|event| sent.iter().any(|sent| sent.matches(event))).collect();
        let event = match same.as_slice() {
            [event] => *event,
            [] if candidates.is_empty() => return Ok(None),
            [] if standing().next().is_none() => {
                return Err(DeliveryError::OutcomeUnknown(ambiguity_message(
                    wanted,
                    &candidates,
                    "that was cancelled",
                )));
            }
            [] => {
                return Err(DeliveryError::OutcomeUnknown(ambiguity_message(
                    wanted,
                    &candidates,
                    "with another course template or start",
                )));
            }
            _ => {
                return Err(DeliveryError::OutcomeUnknown(ambiguity_message(
                    wanted,
                    &candidates,
                    "with the same course template and start",
                )));
            }
        };
        let sessions = event.sessions.iter().map(|session| session.id.clone());
        let link = linked(&EventLink::of(event.id.clone(), sessions), self.known);
        events::link_event(&self.worker.pool, self.known.id, &link).await?;
        let standing = PublicationState {
            found_there: !self.item.in_doubt,
            made_in_doubt: self.item.in_doubt && self.creation_keys() > 1,
            ..PublicationState::default()
        };
        if standing != PublicationState::default() {
            self.set_baseline(BaselineKind::Standing, &link.external_id, &standing).await?;
        }
        if standing.found_there {
            self.remarks.push(Notice::Adopted);
        }
        Ok(Some(link))
    }

    /// How many creations were sent of which nobody saw the end.
    fn creation_keys(&self) -> usize {
        self.item.sent.as_array().map_or(0, Vec::len)
    }

    /// The event as creations of it were sent that may have been carried out, and as it would be sent now.
    fn was_ever_sent(&self, wanted: &DesiredEvent) -> Vec<CreationKey> {
        let mut sent: Vec<CreationKey> = serde_json::from_value(self.item.sent.clone()).unwrap_or_default();
        sent.push(CreationKey::of(&wanted.event));
        sent
    }

    /// Administrate's events of these titles that are not linked to another event of ours.
    async fn candidates(&self, sent: &[CreationKey]) -> Result<Vec<Event>, DeliveryError> {
        let mut titles: Vec<&str> = sent.iter().map(|sent| sent.title.as_str()).collect();
        titles.sort_unstable();
        titles.dedup();
        let mut found = self.worker.client.events_by_titles(&titles).await?;
        found.retain(|event| titles.iter().any(|title| fold(title) == fold(&event.title)));
        let ids: Vec<_> = found.iter().map(|event| event.id.clone()).collect();
        let mut db = self.worker.pool.acquire().await?;
        let elsewhere = events::linked_elsewhere(&mut db, self.known.id, &ids).await?;
        found.retain(|event| !elsewhere.contains(&event.id));
        Ok(found)
    }

    /// After a doubt, the creation that nobody saw end may have been carried out late, beside the one made now.
    async fn check_no_duplicate(&self, created: &administrate::Id, wanted: &DesiredEvent) -> Result<(), DeliveryError> {
        let sent = self.was_ever_sent(wanted);
        let mut candidates = self.candidates(&sent).await?;
        candidates.retain(|event| {
            event.id == *created || !is_called_off(event) && sent.iter().any(|sent| sent.matches(event))
        });
        if candidates.len() > 1 {
            let what = "with the same course template and start, made by two requests of ours of which one was late";
            return Err(DeliveryError::OutcomeUnknown(ambiguity_message(wanted, &candidates, what)));
        }
        Ok(())
    }
}

fn ambiguity_message(wanted: &DesiredEvent, found: &[Event], what: &str) -> String {
    let ids: Vec<String> = found.iter().map(|event| event.id.to_string()).collect();
    format!(
        "Administrate has {} titled \"{}\" {what} ({}): decide with `lectern outbox resolve` which is ours",
        if found.len() == 1 { "an event" } else { "several events" },
        found.first().map_or(wanted.event.title.as_str(), |event| event.title.as_str()),
        ids.join(", ")
    )
}
