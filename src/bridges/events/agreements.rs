//! What both sides last agreed on, for many events at once.

use administrate::{Id, NewEvent};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Result;

/// The values on which both sides last agreed for one event or session of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled<S> {
    /// An event's own fields.
    Event(Box<NewEvent>),
    /// A session, by its sequence, with Administrate's id of it.
    Session(i32, Id, S),
}

type Row = (i64, String, Option<i32>, String, Json<Value>);

/// The agreements about events of ours, each with our id and Administrate's id of its event. What is not certain, because
/// nobody saw how the last write ended, is left out.
pub async fn agreements<S: DeserializeOwned>(
    db: &mut PgConnection,
    tutorial_event_ids: &[i64],
) -> Result<Vec<(i64, Id, Settled<S>)>> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT e.tutorial_event_id, e.external_id, NULL::int AS sequence, e.external_id AS theirs, a.fields
         FROM adm.events AS e
         JOIN lectern.agreed AS a ON a.entity = 'event' AND a.external_id = e.external_id
         WHERE e.tutorial_event_id = ANY ($1)
         UNION ALL
         SELECT e.tutorial_event_id, e.external_id, ours.sequence, s.external_id, a.fields
         FROM adm.events AS e
         JOIN adm.sessions AS s ON s.event_id = e.id
         JOIN acted.tutorial_sessions AS ours ON ours.id = s.tutorial_session_id
         JOIN lectern.agreed AS a ON a.entity = 'session' AND a.external_id = s.external_id
         WHERE e.tutorial_event_id = ANY ($1)",
    )
    .bind(tutorial_event_ids)
    .fetch_all(db)
    .await?;
    let certain = rows.into_iter().filter(|(.., Json(fields))| fields["unsure"] != Value::Bool(true));
    let agreement = |(ours, event, sequence, theirs, Json(fields)): Row| {
        let agreement = match sequence {
            None => Settled::Event(Box::new(serde_json::from_value(fields).ok()?)),
            Some(sequence) => Settled::Session(sequence, Id::new(theirs), serde_json::from_value(fields).ok()?),
        };
        Some((ours, Id::new(event), agreement))
    };
    Ok(certain.filter_map(agreement).collect())
}
