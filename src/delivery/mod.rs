//! Delivery: one effect of the outbox carried out in Administrate. The one place that knows both worlds.
//!
//! An event is brought there in steps: created, its ids stored at once in a transaction of their own, then its
//! sessions, then its staff, then, where that was asked, published. Each step compares what is true here now with what both sides last agreed on, and writes
//! only the difference; so a delivery that was ended anywhere, by whatever, goes on from there when it is tried again.
//!
//! Promises: an event is created once. Before a creation is sent, the outbox notes that from now on Administrate is to
//! be looked at first; what a look cannot decide waits as `unknown` for a person, with the evidence.
//!
//! Does not: decide what is to be delivered (the verbs of `tutorials` ask), publish or delete anything unasked.

pub mod api;
pub mod cli;
pub mod drain;
pub mod duplicates;
mod event;
mod in_doubt;
pub mod reference;
pub mod resolve;
mod store;
pub mod worker;

use std::fmt;
use std::time::Duration;

use administrate::Client;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::backoff;
use crate::bridges::events::LifecycleState;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::outbox::{Claims, DeliveryState, OutboxItem};

pub use drain::{DrainReport, drain};

/// Carries out effects, one at a time or many at once.
#[derive(Debug)]
pub struct DeliveryWorker {
    pool: PgPool,
    client: Client,
    config: Config,
    claims: Claims,
    approvals: event::approvals::Approvals,
}

/// What became of one effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryOutcome {
    /// The event's code, the name of another record.
    pub subject: String,
    /// Our id of it.
    pub subject_id: i64,
    /// The row of the outbox.
    pub item: i64,
    /// How far it has come.
    pub state: DeliveryState,
    /// Why it is not delivered.
    pub reason: Option<String>,
    /// What a person should know although it was delivered.
    pub remarks: Vec<Notice>,
    /// When it is tried again, if it is.
    pub retry_in: Option<Duration>,
    /// Whether Administrate as a whole could not be used, so that trying others is in vain.
    pub outage: bool,
}

/// Something seen on the way that needs no repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
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
    /// The event is gone on both sides, or called off there.
    Removed,
    /// It was called off there and takes place again.
    TakenUpAgain,
}

impl Notice {
    /// Whether both systems differ until somebody does something. The venue of an event is carried by its sessions too, so
    /// that leaving it out of the event itself loses nothing.
    pub fn needs_a_person(&self) -> bool {
        matches!(self, Notice::LeftOut(fields) if fields.iter().any(|field| *field != "venueId"))
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::LeftoverSessions { count } => {
                let sessions = crate::console::counted(*count, "session");
                write!(f, "Administrate made {sessions} more than the timetable has, left there as drafts")
            }
            Notice::Adopted => f.write_str("Administrate had the event already; it was taken over"),
            Notice::Warning(warning) => write!(f, "Administrate created it, and said: {warning}"),
            Notice::LeftOut(fields) => {
                write!(f, "this Administrate does not take {}: change it there by hand", fields.join(", "))
            }
            Notice::Removed => f.write_str("taken away on both sides"),
            Notice::TakenUpAgain => f.write_str("it was cancelled in Administrate and has been taken up again there"),
        }
    }
}

/// Why an event is not delivered.
#[derive(Debug)]
pub(crate) enum DeliveryError {
    /// Repeating may mend it, but not before so long. `said_no`: Administrate did not fail, it refused.
    Retryable { why: String, outage: bool, said_no: bool, at_least: Duration },
    /// Administrate refused it: somebody has to change something first.
    RejectedByRemote(String),
    /// Likewise, as we know ourselves.
    Invalid(String),
    /// Administrate cannot tell whether it has been created: the evidence.
    OutcomeUnknown(String),
    /// Somebody said stop between two steps.
    Cancelled,
    /// We failed ourselves, most likely the database.
    Internal(Error),
}

impl DeliveryError {
    fn later(why: impl Into<String>) -> DeliveryError {
        DeliveryError::Retryable { why: why.into(), outage: false, said_no: false, at_least: Duration::ZERO }
    }

    /// Whether the reason may be that what was to be changed is no longer there.
    fn may_mean_missing(&self) -> bool {
        matches!(self, DeliveryError::RejectedByRemote(_) | DeliveryError::Retryable { said_no: true, .. })
    }
}

