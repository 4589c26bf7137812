//! One effect being carried out: its steps in order, each of which can be the last.

use administrate::Id;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use super::wanted::{Wanted, wanted};
use super::{Remark, Trouble, Worker, creations};
use crate::bridges::events::{self, Agreed, Agreement, EventLink};
use crate::outbox::Item;
use crate::tutorials::{self, DELETE_DRAFTS, KnownEvent, PUBLISH, REMOVE_EVENT};

/// What is being brought about, for which event, by whom.
pub(super) struct Errand<'a> {
    pub worker: &'a Worker,
    pub item: &'a Item,
    pub known: &'a KnownEvent,
    /// Cancelled when nothing further is to be begun.
    pub halt: &'a CancellationToken,
    /// What was seen on the way.
    pub remarks: Vec<Remark>,
}

impl Worker {
    /// Carries out an effect as far as it goes.
    pub(super) async fn carry_out(&self, item: &Item, halt: &CancellationToken) -> (Vec<Remark>, Result<(), Trouble>) {
        if let Some(kind) = creations::kind_of(&item.effect) {
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
        let mut errand = Errand { worker: self, item, known: &known, halt, remarks: Vec::new() };
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
        let mut db = self.worker.pool.acquire().await?;
        let link = events::link_of(&mut db, self.known.id).await?;
        drop(db);
        if self.item.effect == REMOVE_EVENT {
            return self.remove(link).await;
        }
        if self.known.event.cancelled {
            return self.call_off(link).await;
        }
        let wanted = self.wanted().await?;
        let link = match link {
            Some(link) => link,
            None => self.create(&wanted).await?,
        };
        let mut link = self.pair_sessions(link).await?;
        self.compare(&link, &wanted).await?;
        self.update_event(&link, &wanted).await?;
        self.update_sessions(&link, &wanted).await?;
        self.update_staff(&link, &wanted).await?;
        if self.is_asked(DELETE_DRAFTS) {
            self.delete_drafts(&mut link).await?;
        }
        self.publish(&link, self.is_asked(PUBLISH)).await?;
        self.compare_sessions(&link)
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

    pub(super) fn is_asked(&self, step: &str) -> bool {
        self.item.also.iter().any(|asked| asked == step)
    }

    /// The template decides how many sessions an event has in Administrate; ours may be fewer, but not more.
    fn compare_sessions(&mut self, link: &EventLink) -> Result<(), Trouble> {
        let count = link.sessions.iter().filter(|session| session.tutorial_session_id.is_none()).count();
        if count > 0 {
            self.remarks.push(Remark::LeftoverSessions { count });
        }
        let ours = self.known.event.sessions.len();
        if link.sessions.len() < ours {
            return Err(Trouble::Refused(format!(
                "the event has {ours} sessions, but its course template made only {} in Administrate: add the missing \
                 ones to the template or to the event there, then run `lectern import retry`",
                link.sessions.len()
            )));
        }
        Ok(())
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
