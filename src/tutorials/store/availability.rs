//! SQL on the places of events: whether they are sold out and how many places are left.

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
        "SELECT e.id, e.code, e.is_soldout, e.remain_space,
                coalesce(json_agg(json_build_object('id', s.id, 'title', s.title, 'start', s.start_date)
                     ORDER BY s.sequence) FILTER (WHERE s.id IS NOT NULL), '[]')
         FROM acted.tutorial_events AS e LEFT JOIN acted.tutorial_sessions AS s ON s.tutorial_event_id = e.id
         WHERE {only} GROUP BY e.id ORDER BY e.id"
    );
    let rows: Vec<(i64, String, bool, i32, Sessions)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(ids).fetch_all(db).await?;
    let availability = |(id, code, is_soldout, remain_space, Json(sessions))| Availability {
        id,
        code,
        is_soldout,
        remain_space,
        sessions,
    };
    Ok(rows.into_iter().map(availability).collect())
}

/// Writes changed places of events.
pub async fn set_available_places(db: &mut PgConnection, places: &[(i64, PlacesChange)]) -> Result<()> {
    let ids: Vec<i64> = places.iter().map(|(id, _)| *id).collect();
    let sold_out: Vec<Option<bool>> = places.iter().map(|(_, places)| places.is_soldout).collect();
    let left: Vec<Option<i32>> = places.iter().map(|(_, places)| places.remain_space).collect();
    sqlx::query(
        "UPDATE acted.tutorial_events AS e
         SET is_soldout = coalesce(w.sold_out, e.is_soldout), remain_space = coalesce(w.places, e.remain_space)
         FROM unnest($1::bigint[], $2::boolean[], $3::int[]) AS w (id, sold_out, places)
         WHERE e.id = w.id AND (e.is_soldout, e.remain_space)
               IS DISTINCT FROM (coalesce(w.sold_out, e.is_soldout), coalesce(w.places, e.remain_space))",
    )
    .bind(ids)
    .bind(sold_out)
    .bind(left)
    .execute(db)
    .await?;
    Ok(())
}
