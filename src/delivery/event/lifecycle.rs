//! The steps at the ends of an event's life: published, called off, its surplus drafts deleted, removed.

use administrate::{Event, EventChanges, Id, Lifecycle, Session, SessionChanges};

use super::EventDelivery;
use crate::bridges::events;
use crate::bridges::events::{BaselineKind, EventLink, LifecycleState, PublicationState, SessionLink};
use crate::delivery::{DeliveryError, Notice, is_called_off};
use crate::tutorials;

impl EventDelivery<'_> {
    /// Publishes the event and its sessions, if that was asked now or once before; sessions beyond ours stay drafts.
    pub(crate) async fn publish(&mut self, link: &EventLink, asked: bool) -> Result<(), DeliveryError> {
        let mut standing = self.publication_state(link).await?;
        if !asked && standing.state.is_none() {
            return Ok(());
        }
        if standing.state.is_none() {
            self.set_state(link, Lifecycle::Published, &mut standing).await?;
        }
        let ours = link.sessions.iter().filter(|session| session.tutorial_session_id.is_some());
        for session in ours.map(|session| &session.external_id) {
            if !standing.published_sessions.contains(session) {
                self.check_cancelled()?;
                let changes = SessionChanges { lifecycle: Some(Lifecycle::Published), ..SessionChanges::default() };
                self.worker.client.update_session(session, &changes).await?;
                standing.published_sessions.push(session.clone());
                self.set_baseline(BaselineKind::Standing, &link.external_id, &standing).await?;
            }
        }
        Ok(())
    }

    /// Calls the event off. What never came to be there is not created for it.
    pub(crate) async fn cancel(&mut self, link: Option<EventLink>) -> Result<(), DeliveryError> {
        let Some(link) = self.there(link).await? else { return Ok(()) };
        let mut standing = self.publication_state(&link).await?;
        if standing.state == Some(Lifecycle::Cancelled) {
            return Ok(());
        }
        standing.was_published = standing.state == Some(Lifecycle::Published);
        self.set_state(&link, Lifecycle::Cancelled, &mut standing).await
    }

    /// Takes up again what was called off there, by us or by somebody else: as published as we had made it. Whether
    /// Administrate allows that is not documented; where it does not, a person is told.
    pub(crate) async fn reinstate(
        &mut self,
        link: &EventLink,
        there: &Event,
        mut standing: PublicationState,
    ) -> Result<(), DeliveryError> {
        let is_published = standing.state == Some(Lifecycle::Published)
            || standing.state == Some(Lifecycle::Cancelled) && standing.was_published;
        let as_before = |published| if published { Lifecycle::Published } else { Lifecycle::Draft };
        if is_called_off(there) {
            self.check_cancelled()?;
            let changes = EventChanges { lifecycle: Some(as_before(is_published)), ..EventChanges::default() };
            self.worker.client.update_event(&link.external_id, &changes).await.map_err(reinstate_error)?;
            self.remarks.push(Notice::TakenUpAgain);
        }
        for session in there
            .sessions
            .iter()
            .filter(|session| LifecycleState::of(session.lifecycle.as_deref()) == Some(LifecycleState::Cancelled))
        {
            let is = |ours: &SessionLink| ours.external_id == session.id && ours.tutorial_session_id.is_some();
            if link.sessions.iter().any(is) {
                self.check_cancelled()?;
                let lifecycle = Some(as_before(standing.published_sessions.contains(&session.id)));
                let changes = SessionChanges { lifecycle, ..SessionChanges::default() };
                self.worker.client.update_session(&session.id, &changes).await.map_err(reinstate_error)?;
            }
        }
        if standing.state == Some(Lifecycle::Cancelled) {
            standing.state = is_published.then_some(Lifecycle::Published);
            standing.was_published = false;
            self.set_baseline(BaselineKind::Standing, &link.external_id, &standing).await?;
        }
        Ok(())
    }

    async fn set_state(
        &self,
        link: &EventLink,
        state: Lifecycle,
        standing: &mut PublicationState,
    ) -> Result<(), DeliveryError> {
        self.check_cancelled()?;
        let changes = EventChanges { lifecycle: Some(state), ..EventChanges::default() };
        self.worker.client.update_event(&link.external_id, &changes).await?;
        standing.state = Some(state);
        self.set_baseline(BaselineKind::Standing, &link.external_id, standing).await
    }

    pub(crate) async fn publication_state(&self, link: &EventLink) -> Result<PublicationState, DeliveryError> {
        let standing = self.baseline(BaselineKind::Standing, &link.external_id).await?;
        Ok(standing.map(|agreement| agreement.values).unwrap_or_default())
    }

    /// The link, or what a creation in doubt may have left there.
    async fn there(&mut self, link: Option<EventLink>) -> Result<Option<EventLink>, DeliveryError> {
        match link {
            None if self.item.in_doubt => {
                let wanted = self.desired().await?;
                self.find_existing(&wanted).await
            }
            link => Ok(link),
        }
    }

    /// Deletes the sessions beyond ours that are drafts still.
    pub(crate) async fn delete_drafts(&mut self, link: &mut EventLink) -> Result<(), DeliveryError> {
        let surplus = extra_sessions(link);
        if surplus.is_empty() {
            return Ok(());
        }
        let rest = self.delete_as_drafts(link, &surplus).await?;
        let rest: Vec<Id> = rest.into_iter().map(|session| session.id).collect();
        self.unlink_event(link, surplus.into_iter().filter(|id| !rest.contains(id)).collect()).await
    }

    /// Takes away the sessions that a change had brought which was taken back: a draft is deleted, another one called off.
    pub(crate) async fn remove_withdrawn_sessions(&mut self, link: &mut EventLink) -> Result<(), DeliveryError> {
        let surplus = extra_sessions(link);
        if surplus.is_empty() {
            return Ok(());
        }
        let withdrawn = events::withdrawn(&self.worker.pool, &surplus).await?;
        if withdrawn.is_empty() {
            return Ok(());
        }
        for session in self.delete_as_drafts(link, &withdrawn).await? {
            if LifecycleState::of(session.lifecycle.as_deref()) != Some(LifecycleState::Cancelled) {
                self.check_cancelled()?;
                let changes = SessionChanges { lifecycle: Some(Lifecycle::Cancelled), ..SessionChanges::default() };
                self.worker.client.update_session(&session.id, &changes).await?;
            }
        }
        self.unlink_event(link, withdrawn).await
    }

    /// Deletes those of these sessions that are drafts; gives the others that stand there.
    async fn delete_as_drafts(&self, link: &EventLink, sessions: &[Id]) -> Result<Vec<Session>, DeliveryError> {
        self.check_cancelled()?;
        let there = self.worker.client.event(&link.external_id).await?;
        let mut there = there.map(|event| event.sessions).unwrap_or_default();
        there.retain(|session| sessions.contains(&session.id));
        let (drafts, rest): (Vec<Session>, Vec<Session>) = there
            .into_iter()
            .partition(|session| LifecycleState::of(session.lifecycle.as_deref()) == Some(LifecycleState::Draft));
        let drafts: Vec<Id> = drafts.into_iter().map(|session| session.id).collect();
        if !drafts.is_empty() {
            self.check_cancelled()?;
            self.worker.client.delete_sessions(&drafts).await?;
        }
        Ok(rest)
    }

    async fn unlink_event(&self, link: &mut EventLink, sessions: Vec<Id>) -> Result<(), DeliveryError> {
        events::delete_session_links(&self.worker.pool, &sessions).await?;
        link.sessions.retain(|session| !sessions.contains(&session.external_id));
        Ok(())
    }

    /// Takes the event away on both sides: a draft is deleted, another one called off, one that we only found there is
    /// left alone. One of which places are sold stays.
    pub(crate) async fn remove(&mut self, link: Option<EventLink>) -> Result<(), DeliveryError> {
        let link = self.there(link).await?;
        if let Some(link) = &link
            && !self.publication_state(link).await?.found_there
        {
            self.delete_or_cancel(&link.external_id).await?;
        }
        let mut tx = self.worker.pool.begin().await?;
        if let Some(link) = &link {
            events::delete_event_link(&mut tx, link).await?;
        }
        tutorials::store::delete_event(&mut tx, self.known.id).await?;
        tx.commit().await?;
        self.remarks.push(Notice::Removed);
        Ok(())
    }

    async fn delete_or_cancel(&self, event: &Id) -> Result<(), DeliveryError> {
        self.check_cancelled()?;
        let Some(there) = self.worker.client.event(event).await? else { return Ok(()) };
        let sold = there.max_places.zip(there.remaining_places).map_or(0, |(most, left)| most - left);
        if sold > 0 {
            return Err(DeliveryError::Invalid(format!(
                "{sold} places are sold in Administrate: it is kept on both sides"
            )));
        }
        self.check_cancelled()?;
        match LifecycleState::of(there.lifecycle.as_deref()) {
            Some(LifecycleState::Draft) => {
                self.worker.client.delete_events(std::slice::from_ref(event)).await.map(drop)?
            }
            Some(LifecycleState::Cancelled) => {}
            _ => {
                let changes = EventChanges { lifecycle: Some(Lifecycle::Cancelled), ..EventChanges::default() };
                self.worker.client.update_event(event, &changes).await.map(drop)?;
            }
        }
        Ok(())
    }
}

/// Why taking up again what was cancelled did not succeed.
fn reinstate_error(error: administrate::Error) -> DeliveryError {
    match error.into() {
        DeliveryError::RejectedByRemote(why) => DeliveryError::RejectedByRemote(format!(
            "the event was cancelled in Administrate, which cannot be taken back there ({why}): cancel it in the timetable \
             too, and announce it under another title where it takes place"
        )),
        other => other,
    }
}

/// Sessions there that are none of ours.
fn extra_sessions(link: &EventLink) -> Vec<Id> {
    let unpaired = link.sessions.iter().filter(|session| session.tutorial_session_id.is_none());
    unpaired.map(|session| session.external_id.clone()).collect()
}
