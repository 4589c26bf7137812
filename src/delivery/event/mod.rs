//! Delivers one outbox item step by step. The process may stop after any step.

pub mod approvals;
pub mod conflict_check;
pub mod create;
pub mod creation_key;
pub mod lifecycle;
pub mod sessions;
pub mod staff;
pub mod unsupported;
pub mod update;

use administrate::Id;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use self::unsupported::UnsupportedField;
use super::{DeliveryError, DeliveryWorker, Notice, reference};
use crate::bridges::events;
use crate::bridges::events::{Baseline, BaselineKind, EventLink};
use crate::merge::desired::{DesiredEvent, desired_event};
use crate::outbox::{DeliveryStep, OutboxItem};
use crate::tutorials;
use crate::tutorials::KnownEvent;

/// The delivery of one outbox item of an event.
pub(super) struct EventDelivery<'a> {
    pub worker: &'a DeliveryWorker,
    pub item: &'a OutboxItem,
    pub known: &'a KnownEvent,
    /// Cancelled when no further step may begin.
    pub halt: &'a CancellationToken,
    pub steps: Vec<DeliveryStep>,
    pub remarks: Vec<Notice>,
    /// Values that Administrate did not accept.
    pub unsupported: Vec<UnsupportedField>,
    /// Linked sessions that Administrate no longer has.
    pub missing_sessions: Vec<Id>,
}

/// What no longer exists in Administrate.
enum MissingRemote {
    Nothing,
    /// The event, with its remote id.
    Event(Id),
    /// Sessions; the delivery continues without them.
    Sessions,
}

/// Returns the error for an event that Administrate no longer has.
fn missing_event(id: &Id) -> DeliveryError {
    DeliveryError::OutcomeUnknown(format!(
        "the event is no longer in Administrate, where it was {id}: run `lectern outbox resolve` with --recreate to create \
         it again, or with --delivered EXTERNAL_ID to link another event"
    ))
}

impl DeliveryWorker {
    /// Delivers an item as far as possible; returns what a user should know and whether all steps succeeded.
    pub(super) async fn deliver_item(
        &self,
        item: &OutboxItem,
        halt: &CancellationToken,
    ) -> (Vec<Notice>, Result<(), DeliveryError>) {
        if let Some(kind) = reference::kind_of(&item.effect) {
            let mut remarks = Vec::new();
            let result = self.create_reference(kind, item, &mut remarks).await;
            return (remarks, result);
        }
        let known = match self.local_event(item).await {
            Ok(Some(known)) => known,
            // It was deleted locally; the deletion decided what happens in Administrate.
            Ok(None) => return (Vec::new(), Ok(())),
            Err(error) => return (Vec::new(), Err(error)),
        };
        let steps = match item.steps() {
            Ok(steps) => steps,
            Err(error) => return (Vec::new(), Err(error.into())),
        };
        let mut delivery = EventDelivery {
            worker: self,
            item,
            known: &known,
            halt,
            steps,
            remarks: Vec::new(),
            unsupported: Vec::new(),
            missing_sessions: Vec::new(),
        };
        let result = delivery.run().await;
        (delivery.remarks, result)
    }

    async fn local_event(&self, item: &OutboxItem) -> Result<Option<KnownEvent>, DeliveryError> {
        let mut db = self.pool.acquire().await?;
        Ok(tutorials::store::events_by_id(&mut db, &[item.subject_id]).await?.pop())
    }
}

