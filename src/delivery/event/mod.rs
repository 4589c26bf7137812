//! One effect being carried out: its steps in order, each of which can be the last.

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
use crate::outbox::OutboxItem;
use crate::tutorials;
use crate::tutorials::{DELETE_DRAFTS, KnownEvent, PUBLISH, REMOVE_EVENT};

/// What is being brought about, for which event, by whom.
pub(super) struct EventDelivery<'a> {
    pub worker: &'a DeliveryWorker,
    pub item: &'a OutboxItem,
    pub known: &'a KnownEvent,
    /// Cancelled when nothing further is to be begun.
    pub halt: &'a CancellationToken,
    /// What was seen on the way.
    pub remarks: Vec<Notice>,
    /// What Administrate did not take.
    pub left: Vec<UnsupportedField>,
    /// Sessions that it no longer has.
    pub gone: Vec<Id>,
}

/// What of an event is no longer in Administrate.
enum MissingRemote {
    Nothing,
    /// All of it; what it was called there.
    Event(Id),
    /// Sessions, which are left alone now.
    Sessions,
}

impl DeliveryWorker {
    /// Carries out an effect as far as it goes.
    pub(super) async fn deliver_item(
        &self,
        item: &OutboxItem,
        halt: &CancellationToken,
    ) -> (Vec<Notice>, Result<(), DeliveryError>) {
        if let Some(kind) = reference::kind_of(&item.effect) {
            let mut remarks = Vec::new();
            let ended = self.create_reference(kind, item, &mut remarks).await;
            return (remarks, ended);
        }
        let known = match self.known(item).await {
            Ok(Some(known)) => known,
            // It was deleted here; what is to become of it there was decided then.
            Ok(None) => return (Vec::new(), Ok(())),
            Err(trouble) => return (Vec::new(), Err(trouble)),
        };
        let mut errand = EventDelivery {
            worker: self,
            item,
            known: &known,
            halt,
            remarks: Vec::new(),
            left: Vec::new(),
            gone: Vec::new(),
        };
        let ended = errand.run().await;
        (errand.remarks, ended)
    }

    async fn known(&self, item: &OutboxItem) -> Result<Option<KnownEvent>, DeliveryError> {
        let mut db = self.pool.acquire().await?;
        Ok(tutorials::store::events_by_id(&mut db, &[item.subject_id]).await?.pop())
    }
}

impl EventDelivery<'_> {
    async fn run(&mut self) -> Result<(), DeliveryError> {
        let trouble = match self.run_steps().await {
            Err(trouble) if trouble.may_mean_missing() => trouble,
            ended => return ended,
        };
        match self.find_missing_remote().await? {
            MissingRemote::Nothing => Err(trouble),
            MissingRemote::Event(_) if self.known.event.cancelled => {
                self.remarks.push(Notice::Removed);
                Ok(())
            }
            MissingRemote::Event(id) => Err(DeliveryError::OutcomeUnknown(format!(
                "the event is no longer in Administrate, where it was {id}: `lectern outbox resolve` with --recreate \
                 makes it anew, with --delivered EXTERNAL_ID it is another one there"
            ))),
            MissingRemote::Sessions => {
                self.left.clear();
                self.run_steps().await
            }
        }
    }

    /// What somebody has deleted in Administrate, which would explain why it refused something.
    async fn find_missing_remote(&mut self) -> Result<MissingRemote, DeliveryError> {
        let mut db = self.worker.pool.acquire().await?;
        let link = events::link_of(&mut db, self.known.id).await?;
        drop(db);
        let Some(link) = link else { return Ok(MissingRemote::Nothing) };
        self.check_cancelled()?;
        let Some(there) = self.worker.client.event(&link.external_id).await? else {
            return Ok(MissingRemote::Event(link.external_id));
        };
        if self.relink_lost_sessions(link, &there).await? {
            Ok(MissingRemote::Sessions)
        } else {
            Ok(MissingRemote::Nothing)
        }
    }

    async fn run_steps(&mut self) -> Result<(), DeliveryError> {
        let mut db = self.worker.pool.acquire().await?;
        let link = events::link_of(&mut db, self.known.id).await?;
        drop(db);
        if self.item.effect == REMOVE_EVENT {
            return self.remove(link.map(|link| self.without_lost(link))).await;
        }
        if self.known.event.cancelled {
            return self.cancel(link.map(|link| self.without_lost(link))).await;
        }
        let wanted = self.desired().await?;
        self.check_approvals(link.as_ref(), &wanted).await?;
        let mut link = match link {
            Some(link) => {
                self.check_conflicts(&link, &wanted).await?;
                link
            }
            None => self.create(&wanted).await?,
        };
        self.remove_withdrawn_sessions(&mut link).await?;
        let link = self.link_sessions(link).await?;
        let mut link = self.without_lost(link);
        self.update_event(&link, &wanted).await?;
        self.update_sessions(&link, &wanted).await?;
        self.update_staff(&link, &wanted).await?;
        if self.has_option(DELETE_DRAFTS) {
            self.delete_drafts(&mut link).await?;
        }
        self.publish(&link, self.has_option(PUBLISH)).await?;
        self.check_session_count(&link)?;
        self.check_unsupported(&link, &wanted).await
    }

    /// The event as Administrate should have it now.
    pub(super) async fn desired(&self) -> Result<DesiredEvent, DeliveryError> {
        let mut db = self.worker.pool.acquire().await?;
        let ids = events::external_ids(&mut db, &self.known.event).await?;
        desired_event(&self.known.event, &ids, &self.worker.config).map_err(DeliveryError::Invalid)
    }

    /// Between two steps: whether to go on.
    pub(super) fn check_cancelled(&self) -> Result<(), DeliveryError> {
        if self.halt.is_cancelled() { Err(DeliveryError::Cancelled) } else { Ok(()) }
    }

    pub(super) fn has_option(&self, step: &str) -> bool {
        self.item.also.iter().any(|asked| asked == step)
    }

    /// The template decides how many sessions an event has in Administrate; ours may be fewer, but not more.
    fn check_session_count(&mut self, link: &EventLink) -> Result<(), DeliveryError> {
        let count = link.sessions.iter().filter(|session| session.tutorial_session_id.is_none()).count();
        if count > 0 {
            self.remarks.push(Notice::LeftoverSessions { count });
        }
        let ours = &self.known.event.sessions;
        let is_there = |id: &i64| link.sessions.iter().any(|session| session.tutorial_session_id == Some(*id));
        let missing = self.known.session_ids.iter().zip(ours).filter(|(id, _)| !is_there(id));
        let missing: Vec<String> = missing.map(|(_, session)| format!("\"{}\"", session.title)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(DeliveryError::Invalid(format!(
            "the event has {} sessions, but Administrate has only {} of them: its course template made too few, or \
             they were deleted there. Add what is missing ({}) to the event there, with its title or its start, then run \
             `lectern import retry`",
            ours.len(),
            ours.len() - missing.len(),
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

    /// Notes that Administrate has these values.
    pub(super) async fn set_baseline<T: Serialize + Clone>(
        &self,
        kind: BaselineKind,
        id: &Id,
        values: &T,
    ) -> Result<(), DeliveryError> {
        self.write_baseline(kind, id, values, false).await
    }

    /// Notes that Administrate is about to be told newer values than these.
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
        unsure: bool,
    ) -> Result<(), DeliveryError> {
        let agreement = Baseline { values: values.clone(), unsure };
        let mut db = self.worker.pool.acquire().await?;
        Ok(events::save_baseline(&mut db, kind, id, &agreement).await?)
    }
}
