//! SQL on the places of events: whether they are sold out and how many places are left.

use std::collections::HashMap;

use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Result;
use crate::tutorials::event::{Availability, PlacesChange, SessionSummary};

/// Writes reported places of an event; `None` leaves a value unchanged. Returns whether a value changed.
pub async fn set_places(db: &mut PgConnection, id: i64, sold_out: Option<bool>, left: Option<i32>) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE acted.tutorial_events SET is_soldout = coalesce($2, is_soldout), remain_space = coalesce($3, remain_space)
         WHERE id = $1 AND (is_soldout, remain_space) IS DISTINCT FROM (coalesce($2, is_soldout), coalesce($3, remain_space))",
    )
    .bind(id)
    .bind(sold_out)
    .bind(left)
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Returns the free places of these events, or of all.
pub async fn availabilities(db: &mut PgConnection, ids: Option<&[i64]>) -> Result<Vec<Availability>> {
    type Sessions = Json<Vec<SessionSummary>>;
    // A condition of its own for each case: with both in one, PostgreSQL could read every event.
    let only = if ids.is_some() { "e.id = ANY ($1)" } else { "$1::bigint[] IS NULL" };
    let sql = format!(
        "SELECT e.id, e.code, e.is_soldout, e.remain_space, d.max_places,
                coalesce(json_agg(json_build_object('id', s.id, 'sequence', s.sequence, 'title', s.title, 'start', s.start_date)
                     ORDER BY s.sequence) FILTER (WHERE s.id IS NOT NULL), '[]')
         FROM acted.tutorial_events AS e LEFT JOIN acted.tutorial_sessions AS s ON s.tutorial_event_id = e.id
         LEFT JOIN lectern.event_details AS d ON d.tutorial_event_id = e.id
         WHERE {only} GROUP BY e.id, d.max_places ORDER BY e.id"
    );
    let rows: Vec<(i64, String, bool, i32, Option<i32>, Sessions)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(ids).fetch_all(db).await?;
    let availability = |(id, code, is_soldout, remain_space, max_places, Json(sessions))| Availability {
        id,
        code,
        is_soldout,
        remain_space,
        max_places,
        sessions,
    };
    Ok(rows.into_iter().map(availability).collect())
}

/// New places of a local event, with the ones that they replace; `None` replaces any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacesUpdate {
    pub tutorial_event_id: i64,
    pub before: Option<PlacesChange>,
    pub after: PlacesChange,
}

/// Writes changed places of events. Returns the codes of events that have other places than the ones to replace.
///
/// The caller must not commit if there are any: places were sold since it read them.
pub async fn set_available_places(db: &mut PgConnection, updates: &[PlacesUpdate]) -> Result<Vec<String>> {
    let ids: Vec<i64> = updates.iter().map(|update| update.tutorial_event_id).collect();
    let sold_out: Vec<Option<bool>> = updates.iter().map(|update| update.after.is_soldout).collect();
    let left: Vec<Option<i32>> = updates.iter().map(|update| update.after.remain_space).collect();
    let before = updates.iter().map(|update| update.before.unwrap_or_default());
    let (sold_out_before, left_before): (Vec<Option<bool>>, Vec<Option<i32>>) =
        before.map(|places| (places.is_soldout, places.remain_space)).unzip();
    Ok(sqlx::query_scalar(
        "WITH wanted AS (
             SELECT e.id, e.code, w.sold_out, w.places, e.is_soldout, e.remain_space,
                    coalesce(e.is_soldout = w.sold_out_before, true) AND coalesce(e.remain_space = w.places_before, true)
                        AS is_current
             FROM acted.tutorial_events AS e
             JOIN unnest($1::bigint[], $2::boolean[], $3::int[], $4::boolean[], $5::int[])
                 AS w (id, sold_out, places, sold_out_before, places_before) ON e.id = w.id
             FOR UPDATE OF e),
         updated AS (
             UPDATE acted.tutorial_events AS e
             SET is_soldout = coalesce(w.sold_out, e.is_soldout), remain_space = coalesce(w.places, e.remain_space)
             FROM wanted AS w
             WHERE e.id = w.id AND w.is_current AND (w.is_soldout, w.remain_space)
                   IS DISTINCT FROM (coalesce(w.sold_out, w.is_soldout), coalesce(w.places, w.remain_space)))
         SELECT code FROM wanted WHERE NOT is_current ORDER BY code",
    )
    .bind(ids)
    .bind(sold_out)
    .bind(left)
    .bind(sold_out_before)
    .bind(left_before)
    .fetch_all(db)
    .await?)
}

/// Returns the places of events that are sold beyond the maximum, by local id.
pub async fn oversold(db: &mut PgConnection, events: &[i64]) -> Result<HashMap<i64, i32>> {
    let rows: Vec<(i64, i32)> = sqlx::query_as(
        "SELECT tutorial_event_id, oversold FROM lectern.event_details
         WHERE tutorial_event_id = ANY ($1) AND oversold > 0",
    )
    .bind(events)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Stores the places of events that are sold beyond the maximum, by local id.
pub async fn set_oversold(db: &mut PgConnection, events: &[(i64, i32)]) -> Result<()> {
    let (ids, places): (Vec<i64>, Vec<i32>) = events.iter().copied().unzip();
    sqlx::query(
        "UPDATE lectern.event_details AS known SET oversold = e.oversold
         FROM unnest($1::bigint[], $2::int[]) AS e (id, oversold)
         WHERE known.tutorial_event_id = e.id AND known.oversold <> e.oversold",
    )
    .bind(ids)
    .bind(places)
    .execute(db)
    .await?;
    Ok(())
}
