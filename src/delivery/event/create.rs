//! The first step: the event comes to be in Administrate, once.

use administrate::Event;

use super::Errand;
use super::creation_key::Sent;
use super::sessions::paired;
use crate::bridges::events;
use crate::bridges::events::{Agreed, EventLink, Standing};
use crate::delivery::{Remark, Trouble, is_called_off};
use crate::merge::desired::Wanted;
use crate::names::fold;

impl Errand<'_> {
    /// Creates the event, or finds that it is there already, and stores its ids at once.
    pub(crate) async fn create(&mut self, wanted: &Wanted) -> Result<EventLink, Trouble> {
        if let Some(link) = self.found(wanted).await? {
            return Ok(link);
        }
        self.worker.wait_for_late_ones(self.item)?;
        let create = self.worker.client.create_event(&wanted.event);
        let created = self.worker.create_once(self.item, &Sent::of(&wanted.event), create).await?;
        if self.item.in_doubt {
            self.stands_alone(&created.id, wanted).await?;
        }
        let sessions = created.sessions.into_iter().map(|session| session.id);
        let link = paired(&EventLink::of(created.id, sessions), self.known);
        events::link_event(&self.worker.pool, self.known.id, &link).await?;
        if self.item.in_doubt {
            // The one that nobody heard of may come even later.
            let standing = Standing { made_in_doubt: true, ..Standing::default() };
            self.agree(Agreed::Standing, &link.external_id, &standing).await?;
        }
        self.remarks.extend(created.warnings.into_iter().map(|warning| Remark::Warning(warning.to_string())));
        if created.unsupported_fields.is_empty() {
            // Else the next step tries to write what this mutation did not take.
            self.agree(Agreed::Event, &link.external_id, &wanted.event).await?;
        }
        Ok(link)
    }

    /// What may already be there, found by title, template and start where there is a doubt, and linked.
    pub(crate) async fn found(&mut self, wanted: &Wanted) -> Result<Option<EventLink>, Trouble> {
        if !self.item.look_first {
            return Ok(None);
        }
        let sent = self.ever_sent(wanted);
        let candidates = self.candidates(&sent).await?;
        let standing = || candidates.iter().filter(|event| !is_called_off(event));
        let same: Vec<&Event> = standing().filter(|event| sent.iter().any(|sent| sent.made(event))).collect();
        let event = match same.as_slice() {
            [event] => *event,
            [] if candidates.is_empty() => return Ok(None),
            [] if standing().next().is_none() => {
                return Err(Trouble::Unclear(evidence(wanted, &candidates, "that was cancelled")));
            }
            [] => {
                return Err(Trouble::Unclear(evidence(wanted, &candidates, "with another course template or start")));
            }
            _ => {
                return Err(Trouble::Unclear(evidence(wanted, &candidates, "with the same course template and start")));
            }
        };
        let sessions = event.sessions.iter().map(|session| session.id.clone());
        let link = paired(&EventLink::of(event.id.clone(), sessions), self.known);
        events::link_event(&self.worker.pool, self.known.id, &link).await?;
        let standing = Standing {
            found_there: !self.item.in_doubt,
            made_in_doubt: self.item.in_doubt && self.times_sent() > 1,
            ..Standing::default()
        };
        if standing != Standing::default() {
            self.agree(Agreed::Standing, &link.external_id, &standing).await?;
        }
        if standing.found_there {
            self.remarks.push(Remark::Adopted);
        }
        Ok(Some(link))
    }

    /// How many creations were sent of which nobody saw the end.
    fn times_sent(&self) -> usize {
        self.item.sent.as_array().map_or(0, Vec::len)
    }

    /// The event as creations of it were sent that may have been carried out, and as it would be sent now.
    fn ever_sent(&self, wanted: &Wanted) -> Vec<Sent> {
        let mut sent: Vec<Sent> = serde_json::from_value(self.item.sent.clone()).unwrap_or_default();
        sent.push(Sent::of(&wanted.event));
        sent
    }

    /// Administrate's events of these titles that are not linked to another event of ours.
    async fn candidates(&self, sent: &[Sent]) -> Result<Vec<Event>, Trouble> {
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
    async fn stands_alone(&self, created: &administrate::Id, wanted: &Wanted) -> Result<(), Trouble> {
        let sent = self.ever_sent(wanted);
        let mut candidates = self.candidates(&sent).await?;
        candidates
            .retain(|event| event.id == *created || !is_called_off(event) && sent.iter().any(|sent| sent.made(event)));
        if candidates.len() > 1 {
            let what = "with the same course template and start, made by two requests of ours of which one was late";
            return Err(Trouble::Unclear(evidence(wanted, &candidates, what)));
        }
        Ok(())
    }
}

fn evidence(wanted: &Wanted, found: &[Event], what: &str) -> String {
    let ids: Vec<String> = found.iter().map(|event| event.id.to_string()).collect();
    format!(
        "Administrate has {} titled \"{}\" {what} ({}): decide with `lectern outbox resolve` which is ours",
        if found.len() == 1 { "an event" } else { "several events" },
        found.first().map_or(wanted.event.title.as_str(), |event| event.title.as_str()),
        ids.join(", ")
    )
}
