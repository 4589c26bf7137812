//! SQL on the sessions of events.

use std::collections::HashMap;

use sqlx::PgConnection;

use crate::error::Result;

/// Locks events, in order of id.
pub async fn lock_events(db: &mut PgConnection, ids: &[i64]) -> Result<()> {
    sqlx::query("SELECT FROM acted.tutorial_events WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE")
        .bind(ids)
        .execute(db)
        .await?;
    Ok(())
}

/// Returns the highest sequence of each event that has sessions.
pub async fn last_sequences(db: &mut PgConnection, events: &[i64]) -> Result<HashMap<i64, i64>> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT tutorial_event_id, max(sequence)::bigint FROM acted.tutorial_sessions
         WHERE tutorial_event_id = ANY ($1) GROUP BY tutorial_event_id",
    )
    .bind(events)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Returns the ids of the sessions of an event, in their order.
pub async fn ids_of(db: &mut PgConnection, event: i64) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar("SELECT id FROM acted.tutorial_sessions WHERE tutorial_event_id = $1 ORDER BY sequence, id")
        .bind(event)
        .fetch_all(db)
        .await?)
}

/// Returns the ids of the sessions of an event that have its location and venue.
pub async fn ids_without_place(db: &mut PgConnection, event: i64) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar(
        "SELECT id FROM acted.tutorial_sessions
         WHERE tutorial_event_id = $1 AND venue_id IS NULL AND location_id IS NULL ORDER BY sequence, id",
    )
    .bind(event)
    .fetch_all(db)
    .await?)
}

/// Numbers sessions from 1 in this order. Returns how many got another number.
pub async fn set_order(db: &mut PgConnection, ids: &[i64]) -> Result<u64> {
    let done = sqlx::query(
        "UPDATE acted.tutorial_sessions AS session SET sequence = given.place
         FROM unnest($1::bigint[]) WITH ORDINALITY AS given (id, place)
         WHERE session.id = given.id AND session.sequence <> given.place",
    )
    .bind(ids)
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
