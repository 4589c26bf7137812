//! What both sides last agreed on, for many events at once.

use administrate::{Id, NewEvent};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::bridges::store::baseline::StoredBaseline;
pub use crate::bridges::store::baseline::{load_baseline, now, put_baselines, save_baseline, stored_baselines};

use super::events::{Baseline, BaselineKind, LastSeen};
use crate::error::Result;

/// The values on which both sides last agreed for one event or session of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaselineRow<S> {
    /// An event's own fields.
    Event(Box<NewEvent>),
    /// A session, by its sequence, with Administrate's id of it.
    Session(i32, Id, S),
}

/// Notes what Administrate was just seen to say of events, by its ids.
pub async fn record_last_seen<'a>(
    db: &mut PgConnection,
    seen: impl Iterator<Item = (&'a str, LastSeen)>,
) -> Result<()> {
    let kind = BaselineKind::EventSeen.name();
    let seen: Vec<(&str, Value)> = seen.map(|(id, values)| (id, json!(Baseline { values, unsure: false }))).collect();
    put_baselines(db, &seen.iter().map(|(id, values)| (kind, *id, values)).collect::<Vec<_>>()).await
}

/// The agreements about events of ours, each with our id and Administrate's id of its event. What is not certain, because
/// nobody saw how the last write ended, is left out, and so is what was agreed on after `before`.
pub async fn baselines<S: DeserializeOwned>(
    db: &mut PgConnection,
    tutorial_event_ids: &[i64],
    before: Option<Timestamp>,
) -> Result<Vec<(i64, Id, BaselineRow<S>)>> {
    let rows = super::store::baseline::baseline_rows(db, tutorial_event_ids, before).await?;
    let certain = rows.into_iter().filter(|(.., Json(fields))| fields["unsure"] != Value::Bool(true));
    let agreement = |(ours, event, sequence, theirs, Json(fields)): StoredBaseline| {
        let agreement = match sequence {
            None => BaselineRow::Event(Box::new(serde_json::from_value(fields).ok()?)),
            Some(sequence) => BaselineRow::Session(sequence, Id::new(theirs), serde_json::from_value(fields).ok()?),
        };
        Some((ours, Id::new(event), agreement))
    };
    Ok(certain.filter_map(agreement).collect())
}
