//! Which of Administrate's sessions is which of ours.
//!
//! The course template makes the sessions of an event, one for each day, and nothing but their order says which is
//! which. A pair once made stays.

use super::Trouble;
use super::errand::Errand;
use crate::bridges::events::{self, EventLink};
use crate::tutorials::KnownEvent;

impl Errand<'_> {
    /// Pairs what is not paired yet: with sessions of the template beyond those that were paired before, else with those
    /// that were added in Administrate since, for which it is looked at.
    pub(super) async fn pair_sessions(&self, link: EventLink) -> Result<EventLink, Trouble> {
        if is_complete(&link, self.known) {
            return Ok(link);
        }
        let mut pairs = paired(&link, self.known);
        if !is_complete(&pairs, self.known) {
            self.go_on()?;
            let there = self.worker.client.event(&link.external_id).await?;
            let there = there.map(|event| event.sessions).unwrap_or_default();
            let new = there.into_iter().map(|session| session.id);
            let new = EventLink::of(link.external_id.clone(), new).sessions.into_iter();
            pairs.sessions.extend(new.filter(|new| link.sessions.iter().all(|old| old.external_id != new.external_id)));
            pairs = paired(&pairs, self.known);
        }
        if pairs != link {
            events::link_event(&self.worker.pool, self.known.id, &pairs).await?;
        }
        Ok(pairs)
    }
}

/// The link with every session of ours paired for which there is one left, in order.
pub(super) fn paired(link: &EventLink, known: &KnownEvent) -> EventLink {
    let mut link = link.clone();
    let links = link.sessions.iter_mut().map(|session| &mut session.tutorial_session_id);
    events::pair_in_order(&known.session_ids, links);
    link
}

fn is_complete(link: &EventLink, known: &KnownEvent) -> bool {
    let is_paired = |ours: &i64| link.sessions.iter().any(|session| session.tutorial_session_id == Some(*ours));
    known.session_ids.iter().all(is_paired)
}
