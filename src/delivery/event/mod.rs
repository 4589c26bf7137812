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

use self::unsupported::Left;
use super::{Remark, Trouble, Worker, reference};
use crate::bridges::events;
use crate::bridges::events::{Agreed, Agreement, EventLink};
use crate::merge::desired::{Wanted, wanted};
use crate::outbox::Item;
use crate::tutorials;
use crate::tutorials::{DELETE_DRAFTS, KnownEvent, PUBLISH, REMOVE_EVENT};

/// What is being brought about, for which event, by whom.
pub(super) struct Errand<'a> {
    pub worker: &'a Worker,
    pub item: &'a Item,
    pub known: &'a KnownEvent,
    /// Cancelled when nothing further is to be begun.
    pub halt: &'a CancellationToken,
    /// What was seen on the way.
    pub remarks: Vec<Remark>,
    /// What Administrate did not take.
    pub left: Vec<Left>,
    /// Sessions that it no longer has.
    pub gone: Vec<Id>,
}

/// What of an event is no longer in Administrate.
enum Missing {
    Nothing,
    /// All of it; what it was called there.
    Event(Id),
    /// Sessions, which are left alone now.
    Sessions,
}

impl Worker {
    /// Carries out an effect as far as it goes.
    pub(super) async fn carry_out(&self, item: &Item, halt: &CancellationToken) -> (Vec<Remark>, Result<(), Trouble>) {
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
        let mut errand =
            Errand { worker: self, item, known: &known, halt, remarks: Vec::new(), left: Vec::new(), gone: Vec::new() };
        let ended = errand.run().await;
        (errand.remarks, ended)
    }

    async fn known(&self, item: &Item) -> Result<Option<KnownEvent>, Trouble> {
        let mut db = self.pool.acquire().await?;
        Ok(tutorials::store::events_by_id(&mut db, &[item.subject_id]).await?.pop())
    }
}

impl Errand<'_> {
    async fn run(&mut self) -> Result<(), Trouble> {
        let trouble = match self.bring_about().await {
            Err(trouble) if trouble.may_mean_missing() => trouble,
            ended => return ended,
        };
        match self.missing_there().await? {
            Missing::Nothing => Err(trouble),
            Missing::Event(_) if self.known.event.cancelled => {
                self.remarks.push(Remark::Removed);
                Ok(())
            }
            Missing::Event(id) => Err(Trouble::Unclear(format!(
                "the event is no longer in Administrate, where it was {id}: `lectern outbox resolve` with --recreate \
                 makes it anew, with --delivered EXTERNAL_ID it is another one there"
            ))),
            Missing::Sessions => {
                self.left.clear();
                self.bring_about().await
            }
        }
    }

    /// What somebody has deleted in Administrate, which would explain why it refused something.
    async fn missing_there(&mut self) -> Result<Missing, Trouble> {
        let mut db = self.worker.pool.acquire().await?;
        let link = events::link_of(&mut db, self.known.id).await?;
        drop(db);
        let Some(link) = link else { return Ok(Missing::Nothing) };
        self.go_on()?;
        let Some(there) = self.worker.client.event(&link.external_id).await? else {
            return Ok(Missing::Event(link.external_id));
        };
        if self.find_again(link, &there).await? { Ok(Missing::Sessions) } else { Ok(Missing::Nothing) }
    }

    async fn bring_about(&mut self) -> Result<(), Trouble> {
        let mut db = self.worker.pool.acquire().await?;
        let link = events::link_of(&mut db, self.known.id).await?;
        drop(db);
        if self.item.effect == REMOVE_EVENT {
            return self.remove(link.map(|link| self.standing(link))).await;
        }
        if self.known.event.cancelled {
            return self.call_off(link.map(|link| self.standing(link))).await;
        }
        let wanted = self.wanted().await?;
        self.check_approvals(link.as_ref(), &wanted).await?;
        let mut link = match link {
            Some(link) => {
                self.compare(&link, &wanted).await?;
                link
            }
            None => self.create(&wanted).await?,
        };
        self.take_sessions_away(&mut link).await?;
        let link = self.pair_sessions(link).await?;
        let mut link = self.standing(link);
        self.update_event(&link, &wanted).await?;
        self.update_sessions(&link, &wanted).await?;
        self.update_staff(&link, &wanted).await?;
        if self.has_option(DELETE_DRAFTS) {
            self.delete_drafts(&mut link).await?;
        }
        self.publish(&link, self.has_option(PUBLISH)).await?;
        self.compare_sessions(&link)?;
        self.compare_left(&link, &wanted).await
    }

    /// The event as Administrate should have it now.
    pub(super) async fn wanted(&self) -> Result<Wanted, Trouble> {
        let mut db = self.worker.pool.acquire().await?;
        let ids = events::external_ids(&mut db, &self.known.event).await?;
        wanted(&self.known.event, &ids, &self.worker.config).map_err(Trouble::Refused)
    }

    /// Between two steps: whether to go on.
    pub(super) fn go_on(&self) -> Result<(), Trouble> {
        if self.halt.is_cancelled() { Err(Trouble::Stopped) } else { Ok(()) }
    }

    pub(super) fn has_option(&self, step: &str) -> bool {
        self.item.also.iter().any(|asked| asked == step)
    }

    /// The template decides how many sessions an event has in Administrate; ours may be fewer, but not more.
    fn compare_sessions(&mut self, link: &EventLink) -> Result<(), Trouble> {
        let count = link.sessions.iter().filter(|session| session.tutorial_session_id.is_none()).count();
        if count > 0 {
            self.remarks.push(Remark::LeftoverSessions { count });
        }
        let ours = &self.known.event.sessions;
        let is_there = |id: &i64| link.sessions.iter().any(|session| session.tutorial_session_id == Some(*id));
        let missing = self.known.session_ids.iter().zip(ours).filter(|(id, _)| !is_there(id));
        let missing: Vec<String> = missing.map(|(_, session)| format!("\"{}\"", session.title)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Trouble::Refused(format!(
            "the event has {} sessions, but Administrate has only {} of them: its course template made too few, or \
             they were deleted there. Add what is missing ({}) to the event there, with its title or its start, then run \
             `lectern import retry`",
            ours.len(),
            ours.len() - missing.len(),
            missing.join(", ")
        )))
    }

    pub(super) async fn agreed<T: DeserializeOwned>(
        &self,
        kind: Agreed,
        id: &Id,
    ) -> Result<Option<Agreement<T>>, Trouble> {
        let mut db = self.worker.pool.acquire().await?;
        Ok(events::agreed(&mut db, kind, id).await?)
    }

    /// Notes that Administrate has these values.
    pub(super) async fn agree<T: Serialize + Clone>(&self, kind: Agreed, id: &Id, values: &T) -> Result<(), Trouble> {
        self.note(kind, id, values, false).await
    }

    /// Notes that Administrate is about to be told newer values than these.
    pub(super) async fn doubt<T: Serialize + Clone>(&self, kind: Agreed, id: &Id, values: &T) -> Result<(), Trouble> {
        self.note(kind, id, values, true).await
    }

    async fn note<T: Serialize + Clone>(&self, kind: Agreed, id: &Id, values: &T, unsure: bool) -> Result<(), Trouble> {
        let agreement = Agreement { values: values.clone(), unsure };
        let mut db = self.worker.pool.acquire().await?;
        Ok(events::agree(&mut db, kind, id, &agreement).await?)
    }
}