impl From<Error> for DeliveryError {
    fn from(error: Error) -> Self {
        match error {
            lost if lost.is_lost_database() => DeliveryError::Internal(lost),
            // The database is there and refused this one write; others may pass.
            Error::Database(sqlx::Error::Database(_)) => DeliveryError::later(error.to_string()),
            Error::Failed(why) => DeliveryError::Invalid(why),
            error => DeliveryError::Internal(error),
        }
    }
}

impl From<sqlx::Error> for DeliveryError {
    fn from(error: sqlx::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<administrate::Error> for DeliveryError {
    fn from(error: administrate::Error) -> Self {
        let why = error.to_string();
        if error.is_transient() || error.is_outage() || error.is_in_doubt() {
            // One write that was cut off says nothing of the others; the client's breaker sees when all are.
            let outage = error.is_outage() && !error.is_in_doubt();
            let said_no = matches!(error, administrate::Error::Graphql { .. } | administrate::Error::Unreadable { .. });
            return DeliveryError::Retryable { why, outage, said_no, at_least: Duration::ZERO };
        }
        let names_a_field = matches!(&error, administrate::Error::Refused { errors, .. }
            if errors.iter().any(|error| error.label.contains("customFieldValues")));
        // The key means nothing to a person; one that is gone there is known no more after this.
        let mend =
            "; where a custom field is gone there: `lectern sync custom-fields --prune`, then `lectern import retry`";
        DeliveryError::RejectedByRemote(if names_a_field { why + mend } else { why })
    }
}

/// Whether an event is cancelled there.
fn is_called_off(event: &administrate::Event) -> bool {
    LifecycleState::of(event.lifecycle.as_deref()) == Some(LifecycleState::Cancelled)
}

impl DeliveryWorker {
    /// A worker on this database and this Administrate.
    pub async fn new(pool: &PgPool, client: Client, config: &Config) -> Result<DeliveryWorker> {
        let claims = Claims::open(pool).await?;
        let approvals = event::approvals::Approvals::default();
        Ok(DeliveryWorker { pool: pool.clone(), client, config: config.clone(), claims, approvals })
    }

    /// Carries out the next due effect, of `run` alone if one is named; none when nothing is due. Cancelling `halt` ends
    /// it between two steps.
    pub async fn deliver_next(&self, run: Option<i64>, halt: &CancellationToken) -> Result<Option<DeliveryOutcome>> {
        let Some(item) = self.claims.next(run).await? else { return Ok(None) };
        let (remarks, ended) = self.deliver_item(&item, halt).await;
        let mut outcome = DeliveryOutcome {
            subject: item.subject.clone(),
            subject_id: item.subject_id,
            item: item.id,
            state: DeliveryState::Pending,
            reason: None,
            remarks,
            retry_in: None,
            outage: false,
        };
        match ended {
            Ok(()) => outcome.state = self.claims.delivered(&item).await?,
            Err(trouble) => self.keep(&item, trouble, &mut outcome).await?,
        }
        Ok(Some(outcome))
    }

    /// Notes what became of a delivery that did not succeed.
    async fn keep(&self, item: &OutboxItem, trouble: DeliveryError, outcome: &mut DeliveryOutcome) -> Result<()> {
        let base = self.config.retry_base_ms;
        let (state, wait, why) = match trouble {
            DeliveryError::Retryable { why, outage: true, .. } => {
                let wait = backoff::outage_delay(base);
                self.claims.postpone(item, wait, Some(&why)).await?;
                (outcome.reason, outcome.retry_in, outcome.outage) = (Some(why), Some(wait), true);
                return Ok(());
            }
            DeliveryError::Cancelled => return self.claims.postpone(item, Duration::ZERO, None).await,
            DeliveryError::Retryable { why, at_least, .. } => match backoff::retry_delay(item.attempts, base) {
                Some(wait) => (DeliveryState::Pending, Some(wait.max(at_least)), why),
                None => (DeliveryState::Failed, None, backoff::exhausted_message(why, item.attempts)),
            },
            DeliveryError::RejectedByRemote(why) | DeliveryError::Invalid(why) => (DeliveryState::Failed, None, why),
            DeliveryError::OutcomeUnknown(why) => (DeliveryState::Unknown, None, why),
            DeliveryError::Internal(error) => {
                self.claims.release(item).await?;
                return Err(error);
            }
        };
        outcome.state = self.claims.not_delivered(item, state, wait, &why).await?;
        (outcome.reason, outcome.retry_in) = (Some(why), wait);
        Ok(())
    }

    /// Frees what is still claimed.
    pub async fn close(self) -> Result<()> {
        self.claims.close().await
    }
}
