//! Which of Administrate's sessions is which of ours.
//!
//! The course template makes the sessions of an event, one for each day, and nothing but their order says which is
//! which. A pair once made stays, also where Administrate no longer has the session: only one with its title or its
//! start takes its place.

use administrate::{Event, Id};

use super::EventDelivery;
use crate::bridges::events;
use crate::bridges::events::{EventLink, SessionLink, SessionSignature, match_sessions};
use crate::delivery::DeliveryError;
use crate::tutorials::KnownEvent;

impl EventDelivery<'_> {
    /// Pairs what is not paired yet: with sessions of the template beyond those that were paired before, else with those
    /// that were added in Administrate since, for which it is looked at.
    pub(crate) async fn link_sessions(&self, link: EventLink) -> Result<EventLink, DeliveryError> {
        if is_complete(&link, self.known) {
            return Ok(link);
        }
        let mut pairs = linked(&link, self.known);
        if !is_complete(&pairs, self.known) {
            self.check_cancelled()?;
            let there = self.worker.client.event(&link.external_id).await?;
            let there = there.map(|event| event.sessions).unwrap_or_default();
            let new = there.into_iter().map(|session| session.id);
            let new = EventLink::of(link.external_id.clone(), new).sessions.into_iter();
            pairs.sessions.extend(new.filter(|new| link.sessions.iter().all(|old| old.external_id != new.external_id)));
            pairs = linked(&pairs, self.known);
        }
        if pairs != link {
            events::link_event(&self.worker.pool, self.known.id, &pairs).await?;
        }
        Ok(pairs)
    }

    /// The link without the sessions that Administrate no longer has.
    pub(crate) fn without_lost(&self, mut link: EventLink) -> EventLink {
        link.sessions.retain(|session| !self.gone.contains(&session.external_id));
        link
    }

    /// Notes which of the linked sessions are gone there, and links ours with those that have taken their places. Gives
    /// whether any is gone.
    pub(crate) async fn relink_lost_sessions(&mut self, link: EventLink, there: &Event) -> Result<bool, DeliveryError> {
        let is_there = |link: &SessionLink| there.sessions.iter().any(|session| session.id == link.external_id);
        let (mut link, lost) = {
            let (standing, lost): (Vec<_>, Vec<_>) = link.sessions.into_iter().partition(is_there);
            (EventLink { sessions: standing, ..link }, lost)
        };
        if lost.is_empty() {
            return Ok(false);
        }
        let is_free = |id: &Id| {
            let known = link.sessions.iter().find(|session| session.external_id == *id);
            known.is_none_or(|session| session.tutorial_session_id.is_none())
        };
        let free: Vec<_> = there.sessions.iter().filter(|session| is_free(&session.id)).collect();
        let zone = there.zone(&self.worker.config.zone());
        let likeness = |session: &&administrate::Session| {
            let start = session.start.or(session.time_zoned_start).and_then(|start| start.instant(&zone));
            SessionSignature::new(&session.title, start)
        };
        let ours = self.known.session_ids.iter().zip(&self.known.event.sessions);
        let ours = ours.filter(|(id, _)| lost.iter().any(|session| session.tutorial_session_id == Some(**id)));
        let ours: Vec<_> =
            ours.map(|(id, session)| (*id, SessionSignature::new(&session.title, Some(session.start)))).collect();
        let links = match_sessions(&ours, &free.iter().map(likeness).collect::<Vec<_>>());
        let (gone, replaced): (Vec<_>, Vec<_>) = lost.into_iter().partition(|session| {
            session.tutorial_session_id.is_some() && !links.contains(&session.tutorial_session_id)
        });
        let pool = &self.worker.pool;
        let replaced: Vec<Id> = replaced.into_iter().map(|session| session.external_id).collect();
        events::delete_session_links(pool, &replaced).await?;
        self.gone = gone.into_iter().map(|session| session.external_id).collect();
        events::mark_sessions_missing(pool, &self.gone).await?;
        let found = free.iter().zip(links).filter(|(_, ours)| ours.is_some());
        let found: Vec<SessionLink> = found
            .map(|(session, ours)| SessionLink { external_id: session.id.clone(), tutorial_session_id: ours })
            .collect();
        if !found.is_empty() {
            link.sessions.retain(|session| found.iter().all(|found| found.external_id != session.external_id));
            link.sessions.extend(found);
            events::link_event(pool, self.known.id, &link).await?;
        }
        Ok(true)
    }
}

/// The link with every session of ours paired for which there is one left, in order.
pub(crate) fn linked(link: &EventLink, known: &KnownEvent) -> EventLink {
    let mut link = link.clone();
    let links = link.sessions.iter_mut().map(|session| &mut session.tutorial_session_id);
    events::pair_in_order(&known.session_ids, links);
    link
}

fn is_complete(link: &EventLink, known: &KnownEvent) -> bool {
    let is_paired = |ours: &i64| link.sessions.iter().any(|session| session.tutorial_session_id == Some(*ours));
    known.session_ids.iter().all(is_paired)
}
