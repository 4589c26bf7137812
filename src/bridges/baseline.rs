//! What both sides last agreed on, for many events at once.

use administrate::{Id, NewEvent};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::bridges::store::baseline::AgreementRow;
pub use crate::bridges::store::baseline::{agree, agreed, kept_agreements, now, put_agreements};

use super::events::{Agreed, Agreement, Seen};
use crate::error::Result;

/// The values on which both sides last agreed for one event or session of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled<S> {
    /// An event's own fields.
    Event(Box<NewEvent>),
    /// A session, by its sequence, with Administrate's id of it.
    Session(i32, Id, S),
}

/// Notes what Administrate was just seen to say of events, by its ids.
pub async fn note_seen<'a>(db: &mut PgConnection, seen: impl Iterator<Item = (&'a str, Seen)>) -> Result<()> {
    let kind = Agreed::EventSeen.name();
    let seen: Vec<(&str, Value)> = seen.map(|(id, values)| (id, json!(Agreement { values, unsure: false }))).collect();
    put_agreements(db, &seen.iter().map(|(id, values)| (kind, *id, values)).collect::<Vec<_>>()).await
}

/// The agreements about events of ours, each with our id and Administrate's id of its event. What is not certain, because
/// nobody saw how the last write ended, is left out, and so is what was agreed on after `before`.
pub async fn agreements<S: DeserializeOwned>(
    db: &mut PgConnection,
    tutorial_event_ids: &[i64],
    before: Option<Timestamp>,
) -> Result<Vec<(i64, Id, Settled<S>)>> {
    let rows = super::store::baseline::agreement_rows(db, tutorial_event_ids, before).await?;
    let certain = rows.into_iter().filter(|(.., Json(fields))| fields["unsure"] != Value::Bool(true));
    let agreement = |(ours, event, sequence, theirs, Json(fields)): AgreementRow| {
        let agreement = match sequence {
            None => Settled::Event(Box::new(serde_json::from_value(fields).ok()?)),
            Some(sequence) => Settled::Session(sequence, Id::new(theirs), serde_json::from_value(fields).ok()?),
        };
        Some((ours, Id::new(event), agreement))
    };
    Ok(certain.filter_map(agreement).collect())
}
