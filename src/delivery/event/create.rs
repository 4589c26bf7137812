//! The first step: creates the event in Administrate, once.

use administrate::Event;
use serde::Deserialize;

use super::EventDelivery;
use super::creation_key::CreationKey;
use super::lifecycle::is_event_cancelled;
use super::sessions::linked;
use crate::bridges::events;
use crate::bridges::events::{BaselineKind, EventLink, PublicationState};
use crate::delivery::{DeliveryError, Notice};
use crate::merge::desired::DesiredEvent;
use crate::names::fold;

impl EventDelivery<'_> {
    /// Creates the event, or finds it in Administrate, and stores its ids at once.
    pub(crate) async fn create(&mut self, desired: &DesiredEvent) -> Result<EventLink, DeliveryError> {
        let complete = desired.clone().with_windows(&self.known.event);
        let (baseline, desired) = (&desired.event, &complete);
        if let Some(link) = self.find_existing(desired).await? {
            return Ok(link);
        }
        self.worker.wait_for_in_flight(self.item)?;
        let create = self.worker.client.create_event(&desired.event);
        let created = self.worker.send_creation(self.item, &CreationKey::of(&desired.event), create).await?;
        if self.item.in_doubt {
            self.check_no_duplicate(&created.id, desired).await?;
        }
        let sessions = created.sessions.into_iter().map(|session| session.id);
        let link = linked(&EventLink::of(created.id, sessions), self.known);
        events::link_event(&self.worker.pool, self.known.id, &link).await?;
        if self.item.in_doubt {
            // Administrate may still carry out the creation whose outcome is unknown.
            let publication = PublicationState { created_in_doubt: true, ..PublicationState::default() };
            self.set_baseline(BaselineKind::Publication, &link.external_id, &publication).await?;
        }
        self.remarks.extend(created.warnings.into_iter().map(|warning| Notice::Warning(warning.to_string())));
        if created.unsupported_fields.is_empty() {
            // Otherwise the next step tries to write what this mutation did not accept.
            self.set_baseline(BaselineKind::Event, &link.external_id, baseline).await?;
        }
        Ok(link)
    }

    /// Links and returns the event that an earlier creation may have left in Administrate, matched by title, course template
    /// and start; none where it is certain that there is none.
    pub(crate) async fn find_existing(&mut self, desired: &DesiredEvent) -> Result<Option<EventLink>, DeliveryError> {
        if !self.item.check_remote_first {
            return Ok(None);
        }
        let keys = self.all_creation_keys(desired)?;
        let candidates = self.candidates(&keys).await?;
        let active = || candidates.iter().filter(|event| !is_event_cancelled(event));
        let same: Vec<&Event> = active().filter(|event| keys.iter().any(|key| key.matches(event))).collect();
        let event = match same.as_slice() {
            [event] => *event,
            [] if candidates.is_empty() => return Ok(None),
            [] if active().next().is_none() => {
                return Err(DeliveryError::OutcomeUnknown(ambiguity_message(
                    desired,
                    &candidates,
                    "that was cancelled",
                )));
            }
            [] => {
                return Err(DeliveryError::OutcomeUnknown(ambiguity_message(
                    desired,
                    &candidates,
                    "with another course template or start",
                )));
            }
            _ => {
                return Err(DeliveryError::OutcomeUnknown(ambiguity_message(
                    desired,
                    &candidates,
                    "with the same course template and start",
                )));
            }
        };
        let sessions = event.sessions.iter().map(|session| session.id.clone());
        let link = linked(&EventLink::of(event.id.clone(), sessions), self.known);
        events::link_event(&self.worker.pool, self.known.id, &link).await?;
        let publication = PublicationState {
            existed_before: !self.item.in_doubt,
            // Without the last key, which was not sent.
            created_in_doubt: self.item.in_doubt && keys.len() - 1 > 1,
            ..PublicationState::default()
        };
        if publication != PublicationState::default() {
            self.set_baseline(BaselineKind::Publication, &link.external_id, &publication).await?;
        }
        if publication.existed_before {
            self.remarks.push(Notice::Adopted);
        }
        Ok(Some(link))
    }

    /// Returns the key of each creation whose outcome is unknown, and last the key of the event as it would be sent now.
    fn all_creation_keys(&self, desired: &DesiredEvent) -> Result<Vec<CreationKey>, DeliveryError> {
        let mut keys = stored_creation_keys(self.item.id, &self.item.creation_keys)?;
        keys.push(CreationKey::of(&desired.event));
        Ok(keys)
    }

    /// Returns the remote events with one of the keys' titles that are not linked to another local event.
    async fn candidates(&self, keys: &[CreationKey]) -> Result<Vec<Event>, DeliveryError> {
        let mut titles: Vec<&str> = keys.iter().map(|key| key.title.as_str()).collect();
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

    /// Fails if Administrate has also carried out an earlier creation whose outcome was unknown.
    async fn check_no_duplicate(
        &self,
        created: &administrate::Id,
        desired: &DesiredEvent,
    ) -> Result<(), DeliveryError> {
        let keys = self.all_creation_keys(desired)?;
        let mut candidates = self.candidates(&keys).await?;
        candidates.retain(|event| {
            event.id == *created || !is_event_cancelled(event) && keys.iter().any(|key| key.matches(event))
        });
        if candidates.len() > 1 {
            let what = "with the same course template and start, created by two requests of which one was late";
            return Err(DeliveryError::OutcomeUnknown(ambiguity_message(desired, &candidates, what)));
        }
        Ok(())
    }
}

/// Reads the keys of earlier creations of an outbox item.
///
/// # Errors
/// [`DeliveryError::OutcomeUnknown`] where a key cannot be read: creating the event again could create a duplicate.
fn stored_creation_keys(item: i64, stored: &serde_json::Value) -> Result<Vec<CreationKey>, DeliveryError> {
    let unreadable = |error: String| {
        DeliveryError::OutcomeUnknown(format!(
            "the stored creations of outbox item {item} cannot be read ({error}), so the event may exist in \
             Administrate: look for it there, then run `lectern outbox resolve {item}` with --delivered EXTERNAL_ID or \
             --recreate"
        ))
    };
    let keys = Vec::<CreationKey>::deserialize(stored).map_err(|error| unreadable(error.to_string()))?;
    keys.iter().try_for_each(CreationKey::check).map_err(unreadable)?;
    Ok(keys)
}

fn ambiguity_message(desired: &DesiredEvent, found: &[Event], what: &str) -> String {
    let ids: Vec<String> = found.iter().map(|event| event.id.to_string()).collect();
    format!(
        "Administrate has {} titled \"{}\" {what} ({}): decide with `lectern outbox resolve` which one belongs to this event",
        if found.len() == 1 { "an event" } else { "several events" },
        found.first().map_or(desired.event.title.as_str(), |event| event.title.as_str()),
        ids.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unreadable_creation_key_leaves_the_decision_to_a_user() {
        let key = |zone: &str| json!({ "title": "CM2-01", "template": "T1", "time_zone": zone, "classroom": null, "lms": null });
        assert_eq!(stored_creation_keys(7, &json!([key("Europe/London")])).expect("a readable key").len(), 1);
        for stored in [json!([{}]), json!(null), json!([key("Europe/London"), "CM2-01"]), json!([key("Unknown/City")])]
        {
            let error = stored_creation_keys(7, &stored).expect_err("an unreadable key");
            let DeliveryError::OutcomeUnknown(reason) = error else { panic!("{stored}: {error:?}") };
            assert!(reason.contains("outbox item 7") && reason.contains("lectern outbox resolve 7"), "{reason}");
        }
    }
}
