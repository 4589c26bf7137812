//! SQL that reads and restores what the deletion of rows of reference data removes too.

use sqlx::PgConnection;
use sqlx::types::Json;

use crate::bridges::reference::{ApprovalRow, PriceRow, RowReference};
use crate::error::Result;

/// Returns the prices of these course templates or price levels.
pub(crate) async fn prices_of(db: &mut PgConnection, external_ids: &[String]) -> Result<Vec<PriceRow>> {
    Ok(sqlx::query_as(
        "SELECT p.external_id, t.external_id AS course_template, l.external_id AS price_level, p.amount
         FROM adm.course_template_price_levels p
         JOIN adm.course_templates t ON t.id = p.course_template_id
         JOIN adm.pricelevels l ON l.id = p.price_level_id
         WHERE t.external_id = ANY ($1) OR l.external_id = ANY ($1) ORDER BY p.id",
    )
    .bind(external_ids)
    .fetch_all(db)
    .await?)
}

/// Returns the approvals to teach these course templates.
pub(crate) async fn approvals_of(db: &mut PgConnection, external_ids: &[String]) -> Result<Vec<ApprovalRow>> {
    Ok(sqlx::query_as(
        "SELECT template_external_id, contact_external_id FROM lectern.approved_instructors
         WHERE template_external_id = ANY ($1) ORDER BY 1, 2",
    )
    .bind(external_ids)
    .fetch_all(db)
    .await?)
}

/// Returns every reference to these rows.
pub(crate) async fn references(db: &mut PgConnection, external_ids: &[String]) -> Result<Vec<RowReference>> {
    Ok(sqlx::query_as(
        "SELECT 'venues.location' AS \"column\", external_id, location_id AS mentioned
         FROM adm.venues WHERE location_id = ANY ($1)
         UNION ALL SELECT 'events.location', e.external_id, m.external_id
         FROM (SELECT * FROM adm.events WHERE external_id IS NOT NULL) e JOIN adm.locations m ON m.id = e.location_id WHERE m.external_id = ANY ($1)
         UNION ALL SELECT 'events.venue', e.external_id, m.external_id
         FROM (SELECT * FROM adm.events WHERE external_id IS NOT NULL) e JOIN adm.venues m ON m.id = e.venue_id WHERE m.external_id = ANY ($1)
         UNION ALL SELECT 'events.course_template', e.external_id, m.external_id
         FROM (SELECT * FROM adm.events WHERE external_id IS NOT NULL) e JOIN adm.course_templates m ON m.id = e.course_template_id WHERE m.external_id = ANY ($1)
         UNION ALL SELECT 'events.instructor', e.external_id, m.external_id
         FROM (SELECT * FROM adm.events WHERE external_id IS NOT NULL) e JOIN adm.instructors m ON m.id = e.primary_instructor_id WHERE m.external_id = ANY ($1)
         UNION ALL SELECT 'sessions.instructor', s.external_id, m.external_id
         FROM (SELECT * FROM adm.sessions WHERE external_id IS NOT NULL) s JOIN adm.instructors m ON m.id = s.session_instructor_id WHERE m.external_id = ANY ($1)
         ORDER BY 1, 2",
    )
    .bind(external_ids)
    .fetch_all(db)
    .await?)
}

/// Restores deleted prices, except where a newer one exists.
pub(crate) async fn restore_prices(db: &mut PgConnection, prices: &[PriceRow]) -> Result<()> {
    sqlx::query(
        "INSERT INTO adm.course_template_price_levels (external_id, course_template_id, price_level_id, amount)
         SELECT w.external_id, t.id, l.id, w.amount
         FROM jsonb_to_recordset($1)
             AS w (external_id text, course_template text, price_level text, amount numeric(10, 2))
         JOIN adm.course_templates t ON t.external_id = w.course_template
         JOIN adm.pricelevels l ON l.external_id = w.price_level
         ON CONFLICT DO NOTHING",
    )
    .bind(Json(prices))
    .execute(db)
    .await?;
    Ok(())
}

/// Restores references that are still null.
pub(crate) async fn restore_references(db: &mut PgConnection, references: &[RowReference]) -> Result<()> {
    for sql in [
        "UPDATE adm.venues AS r SET location_id = m.external_id
         FROM jsonb_to_recordset($1) AS w (\"column\" text, external_id text, mentioned text)
         JOIN adm.locations AS m ON m.external_id = w.mentioned
         WHERE w.\"column\" = 'venues.location' AND r.external_id = w.external_id AND r.location_id IS NULL",
        "UPDATE adm.events AS r SET location_id = m.id
         FROM jsonb_to_recordset($1) AS w (\"column\" text, external_id text, mentioned text)
         JOIN adm.locations AS m ON m.external_id = w.mentioned
         WHERE w.\"column\" = 'events.location' AND r.external_id = w.external_id AND r.location_id IS NULL",
        "UPDATE adm.events AS r SET venue_id = m.id
         FROM jsonb_to_recordset($1) AS w (\"column\" text, external_id text, mentioned text)
         JOIN adm.venues AS m ON m.external_id = w.mentioned
         WHERE w.\"column\" = 'events.venue' AND r.external_id = w.external_id AND r.venue_id IS NULL",
        "UPDATE adm.events AS r SET course_template_id = m.id
         FROM jsonb_to_recordset($1) AS w (\"column\" text, external_id text, mentioned text)
         JOIN adm.course_templates AS m ON m.external_id = w.mentioned
         WHERE w.\"column\" = 'events.course_template' AND r.external_id = w.external_id AND r.course_template_id IS NULL",
        "UPDATE adm.events AS r SET primary_instructor_id = m.id
         FROM jsonb_to_recordset($1) AS w (\"column\" text, external_id text, mentioned text)
         JOIN adm.instructors AS m ON m.external_id = w.mentioned
         WHERE w.\"column\" = 'events.instructor' AND r.external_id = w.external_id AND r.primary_instructor_id IS NULL",
        "UPDATE adm.sessions AS r SET session_instructor_id = m.id
         FROM jsonb_to_recordset($1) AS w (\"column\" text, external_id text, mentioned text)
         JOIN adm.instructors AS m ON m.external_id = w.mentioned
         WHERE w.\"column\" = 'sessions.instructor' AND r.external_id = w.external_id AND r.session_instructor_id IS NULL",
    ] {
        sqlx::query(sql).bind(Json(references)).execute(&mut *db).await?;
    }
    Ok(())
}
