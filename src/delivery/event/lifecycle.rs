//! The steps that change the state of an event: publish, cancel, reinstate, delete extra drafts, remove.

use administrate::{Event, EventChanges, Id, Lifecycle, Session, SessionChanges};

use super::EventDelivery;
use crate::bridges::events;
use crate::bridges::events::{BaselineKind, EventLink, LifecycleState, PublicationState, SessionLink};
use crate::delivery::{DeliveryError, Notice};
use crate::tutorials;

impl EventDelivery<'_> {
    /// Publishes the event and its linked sessions if that is requested or was done before; extra sessions stay drafts.
    pub(crate) async fn publish(&mut self, link: &EventLink, is_requested: bool) -> Result<(), DeliveryError> {
        let mut publication = self.publication_state(link).await?;
        if !is_requested && publication.state.is_none() {
            return Ok(());
        }
        if publication.state.is_none() {
            self.set_state(link, Lifecycle::Published, &mut publication).await?;
        }
        let linked = link.sessions.iter().filter(|session| session.tutorial_session_id.is_some());
        for session in linked.map(|session| &session.external_id) {
            if !publication.published_sessions.contains(session) {
                self.check_cancelled()?;
                let changes = SessionChanges { lifecycle: Some(Lifecycle::Published), ..SessionChanges::default() };
                self.worker.client.update_session(session, &changes).await?;
                publication.published_sessions.push(session.clone());
                self.set_baseline(BaselineKind::Publication, &link.external_id, &publication).await?;
            }
        }
        Ok(())
    }

    /// Cancels the event in Administrate. An event that does not exist there is not created for that.
    pub(crate) async fn cancel(&mut self, link: Option<EventLink>) -> Result<(), DeliveryError> {
        let Some(link) = self.link_or_existing(link).await? else { return Ok(()) };
        let mut publication = self.publication_state(&link).await?;
        if publication.state == Some(Lifecycle::Cancelled) {
            return Ok(());
        }
        publication.was_published = publication.state == Some(Lifecycle::Published);
        self.set_state(&link, Lifecycle::Cancelled, &mut publication).await
    }

    /// Reinstates an event and its sessions that were cancelled in Administrate, by a delivery or by a user, as published or
    /// as drafts like before.
    ///
    /// Whether Administrate allows that is not documented; where it does not, the delivery fails with advice.
    pub(crate) async fn reinstate(
        &mut self,
        link: &EventLink,
        remote: &Event,
        mut publication: PublicationState,
    ) -> Result<(), DeliveryError> {
        let is_published = publication.state == Some(Lifecycle::Published)
            || publication.state == Some(Lifecycle::Cancelled) && publication.was_published;
        let lifecycle_of = |published| if published { Lifecycle::Published } else { Lifecycle::Draft };
        if is_event_cancelled(remote) {
            self.check_cancelled()?;
            let changes = EventChanges { lifecycle: Some(lifecycle_of(is_published)), ..EventChanges::default() };
            self.worker.client.update_event(&link.external_id, &changes).await.map_err(reinstate_error)?;
            self.remarks.push(Notice::Reinstated);
        }
        for session in remote
            .sessions
            .iter()
            .filter(|session| LifecycleState::of(session.lifecycle.as_deref()) == Some(LifecycleState::Cancelled))
        {
            let is_linked = |link: &SessionLink| link.external_id == session.id && link.tutorial_session_id.is_some();
            if link.sessions.iter().any(is_linked) {
                self.check_cancelled()?;
                let lifecycle = Some(lifecycle_of(publication.published_sessions.contains(&session.id)));
                let changes = SessionChanges { lifecycle, ..SessionChanges::default() };
                self.worker.client.update_session(&session.id, &changes).await.map_err(reinstate_error)?;
            }
        }
        if publication.state == Some(Lifecycle::Cancelled) {
            publication.state = is_published.then_some(Lifecycle::Published);
            publication.was_published = false;
            self.set_baseline(BaselineKind::Publication, &link.external_id, &publication).await?;
        }
        Ok(())
    }

    async fn set_state(
        &self,
        link: &EventLink,
        state: Lifecycle,
        publication: &mut PublicationState,
    ) -> Result<(), DeliveryError> {
        self.check_cancelled()?;
        let changes = EventChanges { lifecycle: Some(state), ..EventChanges::default() };
        self.worker.client.update_event(&link.external_id, &changes).await?;
        publication.state = Some(state);
        self.set_baseline(BaselineKind::Publication, &link.external_id, publication).await
    }

    pub(crate) async fn publication_state(&self, link: &EventLink) -> Result<PublicationState, DeliveryError> {
        let publication = self.baseline(BaselineKind::Publication, &link.external_id).await?;
        Ok(publication.map(|baseline| baseline.values).unwrap_or_default())
    }

    /// Returns the link, or links the event that a creation in doubt may have left in Administrate.
    async fn link_or_existing(&mut self, link: Option<EventLink>) -> Result<Option<EventLink>, DeliveryError> {
        match link {
            None if self.item.in_doubt => {
                let desired = self.desired().await?.with_windows(&self.known.event);
                self.find_existing(&desired).await
            }
            link => Ok(link),
        }
    }

    /// Deletes extra remote sessions that are still drafts.
    pub(crate) async fn delete_drafts(&mut self, link: &mut EventLink) -> Result<(), DeliveryError> {
        let extra = extra_sessions(link);
        if extra.is_empty() {
            return Ok(());
        }
        let rest = self.delete_as_drafts(link, &extra).await?;
        let rest: Vec<Id> = rest.into_iter().map(|session| session.id).collect();
        self.unlink_event(link, extra.into_iter().filter(|id| !rest.contains(id)).collect()).await
    }

    /// Removes the sessions of a change that was undone: drafts are deleted, others are cancelled.
    pub(crate) async fn remove_withdrawn_sessions(&mut self, link: &mut EventLink) -> Result<(), DeliveryError> {
        let extra = extra_sessions(link);
        if extra.is_empty() {
            return Ok(());
        }
        let withdrawn = events::withdrawn(&self.worker.pool, &extra).await?;
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

    /// Deletes those of these sessions that are drafts; returns the others that exist in Administrate.
    async fn delete_as_drafts(&self, link: &EventLink, sessions: &[Id]) -> Result<Vec<Session>, DeliveryError> {
        self.check_cancelled()?;
        let remote = self.worker.client.event(&link.external_id).await?;
        let mut remote = remote.map(|event| event.sessions).unwrap_or_default();
        remote.retain(|session| sessions.contains(&session.id));
        let (drafts, rest): (Vec<Session>, Vec<Session>) = remote
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

    /// Removes the event locally and in Administrate, as the effect says: by an undo, a draft is deleted and another event is
    /// cancelled. A remote event that was adopted stays as it is then. A deletion fails while places are sold.
    pub(crate) async fn remove(&mut self, link: Option<EventLink>) -> Result<(), DeliveryError> {
        let link = self.link_or_existing(link).await?;
        if let Some(link) = &link
            && (self.item.effect != tutorials::REMOVE_EVENT || !self.publication_state(link).await?.existed_before)
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
        let Some(remote) = self.worker.client.event(event).await? else { return Ok(()) };
        let lifecycle = LifecycleState::of(remote.lifecycle.as_deref());
        if self.item.effect == tutorials::CANCEL_AND_REMOVE_EVENT {
            return match lifecycle {
                Some(LifecycleState::Cancelled) => Ok(()),
                _ => self.cancel_remote(event).await,
            };
        }
        let sold = remote.max_places.zip(remote.remaining_places).map_or(0, |(max, remaining)| max - remaining);
        if sold > 0 {
            return Err(DeliveryError::Invalid(format!(
                "{sold} places are sold in Administrate, so the event stays on both sides"
            )));
        }
        self.check_cancelled()?;
        match lifecycle {
            Some(LifecycleState::Draft) => {
                self.worker.client.delete_events(std::slice::from_ref(event)).await.map(drop)?
            }
            state if self.item.effect == tutorials::DELETE_EVENT => {
                let state = state.map_or_else(|| "not a draft".to_owned(), |state| state.to_string());
                return Err(DeliveryError::Invalid(format!(
                    "Administrate deletes drafts only, and the event is {state} there: repeat the deletion with \
                     remote=cancel or remote=keep"
                )));
            }
            Some(LifecycleState::Cancelled) => {}
            _ => self.cancel_remote(event).await?,
        }
        Ok(())
    }

    async fn cancel_remote(&self, event: &Id) -> Result<(), DeliveryError> {
        self.check_cancelled()?;
        let changes = EventChanges { lifecycle: Some(Lifecycle::Cancelled), ..EventChanges::default() };
        Ok(self.worker.client.update_event(event, &changes).await.map(drop)?)
    }
}

/// Returns whether an event is cancelled in Administrate.
pub(crate) fn is_event_cancelled(event: &Event) -> bool {
    event.lifecycle.as_deref() == Some("cancelled")
}

/// Adds advice to the error of an event that could not be reinstated.
fn reinstate_error(error: administrate::Error) -> DeliveryError {
    match error.into() {
        DeliveryError::RejectedByRemote(reason) => DeliveryError::RejectedByRemote(format!(
            "the event was cancelled in Administrate, which cannot be taken back ({reason}): cancel it in the timetable \
             too, or import it under another title if it takes place"
        )),
        other => other,
    }
}

/// Returns the remote sessions without a local session.
fn extra_sessions(link: &EventLink) -> Vec<Id> {
    let extra = link.sessions.iter().filter(|session| session.tutorial_session_id.is_none());
    extra.map(|session| session.external_id.clone()).collect()
}
