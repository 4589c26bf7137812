//! Links local sessions with remote ones.
//!
//! The course template creates the sessions of an event, one for each day, and only their order relates them to the local
//! ones. A link stays even when Administrate no longer has the session: only a session with the same title or start
//! replaces it.

use administrate::{Event, Id};

use super::EventDelivery;
use crate::bridges::events;
use crate::bridges::events::{EventLink, SessionLink, SessionSignature, match_sessions};
use crate::delivery::DeliveryError;
use crate::tutorials::KnownEvent;

impl EventDelivery<'_> {
    /// Links local sessions that are not linked yet: with extra sessions that the template created, otherwise with sessions
    /// that were added in Administrate since, which are read for that.
    pub(crate) async fn link_sessions(&self, link: EventLink) -> Result<EventLink, DeliveryError> {
        if is_complete(&link, self.known) {
            return Ok(link);
        }
        let mut updated = linked(&link, self.known);
        if !is_complete(&updated, self.known) {
            self.check_cancelled()?;
            let remote = self.worker.client.event(&link.external_id).await?;
            let remote = remote.map(|event| event.sessions).unwrap_or_default();
            let new = remote.into_iter().map(|session| session.id);
            let new = EventLink::of(link.external_id.clone(), new).sessions.into_iter();
            updated
                .sessions
                .extend(new.filter(|new| link.sessions.iter().all(|old| old.external_id != new.external_id)));
            updated = linked(&updated, self.known);
        }
        if updated != link {
            events::link_event(&self.worker.pool, self.known.id, &updated).await?;
        }
        Ok(updated)
    }

    /// Returns the link without the sessions that Administrate no longer has.
    pub(crate) fn without_lost(&self, mut link: EventLink) -> EventLink {
        link.sessions.retain(|session| !self.missing_sessions.contains(&session.external_id));
        link
    }

    /// Stores which linked sessions no longer exist in Administrate, and links the local ones with unlinked remote sessions of
    /// the same title or start. Returns whether any no longer exists.
    pub(crate) async fn relink_lost_sessions(
        &mut self,
        link: EventLink,
        remote: &Event,
    ) -> Result<bool, DeliveryError> {
        let exists = |link: &SessionLink| remote.sessions.iter().any(|session| session.id == link.external_id);
        let (mut link, lost) = {
            let (existing, lost): (Vec<_>, Vec<_>) = link.sessions.into_iter().partition(exists);
            (EventLink { sessions: existing, ..link }, lost)
        };
        if lost.is_empty() {
            return Ok(false);
        }
        let is_free = |id: &Id| {
            let known = link.sessions.iter().find(|session| session.external_id == *id);
            known.is_none_or(|session| session.tutorial_session_id.is_none())
        };
        let free: Vec<_> = remote.sessions.iter().filter(|session| is_free(&session.id)).collect();
        let zone = remote.zone(&self.worker.config.zone());
        let signature = |session: &&administrate::Session| {
            let start = session.start.or(session.time_zoned_start).and_then(|start| start.instant(&zone));
            SessionSignature::new(&session.title, start)
        };
        let local = self.known.session_ids.iter().zip(&self.known.event.sessions);
        let local = local.filter(|(id, _)| lost.iter().any(|session| session.tutorial_session_id == Some(**id)));
        let local: Vec<_> =
            local.map(|(id, session)| (*id, SessionSignature::new(&session.title, Some(session.start)))).collect();
        let links = match_sessions(&local, &free.iter().map(signature).collect::<Vec<_>>());
        let (missing, replaced): (Vec<_>, Vec<_>) = lost.into_iter().partition(|session| {
            session.tutorial_session_id.is_some() && !links.contains(&session.tutorial_session_id)
        });
        let pool = &self.worker.pool;
        let replaced: Vec<Id> = replaced.into_iter().map(|session| session.external_id).collect();
        events::delete_session_links(pool, &replaced).await?;
        self.missing_sessions = missing.into_iter().map(|session| session.external_id).collect();
        events::mark_sessions_missing(pool, &self.missing_sessions).await?;
        let found = free.iter().zip(links).filter(|(_, local)| local.is_some());
        let found: Vec<SessionLink> = found
            .map(|(session, local)| SessionLink { external_id: session.id.clone(), tutorial_session_id: local })
            .collect();
        if !found.is_empty() {
            link.sessions.retain(|session| found.iter().all(|found| found.external_id != session.external_id));
            link.sessions.extend(found);
            events::link_event(pool, self.known.id, &link).await?;
        }
        Ok(true)
    }
}

/// Returns the link with the local sessions that were not linked assigned, in order, to unlinked remote ones.
pub(crate) fn linked(link: &EventLink, known: &KnownEvent) -> EventLink {
    let mut link = link.clone();
    let links = link.sessions.iter_mut().map(|session| &mut session.tutorial_session_id);
    events::link_in_order(&known.session_ids, links);
    link
}

fn is_complete(link: &EventLink, known: &KnownEvent) -> bool {
    let is_linked = |local: &i64| link.sessions.iter().any(|session| session.tutorial_session_id == Some(*local));
    known.session_ids.iter().all(is_linked)
}
