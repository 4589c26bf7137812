//! Delivery: one effect of the outbox carried out in Administrate. The one place that knows both worlds.
//!
//! An event is brought there in steps: created, its ids stored at once in a transaction of their own, then its
//! sessions, then its staff. Each step compares what is true here now with what both sides last agreed on, and writes
//! only the difference; so a delivery that was ended anywhere, by whatever, goes on from there when it is tried again.
//!
//! Promises: an event is created once. Before a creation is sent, the outbox notes that from now on Administrate is to
//! be looked at first; what a look cannot decide waits as `unknown` for a person, with the evidence.
//!
//! Does not: decide what is to be delivered (the verbs of `tutorials` ask), publish events, or delete drafts.

pub mod cli;
mod create;
pub mod creations;
pub mod drain;
mod pairing;
pub mod resolve;
pub mod schedule;
mod update;
mod wanted;
pub mod work;

use administrate::{Client, Id};
use sqlx::PgPool;

use crate::bridges::events::{self, EventLink};
use crate::config::Config;
use crate::error::Result;
use crate::outbox::{Claims, Item, State};
use crate::tutorials::{self, KnownEvent};

pub use drain::{Drained, drain};

/// Carries out effects, one at a time or many at once.
#[derive(Debug)]
pub struct Worker {
    pool: PgPool,
    client: Client,
    config: Config,
    claims: Claims,
}

/// What became of one effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The event's code.
    pub subject: String,
    /// The row of the outbox.
    pub item: i64,
    /// How far it has come.
    pub state: State,
    /// Why it is not delivered.
    pub why: Option<String>,
    /// What a person should know although it was delivered.
    pub remarks: Vec<Remark>,
    /// Whether Administrate as a whole could not be used, so that trying others is in vain.
    pub outage: bool,
}

/// Something seen on the way that needs no repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// The template made sessions beyond ours; they stay as drafts.
    LeftoverSessions {
        /// How many.
        count: usize,
    },
    /// Administrate had the event already, and it is the same.
    Adopted,
    /// Administrate said this although it created the event.
    Warning(String),
    /// Input fields that this tenant's API does not take; they are to be changed there by hand.
    LeftOut(Vec<&'static str>),
}

/// Why an event is not delivered.
#[derive(Debug)]
enum Trouble {
    /// Repeating may mend it.
    Later { why: String, outage: bool },
    /// Somebody has to change something first.
    Refused(String),
    /// Administrate cannot tell whether it has been created: the evidence.
    Unclear(String),
    /// We failed ourselves, most likely the database.
    Ours(crate::error::Error),
}

impl From<crate::error::Error> for Trouble {
    fn from(error: crate::error::Error) -> Self {
        Trouble::Ours(error)
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Trouble::Ours(error.into())
    }
}

impl From<administrate::Error> for Trouble {
    fn from(error: administrate::Error) -> Self {
        let why = error.to_string();
        if error.is_transient() || error.is_outage() || error.is_doubtful() {
            // One write that was cut off says nothing of the others; the client's breaker sees when all are.
            return Trouble::Later { why, outage: error.is_outage() && !error.is_doubtful() };
        }
        Trouble::Refused(why)
    }
}

impl Worker {
    /// A worker on this database and this Administrate.
    pub async fn new(pool: &PgPool, client: Client, config: &Config) -> Result<Worker> {
        let claims = Claims::open(pool).await?;
        Ok(Worker { pool: pool.clone(), client, config: config.clone(), claims })
    }

    /// Carries out the next due effect, of `run` alone if one is named; none when nothing is due.
    pub async fn deliver_next(&self, run: Option<i64>) -> Result<Option<Outcome>> {
        let Some(item) = self.claims.next(run).await? else { return Ok(None) };
        let mut remarks = Vec::new();
        let (state, why, outage) = match self.deliver(&item, &mut remarks).await {
            Ok(()) => (self.claims.delivered(&item).await?, None, false),
            Err(trouble) => self.keep(&item, trouble).await?,
        };
        Ok(Some(Outcome { subject: item.subject, item: item.id, state, why, remarks, outage }))
    }

    /// Notes what became of a delivery that did not succeed.
    async fn keep(&self, item: &Item, trouble: Trouble) -> Result<(State, Option<String>, bool)> {
        let (state, wait, why, outage) = match trouble {
            Trouble::Later { why, outage } => match schedule::next_wait(item.attempts, self.config.retry_base_ms) {
                Some(wait) => (State::Pending, Some(wait), why, outage),
                None => (State::Failed, None, why, outage),
            },
            Trouble::Refused(why) => (State::Failed, None, why, false),
            Trouble::Unclear(why) => (State::Unknown, None, why, false),
            Trouble::Ours(error) => {
                self.claims.give_back(item).await?;
                return Err(error);
            }
        };
        self.claims.not_delivered(item, state, wait, &why).await?;
        Ok((state, Some(why), outage))
    }

    async fn deliver(&self, item: &Item, remarks: &mut Vec<Remark>) -> Result<(), Trouble> {
        match creations::kind_of(&item.effect) {
            Some(kind) => self.create_reference(kind, item, remarks).await,
            None => self.deliver_event(item, remarks).await,
        }
    }

    async fn deliver_event(&self, item: &Item, remarks: &mut Vec<Remark>) -> Result<(), Trouble> {
        let mut db = self.pool.acquire().await?;
        let known = tutorials::store::events_by_id(&mut db, &[item.subject_id]).await?;
        // It was deleted here; what is to become of it there was decided then.
        let Some(known) = known.first() else { return Ok(()) };
        let ids = events::external_ids(&mut db, &known.event).await?;
        let link = events::link_of(&mut db, known.id).await?;
        drop(db);
        let wanted = wanted::wanted(&known.event, &ids, &self.config).map_err(Trouble::Refused)?;
        let link = match link {
            Some(link) => link,
            None => self.create(item, known, &wanted, remarks).await?,
        };
        let link = self.pair_sessions(link, known).await?;
        self.update_event(&link, &wanted, remarks).await?;
        self.update_sessions(&link, known, &wanted).await?;
        self.update_staff(&link, &wanted).await?;
        beyond_ours(&link, known, remarks)
    }

    async fn agree(&self, kind: events::Agreed, id: &Id, fields: &impl serde::Serialize) -> Result<(), Trouble> {
        let mut db = self.pool.acquire().await?;
        Ok(events::agree(&mut db, kind, id, fields).await?)
    }

    /// Frees what is still claimed.
    pub async fn close(self) -> Result<()> {
        self.claims.close().await
    }
}

/// The template decides how many sessions an event has in Administrate; ours may be fewer, but not more.
fn beyond_ours(link: &EventLink, known: &KnownEvent, remarks: &mut Vec<Remark>) -> Result<(), Trouble> {
    let count = link.sessions.iter().filter(|session| session.tutorial_session_id.is_none()).count();
    if count > 0 {
        remarks.push(Remark::LeftoverSessions { count });
    }
    if link.sessions.len() < known.event.sessions.len() {
        return Err(Trouble::Refused(format!(
            "the event has {} sessions, but its course template made only {} in Administrate: add the missing ones \
             to the template or to the event there, then run `lectern sync events`",
            known.event.sessions.len(),
            link.sessions.len()
        )));
    }
    Ok(())
}