impl EventDelivery<'_> {
    async fn run(&mut self) -> Result<(), DeliveryError> {
        let error = match self.run_steps().await {
            Err(error) if error.may_mean_missing() => error,
            result => return result,
        };
        match self.find_missing_remote().await? {
            MissingRemote::Nothing => Err(error),
            MissingRemote::Event(_) if self.known.event.cancelled => {
                self.remarks.push(Notice::Removed);
                Ok(())
            }
            MissingRemote::Event(id) => Err(missing_event(&id)),
            MissingRemote::Sessions => {
                self.unsupported.clear();
                self.run_steps().await
            }
        }
    }

    /// Returns what was deleted in Administrate, which would explain why it refused a write.
    async fn find_missing_remote(&mut self) -> Result<MissingRemote, DeliveryError> {
        let mut db = self.worker.pool.acquire().await?;
        let link = events::link_of(&mut db, self.known.id).await?;
        drop(db);
        let Some(link) = link else { return Ok(MissingRemote::Nothing) };
        self.check_cancelled()?;
        let Some(remote) = self.worker.client.event(&link.external_id).await? else {
            return Ok(MissingRemote::Event(link.external_id));
        };
        if self.relink_lost_sessions(link, &remote).await? {
            Ok(MissingRemote::Sessions)
        } else {
            Ok(MissingRemote::Nothing)
        }
    }

    async fn run_steps(&mut self) -> Result<(), DeliveryError> {
        let mut db = self.worker.pool.acquire().await?;
        let link = events::link_of(&mut db, self.known.id).await?;
        drop(db);
        if tutorials::REMOVALS.contains(&self.item.effect.as_str()) {
            return self.remove(link.map(|link| self.without_lost(link))).await;
        }
        if self.known.event.cancelled {
            return self.cancel(link.map(|link| self.without_lost(link))).await;
        }
        let desired = self.desired().await?;
        self.check_approvals(link.as_ref(), &desired).await?;
        let mut link = match link {
            Some(link) => {
                self.check_conflicts(&link, &desired).await?;
                link
            }
            None => self.create(&desired).await?,
        };
        self.remove_withdrawn_sessions(&mut link).await?;
        let link = self.link_sessions(link).await?;
        let mut link = self.without_lost(link);
        self.update_event(&link, &desired).await?;
        self.update_sessions(&link, &desired).await?;
        self.update_staff(&link, &desired).await?;
        if self.has_step(DeliveryStep::DeleteDrafts) {
            self.delete_drafts(&mut link).await?;
        }
        self.publish(&link, self.has_step(DeliveryStep::Publish)).await?;
        self.check_session_count(&link)?;
        self.check_unsupported(&link, &desired).await
    }

    /// Returns the event as Administrate should have it now.
    pub(super) async fn desired(&self) -> Result<DesiredEvent, DeliveryError> {
        let mut db = self.worker.pool.acquire().await?;
        let ids = events::external_ids(&mut db, &self.known.event).await?;
        desired_event(&self.known.event, &ids, &self.worker.config).map_err(DeliveryError::Invalid)
    }

    /// Called between two steps: fails if the delivery was cancelled.
    pub(super) fn check_cancelled(&self) -> Result<(), DeliveryError> {
        if self.halt.is_cancelled() { Err(DeliveryError::Cancelled) } else { Ok(()) }
    }

    pub(super) fn has_step(&self, step: DeliveryStep) -> bool {
        self.steps.contains(&step)
    }

    /// Fails if a local session has no remote one. The course template decides how many sessions an event has in
    /// Administrate, so that extra remote sessions are only reported.
    fn check_session_count(&mut self, link: &EventLink) -> Result<(), DeliveryError> {
        let count = link.sessions.iter().filter(|session| session.tutorial_session_id.is_none()).count();
        if count > 0 {
            self.remarks.push(Notice::ExtraSessions { count });
        }
        let local = &self.known.event.sessions;
        let is_linked = |id: &i64| link.sessions.iter().any(|session| session.tutorial_session_id == Some(*id));
        let missing = self.known.session_ids.iter().zip(local).filter(|(id, _)| !is_linked(id));
        let missing: Vec<String> = missing.map(|(_, session)| format!("\"{}\"", session.title)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(DeliveryError::Invalid(format!(
            "the event has {} sessions, but Administrate has only {} of them: its course template created too few, or \
             they were deleted in Administrate. Add the missing ones ({}) to the event in Administrate, with their title \
             or start, then run `lectern import retry`",
            local.len(),
            local.len() - missing.len(),
            missing.join(", ")
        )))
    }

    pub(super) async fn baseline<T: DeserializeOwned>(
        &self,
        kind: BaselineKind,
        id: &Id,
    ) -> Result<Option<Baseline<T>>, DeliveryError> {
        let mut db = self.worker.pool.acquire().await?;
        Ok(events::load_baseline(&mut db, kind, id).await?)
    }

    /// Stores that Administrate has these values.
    pub(super) async fn set_baseline<T: Serialize + Clone>(
        &self,
        kind: BaselineKind,
        id: &Id,
        values: &T,
    ) -> Result<(), DeliveryError> {
        self.write_baseline(kind, id, values, false).await
    }

    /// Stores that newer values than these are about to be sent, so that Administrate may have either.
    pub(super) async fn mark_baseline_uncertain<T: Serialize + Clone>(
        &self,
        kind: BaselineKind,
        id: &Id,
        values: &T,
    ) -> Result<(), DeliveryError> {
        self.write_baseline(kind, id, values, true).await
    }

    async fn write_baseline<T: Serialize + Clone>(
        &self,
        kind: BaselineKind,
        id: &Id,
        values: &T,
        is_uncertain: bool,
    ) -> Result<(), DeliveryError> {
        let baseline = Baseline { values: values.clone(), uncertain: is_uncertain };
        let mut db = self.worker.pool.acquire().await?;
        Ok(events::save_baseline(&mut db, kind, id, &baseline).await?)
    }
}
